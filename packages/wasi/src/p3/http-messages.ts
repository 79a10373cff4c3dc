/** Requests, responses and options of `wasi:http/types` 0.3 — https://github.com/WebAssembly/WASI/tree/main/proposals/http */
import { resultError } from '@tenon/component';
import { type Budget, callerBudget } from '../body/budget.ts';
import { parseAuthority, TIMEOUTS } from '../body/http/client.ts';
import { HttpError } from '../body/http/error.ts';
import { FieldList, isToken } from '../body/http/fields.ts';
import { abandon, type Message } from '../body/http/message.ts';
import { type Duration, HTTP, HTTPS, METHOD, milliseconds, SCHEME, TARGET, targetOf, type Variant } from '../body/http/parts.ts';
import { discard, type ReceivedRequest } from '../body/http/server.ts';
import { type Consumed, type Content, MadeContent, ReceivedContent, type Sent, type Trailers } from './http-bodies.ts';
import { Fields } from './http-fields.ts';

/** The error case of a `result` that says nothing more. */
function refused(why: string): Error {
  return resultError(undefined, why);
}

export class RequestOptions {
  #connect: Duration;
  #firstByte: Duration;
  #betweenBytes: Duration;
  #immutable = false;

  getConnectTimeout(): Duration {
    return this.#connect;
  }

  setConnectTimeout(duration: Duration): void {
    this.#check();
    this.#connect = duration;
  }

  getFirstByteTimeout(): Duration {
    return this.#firstByte;
  }

  setFirstByteTimeout(duration: Duration): void {
    this.#check();
    this.#firstByte = duration;
  }

  getBetweenBytesTimeout(): Duration {
    return this.#betweenBytes;
  }

  setBetweenBytesTimeout(duration: Duration): void {
    this.#check();
    this.#betweenBytes = duration;
  }

  clone(): RequestOptions {
    const copy = new RequestOptions();
    copy.#connect = this.#connect;
    copy.#firstByte = this.#firstByte;
    copy.#betweenBytes = this.#betweenBytes;
    return copy;
  }

  /** The same, never to be changed. */
  frozen(): RequestOptions {
    const copy = this.clone();
    copy.#immutable = true;
    return copy;
  }

  /** Milliseconds, with the host's where the guest gave none. */
  get timeouts(): { connectTimeout: number; firstByteTimeout: number; betweenBytesTimeout: number } {
    return {
      connectTimeout: milliseconds(this.#connect, TIMEOUTS.connect),
      firstByteTimeout: milliseconds(this.#firstByte, TIMEOUTS.firstByte),
      betweenBytesTimeout: milliseconds(this.#betweenBytes, TIMEOUTS.betweenBytes),
    };
  }

  #check(): void {
    if (this.#immutable) throw resultError({ tag: 'immutable' }, 'the options of a request cannot be changed');
  }
}

export class Request {
  readonly budget: Budget = callerBudget();
  readonly #headers: FieldList;
  readonly #content: Content;
  readonly #options: RequestOptions | undefined;
  #method: Variant = { tag: 'get' };
  #path: string | undefined;
  #scheme: Variant | undefined;
  #authority: string | undefined;
  #taken = false;

  constructor(headers: FieldList, content: Content, options?: RequestOptions) {
    this.#headers = headers;
    this.#content = content;
    this.#options = options?.frozen();
  }

  static new(
    headers: Fields,
    contents: ReadableStream<unknown> | undefined,
    trailers: Promise<Trailers>,
    options: RequestOptions | undefined,
  ): [Request, Promise<Sent>] {
    const content = new MadeContent(contents, trailers);
    return [new Request(headers.list.freeze(), content, options), content.transmission];
  }

  /** One that a server received. */
  static received(received: ReceivedRequest): Request {
    const { method, target, secure, authority, rawHeaders, message } = received;
    const request = new Request(FieldList.received(rawHeaders), new ReceivedContent(message, discard, 'connection-terminated'));
    request.#method = METHOD.get(method) ?? { tag: 'other', val: method };
    request.#path = target;
    request.#scheme = secure ? HTTPS : HTTP;
    request.#authority = authority;
    return request;
  }

  getMethod(): Variant {
    return this.#method;
  }

  setMethod(method: Variant): void {
    if (method.tag === 'other' && !isToken(method.val ?? '')) throw refused('the method has characters that no method may have');
    this.#method = method;
  }

  getPathWithQuery(): string | undefined {
    return this.#path;
  }

  setPathWithQuery(path: string | undefined): void {
    if (path !== undefined && !TARGET.test(path)) throw refused('this is no path with a query: it begins with a slash or a question mark');
    this.#path = path;
  }

  getScheme(): Variant | undefined {
    return this.#scheme;
  }

  setScheme(scheme: Variant | undefined): void {
    if (scheme?.tag === 'other' && !SCHEME.test(scheme.val ?? '')) throw refused('the scheme has characters that no scheme may have');
    this.#scheme = scheme;
  }

  getAuthority(): string | undefined {
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

  getOptions(): RequestOptions | undefined {
    return this.#options;
  }

  getHeaders(): Fields {
    return new Fields(this.#headers.freeze());
  }

  static consumeBody(request: Request, result: Promise<Sent>): Consumed {
    return request.take().consume(result);
  }

  /** Its content, which is the taker's from now on. */
  take(): Content {
    this.#taken = true;
    return this.#content;
  }

  /** What goes over the wire. @throws HttpError where a part is missing or of no use. */
  get parts(): { method: string; secure: boolean; authority: string; path: string; fields: FieldList } {
    const scheme = this.#scheme ?? HTTPS;
    if (scheme.tag === 'other') throw new HttpError('HTTP-protocol-error', `requests of the scheme ${scheme.val} cannot be sent`);
    if (this.#authority === undefined) throw new HttpError('HTTP-request-URI-invalid', 'the request has no authority');
    const method = this.#method.tag === 'other' ? (this.#method.val ?? '') : this.#method.tag.toUpperCase();
    if (method === 'CONNECT') throw new HttpError('HTTP-request-method-invalid', 'CONNECT cannot be sent');
    const path = targetOf(this.#path);
    return { method, secure: scheme.tag === 'HTTPS', authority: this.#authority, path, fields: this.#headers };
  }

  get timeouts(): RequestOptions['timeouts'] {
    return (this.#options ?? new RequestOptions()).timeouts;
  }

  [Symbol.dispose](): void {
    this.#headers.release();
    if (!this.#taken) this.#content.discard();
  }
}

export class Response {
  readonly budget: Budget;
  readonly headers: FieldList;
  readonly #content: Content;
  #status = 200;
  #taken = false;

  constructor(headers: FieldList, content: Content, budget: Budget = callerBudget()) {
    this.headers = headers;
    this.budget = budget;
    this.#content = content;
  }

  static new(headers: Fields, contents: ReadableStream<unknown> | undefined, trailers: Promise<Trailers>): [Response, Promise<Sent>] {
    const content = new MadeContent(contents, trailers);
    return [new Response(headers.list.freeze(), content), content.transmission];
  }

  /** One that a server has sent. */
  static received(message: Message, budget: Budget): Response {
    const content = new ReceivedContent(message, abandon, 'HTTP-response-incomplete');
    const response = new Response(FieldList.received(message.rawHeaders), content, budget);
    response.#status = message.statusCode ?? 0;
    return response;
  }

  getStatusCode(): number {
    return this.#status;
  }

  setStatusCode(status: number): void {
    if (status < 100 || status > 999) throw refused(`${status} is no status code`);
    this.#status = status;
  }

  getHeaders(): Fields {
    return new Fields(this.headers.freeze());
  }

  static consumeBody(response: Response, result: Promise<Sent>): Consumed {
    return response.take().consume(result);
  }

  /** Its content, which is the taker's from now on. */
  take(): Content {
    this.#taken = true;
    return this.#content;
  }

  [Symbol.dispose](): void {
    this.headers.release();
    if (!this.#taken) this.#content.discard();
  }
}
