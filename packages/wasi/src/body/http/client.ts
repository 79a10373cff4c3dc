import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { DEFAULT_WASI_LIMITS, Quota } from '../../limits.ts';
import { Charge } from '../budget.ts';
import { builtins } from '../builtins.ts';
import { written } from '../network/address.ts';
import type { Refusals } from '../network/refusals.ts';
import type { Rules } from '../network/rules.ts';
import { Later } from '../readiness.ts';
import { EMPTY } from '../streams.ts';
import type { Departing, Departure } from './body.ts';
import { FailedErrand, Http1Errand, Http2Errand } from './errand.ts';
import { HttpError, httpError } from './error.ts';
import type { FieldList } from './fields.ts';
import { Framing } from './framing.ts';
import type { Message } from './message.ts';
import { Origins, type PoolOptions, poolOf, type Way } from './origins.ts';

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
  /** Breaks it off, as long as no response has come. */
  readonly signal?: AbortSignal | undefined;
}

/** Milliseconds that a guest that says nothing waits. */
export const TIMEOUTS = { connect: 30_000, firstByte: 600_000, betweenBytes: 600_000 } as const;

/** Host and port of an authority: ASCII, as it goes over the wire (RFC 3986, section 3.2). Throws `HTTP-request-URI-invalid`. */
export function parseAuthority(authority: string, secure: boolean): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._~!$&'()*+,;=%-]+))(?::(\d{1,5}))?$/.exec(authority);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? (secure ? 443 : 80) : Number(match[3]);
  if (host === undefined || port > 65_535)
    throw new HttpError('HTTP-request-URI-invalid', `"${authority}" is no host with or without a port`);
  return { host, port };
}

/** Bytes that a connection holds for its guest, about. */
const BUFFERED = 16 * 1024;

/** Sends requests to hosts that the rules allow, over connections that are kept. */
export interface ClientOptions {
  /** Certificates in PEM form, of authorities that are trusted beside those that Node knows. */
  readonly ca?: string | undefined;
  /** How many requests may be under way at a time. */
  readonly requests?: Quota;
  readonly pool?: PoolOptions;
  /** Who is told what was not granted. */
  readonly refusals?: Refusals | undefined;
}

/** Where a request goes. */
interface Address {
  readonly host: string;
  readonly port: number;
  readonly lookup: LookupFunction;
}

export class Client {
  readonly #rules: Rules;
  readonly #origins: Origins;
  readonly #requests: Quota;
  readonly #refusals: Refusals | undefined;

  /** @throws Error when the certificates cannot be read. */
  constructor(rules: Rules, options: ClientOptions = {}) {
    const { ca, requests = new Quota(DEFAULT_WASI_LIMITS.outgoingRequests), pool = poolOf(), refusals } = options;
    this.#rules = rules;
    this.#refusals = refusals;
    this.#requests = requests;
    this.#origins = new Origins(ca, pool);
  }

  /** @throws HttpError when the request cannot be sent at all; later failures are what the result becomes. */
  send(demand: Demand): Later<Message | HttpError> {
    try {
      return this.#send(demand);
    } catch (error) {
      // Whoever writes the body learns that nobody takes it.
      if (error instanceof HttpError) demand.body?.fail(error);
      throw error;
    }
  }

  #send(demand: Demand): Later<Message | HttpError> {
    const { method, fields, secure } = demand;
    const { host, port } = parseAuthority(demand.authority, secure);
    const framing = Framing.request(method, fields);
    if (demand.body === undefined) framing.check(0, true);
    if (!this.#rules.allowsHost(host, port)) {
      const target = written({ address: host, port });
      this.#refusals?.report({ use: 'http', target });
      throw new HttpError('HTTP-request-denied', `${target} is not granted`);
    }
    const outcome = this.#count();
    const depart = (errand: Departure): void => {
      demand.signal?.addEventListener('abort', () => {
        if (!outcome.ready()) errand.abort(new HttpError('connection-terminated', 'the guest wants no response any more'));
      });
      if (demand.body === undefined) errand.sendAll(framing.whole(0, false), EMPTY);
      else demand.body.depart(errand, framing);
    };
    const address: Address = { host, port, lookup: this.#lookup(host, port) };
    this.#begin(demand, address, depart, outcome, true);
    return outcome;
  }

  /**
   * Begins to send.
   * @param depart sends the request on the way that was found
   * @param again whether it may be sent once more when the server has not looked at it
   */
  #begin(demand: Demand, address: Address, depart: (errand: Departure) => void, outcome: Later<Message | HttpError>, again: boolean): void {
    const origins = this.#origins;
    const { secure, connectTimeout } = demand;
    const http1 = (): Departure =>
      new Http1Errand(demand, { ...address, agent: origins.agent(secure) }, origins.agent(secure, true), outcome);
    if (!secure) {
      depart(http1());
      return;
    }
    const retry = again ? (send: (errand: Departure) => void) => this.#begin(demand, address, send, outcome, false) : undefined;
    const go = (way: Way, kept: boolean): void => {
      if (way === 'http/1.1') depart(http1());
      else depart(new Http2Errand(demand, way, kept, retry, outcome));
    };
    const known = origins.known(address.host, address.port);
    if (known !== undefined) {
      go(known, true);
      return;
    }
    const late = setTimeout(() => outcome.settle(new HttpError('connection-timeout')), connectTimeout);
    origins.dial(address, address.host, address.port).then(
      (found) => {
        clearTimeout(late);
        if (outcome.ready()) depart(new FailedErrand());
        else go(found, false);
      },
      (error) => {
        clearTimeout(late);
        outcome.settle(httpError(error));
        depart(new FailedErrand());
      },
    );
  }

  close(): void {
    this.#origins.close();
  }

  /** Counts a request until its response is over. */
  #count(): Later<Message | HttpError> {
    const requests = this.#requests;
    const charge = new Charge();
    if (!charge.take(BUFFERED)) throw new HttpError('connection-limit-reached', 'the host holds as much for the guest as it may');
    if (!requests.take()) {
      charge.end();
      throw new HttpError('connection-limit-reached', 'the guest has as many requests under way as it may');
    }
    const outcome = new Later<Message | HttpError>();
    const over = (): void => {
      requests.give();
      charge.end();
    };
    const wake = (): void => {
      const { value } = outcome;
      if (value instanceof HttpError || value?.closed) over();
      else value?.once('close', over);
    };
    outcome.add({ wake });
    return outcome;
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
        if (first === undefined) {
          const via = found[0] && written({ address: found[0].address, port });
          this.#refusals?.report({ use: 'http', target: written({ address: host, port }), via });
          callback(new HttpError('destination-IP-prohibited', `${host} leads to no address that is granted`), []);
        } else if (options.all) callback(null, allowed);
        else callback(null, first.address, first.family);
      });
    };
  }
}
