/** Requests and responses of `wasi:http/types` — https://github.com/WebAssembly/WASI/tree/main/wasip2/http */
import { resultError } from '@tenon/component';
import { Arriving, Departing } from '../body/http/body.ts';
import { parseAuthority } from '../body/http/client.ts';
import { HttpError } from '../body/http/error.ts';
import { FieldList, isToken } from '../body/http/fields.ts';
import { checkInformational, isFinal } from '../body/http/framing.ts';
import { abandon, type Message } from '../body/http/message.ts';
import { type Duration, HTTP, HTTPS, METHOD, milliseconds, SCHEME, TARGET, targetOf, type Variant } from '../body/http/parts.ts';
import { discard, type ReceivedRequest, type Reply } from '../body/http/server.ts';
import type { Later } from '../body/readiness.ts';
import { Future, IncomingBody, OutgoingBody, type Result, refused } from './http-bodies.ts';
import { type ErrorCode, errorCode, shown } from './http-errors.ts';
import { Fields } from './http-fields.ts';

export class IncomingRequest {
  readonly #request: ReceivedRequest;
  #headers: FieldList | undefined;
  #consumed = false;

  constructor(request: ReceivedRequest) {
    this.#request = request;
  }

  method(): Variant {
    const { method } = this.#request;
    return METHOD.get(method) ?? { tag: 'other', val: method };
  }

  pathWithQuery(): string | undefined {
    return this.#request.target;
  }

  scheme(): Variant {
    return this.#request.secure ? HTTPS : HTTP;
  }

  authority(): string | undefined {
    return this.#request.authority;
  }

  headers(): Fields {
    this.#headers ??= FieldList.received(this.#request.rawHeaders);
    return new Fields(this.#headers);
  }

  consume(): IncomingBody {
    if (this.#consumed) throw refused('the body of this request was taken before');
    this.#consumed = true;
    return new IncomingBody(new Arriving(this.#request.message, discard, 'connection-terminated'));
  }
}

export class OutgoingRequest {
  readonly #headers: FieldList;
  #method: Variant = { tag: 'get' };
  #path: string | undefined;
  #scheme: Variant | undefined;
  #authority: string | undefined;
  #body: Departing | undefined;

  constructor(headers: Fields) {
    this.#headers = headers.list.freeze();
  }

  body(): OutgoingBody {
    if (this.#body !== undefined) throw refused('the body of this request was taken before');
    this.#body = new Departing();
    return new OutgoingBody(this.#body);
  }

  method(): Variant {
    return this.#method;
  }

  setMethod(method: Variant): void {
    if (method.tag === 'other' && !isToken(method.val ?? '')) throw refused('the method has characters that no method may have');
    this.#method = method;
  }

  pathWithQuery(): string | undefined {
    return this.#path;
  }

  setPathWithQuery(path: string | undefined): void {
    if (path !== undefined && !TARGET.test(path)) throw refused('this is no path with a query: it begins with a slash or a question mark');
    this.#path = path;
  }

  scheme(): Variant | undefined {
    return this.#scheme;
  }

  setScheme(scheme: Variant | undefined): void {
    if (scheme?.tag === 'other' && !SCHEME.test(scheme.val ?? '')) throw refused('the scheme has characters that no scheme may have');
    this.#scheme = scheme;
  }

  authority(): string | undefined {
    return this.#authority;
  }

  setAuthority(authority: string | undefined): void {
    try {
      if (authority !== undefined) parseAuthority(authority, true);
    } catch {
      throw refused('the authority is no host with or without a port');
    }
    this.#authority = authority;
  }

  headers(): Fields {
    return new Fields(this.#headers);
  }

  /** What goes over the wire. @throws HttpError where a part is missing or of no use. */
  get parts(): { method: string; secure: boolean; authority: string; path: string; fields: FieldList; body: Departing | undefined } {
    const scheme = this.#scheme ?? HTTPS;
    if (scheme.tag === 'other') throw new HttpError('HTTP-protocol-error', `requests of the scheme ${scheme.val} cannot be sent`);
    if (this.#authority === undefined) throw new HttpError('HTTP-request-URI-invalid', 'the request has no authority');
    const method = this.#method.tag === 'other' ? (this.#method.val ?? '') : this.#method.tag.toUpperCase();
    if (method === 'CONNECT') throw new HttpError('HTTP-request-method-invalid', 'CONNECT cannot be sent');
    return {
      method,
      secure: scheme.tag === 'HTTPS',
      authority: this.#authority,
      path: targetOf(this.#path),
      fields: this.#headers,
      body: this.#body,
    };
  }

  [Symbol.dispose](): void {
    this.#headers.release();
    this.#body?.release();
  }
}

export class RequestOptions {
  #connect: Duration;
  #firstByte: Duration;
  #betweenBytes: Duration;

  connectTimeout(): Duration {
    return this.#connect;
  }

  setConnectTimeout(duration: Duration): void {
    this.#connect = duration;
  }

  firstByteTimeout(): Duration {
    return this.#firstByte;
  }

  setFirstByteTimeout(duration: Duration): void {
    this.#firstByte = duration;
  }

  betweenBytesTimeout(): Duration {
    return this.#betweenBytes;
  }

  setBetweenBytesTimeout(duration: Duration): void {
    this.#betweenBytes = duration;
  }

  /** Milliseconds, with the host's where the guest gave none. */
  timeouts(otherwise: { readonly connect: number; readonly firstByte: number; readonly betweenBytes: number }): {
    connectTimeout: number;
    firstByteTimeout: number;
    betweenBytesTimeout: number;
  } {
    return {
      connectTimeout: milliseconds(this.#connect, otherwise.connect),
      firstByteTimeout: milliseconds(this.#firstByte, otherwise.firstByte),
      betweenBytesTimeout: milliseconds(this.#betweenBytes, otherwise.betweenBytes),
    };
  }
}

export class OutgoingResponse {
  readonly #headers: FieldList;
  #status = 200;
  #body: Departing | undefined;

  constructor(headers: Fields) {
    this.#headers = headers.list.freeze();
  }

  statusCode(): number {
    return this.#status;
  }

  setStatusCode(status: number): void {
    if (!isFinal(status)) throw refused(`${status} is no status that a response ends with`);
    this.#status = status;
  }

  headers(): Fields {
    return new Fields(this.#headers);
  }

  body(): OutgoingBody {
    if (this.#body !== undefined) throw refused('the body of this response was taken before');
    this.#body = new Departing();
    return new OutgoingBody(this.#body);
  }

  giveTo(reply: Reply): void {
    reply.give(this.#status, this.#headers, this.#body);
    this.#headers.release();
  }

  [Symbol.dispose](): void {
    this.#headers.release();
    this.#body?.release();
  }
}

export class ResponseOutparam {
  readonly #reply: Reply;

  constructor(reply: Reply) {
    this.#reply = reply;
  }

  sendInformational(status: number, headers: Fields): void {
    try {
      checkInformational(status, headers.list);
    } catch (error) {
      throw error instanceof HttpError ? resultError(errorCode(error), error.message) : error;
    }
    const bytes = this.#reply.inform(status, headers.list);
    headers.list.release();
    if (bytes !== undefined) throw resultError({ tag: 'HTTP-response-header-section-size', val: bytes }, 'too much of it is on its way');
  }

  static set(param: ResponseOutparam, response: Result<OutgoingResponse, ErrorCode>): void {
    if (response.tag === 'ok') response.val.giveTo(param.#reply);
    else param.#reply.refuse(500, `the guest answered with the error ${shown(response.val)}`);
  }
}

export class IncomingResponse {
  readonly #message: Message;
  #headers: FieldList | undefined;
  #consumed = false;

  constructor(message: Message) {
    this.#message = message;
  }

  status(): number {
    return this.#message.statusCode ?? 0;
  }

  headers(): Fields {
    this.#headers ??= FieldList.received(this.#message.rawHeaders);
    return new Fields(this.#headers);
  }

  consume(): IncomingBody {
    if (this.#consumed) throw refused('the body of this response was taken before');
    this.#consumed = true;
    return new IncomingBody(new Arriving(this.#message, abandon, 'HTTP-response-incomplete'));
  }

  [Symbol.dispose](): void {
    if (!this.#consumed) abandon(this.#message);
  }
}

export class FutureIncomingResponse extends Future<Message | HttpError, IncomingResponse, ErrorCode> {
  constructor(later: Later<Message | HttpError>) {
    super(later, (from) =>
      from instanceof HttpError ? { tag: 'err', val: errorCode(from) } : { tag: 'ok', val: new IncomingResponse(from) },
    );
  }

  [Symbol.dispose](): void {
    this.forsake((response) => {
      if (!(response instanceof HttpError)) abandon(response);
    });
  }
}
