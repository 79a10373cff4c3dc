import type { LookupAddress } from 'node:dns';
import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import type { LookupFunction } from 'node:net';
import { builtins } from '../builtins.ts';
import type { Rules } from '../network/rules.ts';
import { Later } from '../readiness.ts';
import type { Departing, Departure } from './body.ts';
import { HttpError, httpError } from './error.ts';
import type { FieldList } from './fields.ts';

/** A request to send. */
export interface Demand {
  readonly method: string;
  readonly secure: boolean;
  /** Host and port, as in a URL. */
  readonly authority: string;
  /** Path and query. */
  readonly path: string;
  readonly fields: FieldList;
  readonly body: Departing | undefined;
  /** Milliseconds until the connection stands. */
  readonly connectTimeout: number;
  /** Milliseconds until the response begins. */
  readonly firstByteTimeout: number;
  /** Milliseconds between parts of the response. */
  readonly betweenBytesTimeout: number;
}

/** Milliseconds that a guest that says nothing waits. */
export const TIMEOUTS = { connect: 30_000, firstByte: 600_000, betweenBytes: 600_000 } as const;

const WITH_BODY_BY_DEFAULT: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** Host and port of an authority. Throws `HTTP-request-URI-invalid`. */
export function parseAuthority(authority: string, secure: boolean): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:@/?#[\]\\]+))(?::(\d{1,5}))?$/.exec(authority);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? (secure ? 443 : 80) : Number(match[3]);
  if (host === undefined || port > 65_535)
    throw new HttpError('HTTP-request-URI-invalid', `"${authority}" is no host with or without a port`);
  return { host, port };
}

/** Sends requests to hosts that the rules allow, over connections that are kept. */
export class Client {
  readonly #rules: Rules;
  #plain: Agent | undefined;
  #secure: Agent | undefined;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  /** @throws HttpError when the request cannot be sent at all; later failures are what the result becomes. */
  send(demand: Demand): Later<IncomingMessage | HttpError> {
    const { host, port } = parseAuthority(demand.authority, demand.secure);
    if (!this.#rules.allowsHost(host, port)) throw new HttpError('HTTP-request-denied', `${host}:${port} is not granted`);
    const outcome = new Later<IncomingMessage | HttpError>();
    const options: RequestOptions = {
      agent: this.#agent(demand.secure),
      host,
      port,
      method: demand.method,
      path: demand.path,
      lookup: this.#lookup(host, port),
    };
    const errand = new Errand(demand, options, outcome);
    if (demand.body === undefined) errand.sendAll(new Uint8Array(0));
    else demand.body.depart(errand);
    return outcome;
  }

  close(): void {
    this.#plain?.destroy();
    this.#secure?.destroy();
  }

  #agent(secure: boolean): Agent {
    if (secure) {
      this.#secure ??= new builtins.https.Agent({ keepAlive: true });
      return this.#secure;
    }
    this.#plain ??= new builtins.http.Agent({ keepAlive: true });
    return this.#plain;
  }

  /** Names are looked up here, so that what they lead to is checked and that very address is connected to. */
  #lookup(host: string, port: number): LookupFunction {
    return (name, options, callback) => {
      builtins.dns.lookup(name, { ...options, all: true }, (error, found) => {
        if (error) {
          callback(error, []);
          return;
        }
        const allowed = found.filter(({ address }: LookupAddress) => this.#rules.allowsAddress(address, port, host));
        const [first] = allowed;
        if (first === undefined) callback(new HttpError('destination-IP-prohibited', `${host} leads to no address that is granted`), []);
        else if (options.all) callback(null, allowed);
        else callback(null, first.address, first.family);
      });
    };
  }
}

/** One request under way. */
class Errand implements Departure {
  readonly #demand: Demand;
  readonly #options: RequestOptions;
  readonly #outcome: Later<IncomingMessage | HttpError>;
  #request: ClientRequest | undefined;
  #failed = false;

  constructor(demand: Demand, options: RequestOptions, outcome: Later<IncomingMessage | HttpError>) {
    this.#demand = demand;
    this.#options = options;
    this.#outcome = outcome;
  }

  get gone(): boolean {
    return this.#failed || this.#request?.destroyed === true || this.#request?.writableEnded === true;
  }

  get writableLength(): number {
    return this.#request?.writableLength ?? 0;
  }

  get writableHighWaterMark(): number {
    return this.#request?.writableHighWaterMark ?? 0;
  }

  sendAll(body: Uint8Array): void {
    const { fields, method } = this.#demand;
    const length = (body.length > 0 || WITH_BODY_BY_DEFAULT.has(method)) && !fields.has('content-length');
    const request = this.#start(length ? ['content-length', String(body.length)] : []);
    if (body.length > 0) request?.end(body);
    else request?.end();
  }

  sendHead(): void {
    this.#start(this.#demand.fields.has('content-length') ? [] : ['transfer-encoding', 'chunked'])?.flushHeaders();
  }

  write(bytes: Uint8Array, written: () => void): void {
    this.#request?.write(bytes, written);
  }

  end(trailers: FieldList | undefined): void {
    if (trailers !== undefined) {
      const pairs: [string, string][] = [];
      for (let index = 0; index < trailers.pairs.length; index += 2)
        pairs.push([trailers.pairs[index] ?? '', trailers.pairs[index + 1] ?? '']);
      this.#request?.addTrailers(pairs);
    }
    this.#request?.end();
  }

  abort(error: HttpError): void {
    this.#fail(error);
  }

  watch(changed: () => void): void {
    this.#request?.on('drain', changed).on('close', changed);
  }

  #start(framing: readonly string[]): ClientRequest | undefined {
    const { fields, authority, secure, connectTimeout, firstByteTimeout, betweenBytesTimeout } = this.#demand;
    const headers = ['host', authority, ...fields.pairs, ...framing];
    let request: ClientRequest;
    try {
      request = (secure ? builtins.https : builtins.http).request({
        ...this.#options,
        headers,
        servername: builtins.net.isIP(String(this.#options.host)) ? '' : this.#options.host,
      } as RequestOptions);
    } catch (error) {
      this.#fail(httpError(error));
      return undefined;
    }
    this.#request = request;
    const expire = (problem: 'connection-timeout' | 'HTTP-response-timeout') => (): void => {
      this.#fail(new HttpError(problem));
    };
    let timer = setTimeout(expire('connection-timeout'), connectTimeout);
    const connected = (): void => {
      clearTimeout(timer);
      timer = setTimeout(expire('HTTP-response-timeout'), firstByteTimeout);
    };
    request.on('socket', (socket) => {
      if (!socket.connecting) connected();
      else socket.once(secure ? 'secureConnect' : 'connect', connected);
    });
    request.on('response', (response) => {
      clearTimeout(timer);
      response.setTimeout(betweenBytesTimeout, () => response.destroy(new HttpError('connection-read-timeout')));
      this.#outcome.settle(response);
    });
    request.on('upgrade', (_response, socket) => {
      socket.destroy();
      this.#fail(new HttpError('HTTP-upgrade-failed'));
    });
    request.on('error', (error) => {
      clearTimeout(timer);
      this.#fail(httpError(error));
    });
    request.on('close', () => clearTimeout(timer));
    return request;
  }

  #fail(error: HttpError): void {
    this.#failed = true;
    this.#outcome.settle(error);
    this.#request?.destroy();
  }
}
