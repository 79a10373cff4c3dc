/** One request on its way out. */
import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { builtins } from '../builtins.ts';
import type { Later } from '../readiness.ts';
import type { Departure } from './body.ts';
import type { Demand } from './client.ts';
import { HttpError, httpError } from './error.ts';
import { collected, type FieldList, paired } from './fields.ts';
import type { Message } from './message.ts';
import { MOST_FIELD_BYTES, servername } from './origins.ts';

/** What is common to a request of either protocol: the writable end, and what became of it. */
abstract class Sent<Request extends ClientRequest | ClientHttp2Stream> implements Departure {
  protected readonly demand: Demand;
  protected readonly outcome: Later<Message | HttpError>;
  protected request: Request | undefined;
  #failed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(demand: Demand, outcome: Later<Message | HttpError>) {
    this.demand = demand;
    this.outcome = outcome;
  }

  get gone(): boolean {
    return this.#failed || this.request?.destroyed === true || this.request?.writableEnded === true;
  }

  get writableLength(): number {
    return this.request?.writableLength ?? 0;
  }

  get writableHighWaterMark(): number {
    return this.request?.writableHighWaterMark ?? 0;
  }

  abstract sendAll(head: string[], body: Uint8Array): void;
  abstract sendHead(head: string[]): void;
  abstract end(trailers: FieldList | undefined): void;

  write(bytes: Uint8Array, written: () => void): void {
    this.request?.write(bytes, written);
  }

  abort(error: HttpError): void {
    this.fail(error);
  }

  watch(changed: () => void): void {
    this.request?.on('drain', changed).on('close', changed);
  }

  /** Gives up after so long, or when it is called again. */
  protected expect(problem: 'connection-timeout' | 'HTTP-response-timeout', ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.fail(new HttpError(problem)), ms);
  }

  protected relax(): void {
    clearTimeout(this.#timer);
  }

  /** A response that has begun is not touched: what has come of it is the guest's. */
  protected fail(error: HttpError): void {
    this.#failed = true;
    this.relax();
    if (this.outcome.ready()) return;
    this.outcome.settle(error);
    this.request?.destroy();
  }
}

/** Breaks a response off when nothing of it comes for so long, but not while the guest has not read what has come. */
function expectBytes(message: Message & { setTimeout(ms: number, late?: () => void): unknown }, ms: number): void {
  message.setTimeout(ms, () => {
    if (message.readableLength > 0) message.setTimeout(ms);
    else if (!message.complete) message.destroy(new HttpError('connection-read-timeout'));
  });
}

/** Methods that may be sent twice, since twice does what once does (RFC 9110, section 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
/** How a connection shows that the server had closed it. */
const CLOSED: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

export class Http1Errand extends Sent<ClientRequest> {
  readonly #options: RequestOptions;
  /** The agent of which each request has a connection of its own. */
  readonly #fresh: Agent;
  #response: IncomingMessage | undefined;
  /** Sends it again, as long as that may be done. */
  #retry: (() => void) | undefined;
  #bytesBefore = 0;

  constructor(demand: Demand, options: RequestOptions, fresh: Agent, outcome: Later<Message | HttpError>) {
    super(demand, outcome);
    this.#options = options;
    this.#fresh = fresh;
  }

  sendAll(head: string[], body: Uint8Array): void {
    const send = (agent = this.#options.agent): void => {
      const request = this.#start([...head], agent);
      if (body.length > 0) request?.end(body);
      else request?.end();
    };
    if (IDEMPOTENT.has(this.demand.method)) this.#retry = () => send(this.#fresh);
    send();
  }

  sendHead(head: string[]): void {
    if (!hasName(head, 'content-length')) head.push('transfer-encoding', 'chunked');
    this.#start(head, this.#options.agent)?.flushHeaders();
  }

  end(trailers: FieldList | undefined): void {
    if (trailers !== undefined) this.request?.addTrailers(paired(trailers));
    this.request?.end();
  }

  override abort(error: HttpError): void {
    this.fail(error);
    const response = this.#response;
    if (response === undefined) return;
    // To destroy the request would empty its response.
    if (!response.complete) response.destroy(error);
    this.request?.socket?.destroy();
  }

  #start(head: string[], agent: RequestOptions['agent']): ClientRequest | undefined {
    const { authority, secure, connectTimeout, firstByteTimeout, betweenBytesTimeout } = this.demand;
    let request: ClientRequest;
    try {
      request = this.#make(['host', authority, ...head], agent);
    } catch (error) {
      this.fail(httpError(error));
      return undefined;
    }
    this.request = request;
    // However many there are: their bytes are limited, and to leave some out would change what the response says.
    request.maxHeadersCount = 0;
    this.expect('connection-timeout', connectTimeout);
    const connected = (): void => this.expect('HTTP-response-timeout', firstByteTimeout);
    request.on('socket', (socket) => {
      this.#bytesBefore = socket.bytesRead;
      if (!socket.connecting) connected();
      else socket.once(secure ? 'secureConnect' : 'connect', connected);
    });
    request.on('response', (response) => {
      this.#response = response;
      this.relax();
      expectBytes(response, betweenBytesTimeout);
      this.outcome.settle(response);
    });
    request.on('upgrade', (_response, socket) => {
      socket.destroy();
      this.fail(new HttpError('HTTP-upgrade-failed'));
    });
    request.on('error', (error) => {
      if (this.#wasStale(request, error)) this.#again();
      else this.#lose(httpError(error));
    });
    request.on('close', () => {
      if (this.request === request) this.relax();
    });
    return request;
  }

  #make(head: string[], agent: RequestOptions['agent']): ClientRequest {
    const { method, path, secure } = this.demand;
    const { https, http } = builtins;
    const options = {
      ...this.#options,
      agent,
      method,
      path,
      maxHeaderSize: MOST_FIELD_BYTES,
      servername: servername(String(this.#options.host)),
    };
    if (method === method.toUpperCase()) return (secure ? https : http).request({ ...options, headers: head } as RequestOptions);
    // Node writes methods in capitals, but they are what they are (RFC 9110, section 9.1), and it takes the head apart only later.
    const request = (secure ? https : http).request({ ...options, setHost: false });
    request.method = method;
    for (const [name, value] of Object.entries(collected(head))) request.setHeader(name, value);
    return request;
  }

  /** A server may close a connection that is kept just when a request comes (RFC 9112, section 9.3.1): nothing of an answer has come then. */
  #wasStale(request: ClientRequest, error: Error & { readonly code?: string }): boolean {
    if (this.#retry === undefined || this.outcome.ready() || !request.reusedSocket || !CLOSED.has(error.code ?? '')) return false;
    return (request.socket?.bytesRead ?? this.#bytesBefore) === this.#bytesBefore;
  }

  #again(): void {
    const retry = this.#retry;
    this.#retry = undefined;
    retry?.();
  }

  /** What has come stays the guest's, and only what is missing is an error. */
  #lose(error: HttpError): void {
    this.fail(error);
    const response = this.#response;
    if (response !== undefined && !response.complete) response.destroy(error);
  }
}

function hasName(pairs: readonly string[], name: string): boolean {
  for (let index = 0; index < pairs.length; index += 2) if (pairs[index] === name) return true;
  return false;
}

/** What tells that a server has not looked at a request (RFC 9113, section 8.7), or that its connection was over before. */
const REFUSED_STREAM = 7;
const OVER: ReadonlySet<string> = new Set(['ERR_HTTP2_GOAWAY_SESSION', 'ERR_HTTP2_INVALID_SESSION']);
/** What Node resets a stream with whose fields are too many or too long. */
const ENHANCE_YOUR_CALM = 11;

/** Sends a request anew, on the way that is right then. */
type Retry = (send: (errand: Departure) => void) => void;

export class Http2Errand extends Sent<ClientHttp2Stream> {
  readonly #session: ClientHttp2Session;
  /** Whether the connection has been kept. */
  readonly #kept: boolean;
  readonly #retry: Retry | undefined;
  /** Sends it again, as long as that may be done. */
  #again: (() => void) | undefined;
  #sentAgain = false;
  #trailers: FieldList | undefined;

  constructor(demand: Demand, session: ClientHttp2Session, kept: boolean, retry: Retry | undefined, outcome: Later<Message | HttpError>) {
    super(demand, outcome);
    this.#session = session;
    this.#kept = kept;
    this.#retry = retry;
  }

  sendAll(head: string[], body: Uint8Array): void {
    if (this.#retry !== undefined) this.#again = () => this.#retry?.((errand) => errand.sendAll(head, body));
    const stream = this.#start(head, body.length === 0);
    if (body.length > 0) stream?.end(body);
  }

  sendHead(head: string[]): void {
    this.#start(head, false);
  }

  end(trailers: FieldList | undefined): void {
    this.#trailers = trailers;
    this.request?.end();
  }

  #start(head: readonly string[], endStream: boolean): ClientHttp2Stream | undefined {
    const { authority, method, path, firstByteTimeout, betweenBytesTimeout } = this.demand;
    const pseudo = { ':method': method, ':scheme': 'https', ':authority': authority, ':path': path };
    let stream: ClientHttp2Stream;
    try {
      stream = this.#session.request({ ...pseudo, ...collected(head) }, { endStream, waitForTrailers: !endStream });
    } catch (error) {
      if (!this.#sendAgain(error instanceof Error && 'code' in error && OVER.has(String(error.code)))) this.fail(httpError(error));
      return undefined;
    }
    this.request = stream;
    this.expect('HTTP-response-timeout', firstByteTimeout);
    stream.on('wantTrailers', () => stream.sendTrailers(this.#trailers === undefined ? {} : collected(this.#trailers.pairs)));
    stream.on('response', ((headers: { readonly ':status'?: number }, _flags: number, rawHeaders: string[] = []) => {
      this.relax();
      const rawTrailers: string[] = [];
      const message = Object.assign(stream, { statusCode: headers[':status'], rawHeaders, rawTrailers, complete: false });
      stream.on('trailers', ((_trailers: object, _flags: number, raw: string[] = []) => void rawTrailers.push(...raw)) as never);
      stream.on('end', () => {
        message.complete = true;
      });
      expectBytes(message, betweenBytesTimeout);
      this.outcome.settle(message);
    }) as never);
    // Node ends the body of a stream that was closed in its middle, but one that breaks off must not look like one that ended.
    const push = stream.push.bind(stream);
    let ended = false;
    stream.push = (chunk, encoding) => {
      if (chunk === null && !ended && (stream.closed || stream.rstCode)) {
        // With an error of its own Node does the same.
        if (!stream.rstCode) process.nextTick(() => stream.destroy(new HttpError('connection-terminated')));
        return false;
      }
      ended ||= chunk === null;
      return push(chunk, encoding);
    };
    const lose = (error: HttpError): void => {
      const { method } = this.demand;
      const over = this.#kept && IDEMPOTENT.has(method) && (this.#session.closed || this.#session.destroyed);
      const unseen = stream.rstCode === REFUSED_STREAM || over;
      if (this.#sendAgain(unseen && !this.outcome.ready())) return;
      if (unseen) this.fail(new HttpError('connection-terminated', error.message, undefined, error));
      else if (stream.rstCode === ENHANCE_YOUR_CALM) this.fail(new HttpError('HTTP-response-header-section-size'));
      else this.fail(error);
    };
    stream.on('error', (error) => lose(httpError(error)));
    stream.on('close', () => lose(new HttpError('connection-terminated')));
    return stream;
  }

  /** Sends it once more, where it may be. @returns whether it does, or has done so before for this very request */
  #sendAgain(may: boolean): boolean {
    if (this.#sentAgain) return true;
    if (!may || this.#again === undefined) return false;
    this.#sentAgain = true;
    this.relax();
    this.#again();
    return true;
  }
}

/** A request that never left: its outcome is known, and whoever writes its body learns that nobody takes it. */
export class FailedErrand implements Departure {
  readonly gone = true;
  readonly writableLength = 0;
  readonly writableHighWaterMark = 0;
  sendAll(): void {}
  sendHead(): void {}
  write(): void {}
  end(): void {}
  abort(): void {}
  watch(): void {}
}
