/** One request on its way out. */
import type { ClientRequest, RequestOptions } from 'node:http';
import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2';
import type { Readable } from 'node:stream';
import { builtins } from '../builtins.ts';
import type { Later } from '../readiness.ts';
import type { Departure } from './body.ts';
import type { Demand } from './client.ts';
import { HttpError, httpError } from './error.ts';
import { collected, type FieldList, paired } from './fields.ts';
import type { Message } from './message.ts';
import { servername } from './origins.ts';

export type Errand = Departure;

const WITH_BODY_BY_DEFAULT: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

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

  abstract sendAll(body: Uint8Array): void;
  abstract sendHead(): void;
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

  /** Whether the head must tell the length of a body that is all here. */
  protected needsLength(body: Uint8Array): boolean {
    const { fields, method } = this.demand;
    return (body.length > 0 || WITH_BODY_BY_DEFAULT.has(method)) && !fields.has('content-length');
  }

  /** Gives up after so long, or when it is called again. */
  protected expect(problem: 'connection-timeout' | 'HTTP-response-timeout', ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.fail(new HttpError(problem)), ms);
  }

  protected relax(): void {
    clearTimeout(this.#timer);
  }

  protected fail(error: HttpError): void {
    this.#failed = true;
    this.relax();
    this.outcome.settle(error);
    this.request?.destroy();
  }
}

/** Breaks a response off when nothing of it comes for so long, but not while the guest has not read what has come. */
function expectBytes(message: Readable & { setTimeout(ms: number, late?: () => void): unknown }, ms: number): void {
  message.setTimeout(ms, () => {
    if (message.readableLength > 0) message.setTimeout(ms);
    else message.destroy(new HttpError('connection-read-timeout'));
  });
}

export class Http1Errand extends Sent<ClientRequest> {
  readonly #options: RequestOptions;

  constructor(demand: Demand, options: RequestOptions, outcome: Later<Message | HttpError>) {
    super(demand, outcome);
    this.#options = options;
  }

  sendAll(body: Uint8Array): void {
    const request = this.#start(this.needsLength(body) ? ['content-length', String(body.length)] : []);
    if (body.length > 0) request?.end(body);
    else request?.end();
  }

  sendHead(): void {
    this.#start(this.demand.fields.has('content-length') ? [] : ['transfer-encoding', 'chunked'])?.flushHeaders();
  }

  end(trailers: FieldList | undefined): void {
    if (trailers !== undefined) this.request?.addTrailers(paired(trailers));
    this.request?.end();
  }

  #start(framing: readonly string[]): ClientRequest | undefined {
    const { fields, authority, method, path, secure, connectTimeout, firstByteTimeout, betweenBytesTimeout } = this.demand;
    const headers = ['host', authority, ...fields.pairs, ...framing];
    const options = { ...this.#options, method, path, headers, servername: servername(String(this.#options.host)) };
    let request: ClientRequest;
    try {
      request = (secure ? builtins.https : builtins.http).request(options as RequestOptions);
    } catch (error) {
      this.fail(httpError(error));
      return undefined;
    }
    this.request = request;
    this.expect('connection-timeout', connectTimeout);
    const connected = (): void => this.expect('HTTP-response-timeout', firstByteTimeout);
    request.on('socket', (socket) => {
      if (!socket.connecting) connected();
      else socket.once(secure ? 'secureConnect' : 'connect', connected);
    });
    request.on('response', (response) => {
      this.relax();
      expectBytes(response, betweenBytesTimeout);
      this.outcome.settle(response);
    });
    request.on('upgrade', (_response, socket) => {
      socket.destroy();
      this.fail(new HttpError('HTTP-upgrade-failed'));
    });
    request.on('error', (error) => this.fail(httpError(error)));
    request.on('close', () => this.relax());
    return request;
  }
}

export class Http2Errand extends Sent<ClientHttp2Stream> {
  readonly #session: ClientHttp2Session;
  #trailers: FieldList | undefined;

  constructor(demand: Demand, session: ClientHttp2Session, outcome: Later<Message | HttpError>) {
    super(demand, outcome);
    this.#session = session;
  }

  sendAll(body: Uint8Array): void {
    const stream = this.#start(this.needsLength(body) ? { 'content-length': String(body.length) } : {}, body.length === 0);
    if (body.length > 0) stream?.end(body);
  }

  sendHead(): void {
    this.#start({}, false);
  }

  end(trailers: FieldList | undefined): void {
    this.#trailers = trailers;
    this.request?.end();
  }

  #start(framing: OutgoingHttpHeaders, endStream: boolean): ClientHttp2Stream | undefined {
    const { fields, authority, method, path, firstByteTimeout, betweenBytesTimeout } = this.demand;
    const pseudo = { ':method': method, ':scheme': 'https', ':authority': authority, ':path': path };
    let stream: ClientHttp2Stream;
    try {
      stream = this.#session.request({ ...pseudo, ...collected(fields), ...framing }, { endStream, waitForTrailers: !endStream });
    } catch (error) {
      this.fail(httpError(error));
      return undefined;
    }
    this.request = stream;
    this.expect('HTTP-response-timeout', firstByteTimeout);
    stream.on('wantTrailers', () => stream.sendTrailers(this.#trailers === undefined ? {} : collected(this.#trailers)));
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
    // Node ends the body of a stream that was reset, but one that breaks off must not look like one that ended.
    const push = stream.push.bind(stream);
    stream.push = (chunk, encoding) => {
      return chunk === null && stream.rstCode ? false : push(chunk, encoding);
    };
    stream.on('error', (error) => this.fail(httpError(error)));
    stream.on('close', () => this.fail(new HttpError('connection-terminated')));
    return stream;
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
