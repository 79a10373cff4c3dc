/** Bodies and trailers of `wasi:http/types` — https://github.com/WebAssembly/WASI/tree/main/wasip2/http */
import { blocking, resultError } from '@tenon/component';
import type { Arriving, Departing } from '../body/http/body.ts';
import { HttpError } from '../body/http/error.ts';
import type { FieldList } from '../body/http/fields.ts';
import { type Later, turn } from '../body/readiness.ts';
import { type ErrorCode, errorCode } from './http-errors.ts';
import { Fields } from './http-fields.ts';
import { Pollable } from './io-poll.ts';
import { InputStream, OutputStream } from './io-streams.ts';

export type Result<T, E> = { readonly tag: 'ok'; readonly val: T } | { readonly tag: 'err'; readonly val: E };

/** The error case of a `result` that says nothing more. */
export function refused(why: string): Error {
  return resultError(undefined, why);
}

/**
 * A value that arrives and can be taken once: `none` while it is awaited, then the value, then the error case.
 * Asking for what is not here lets the event loop go round, so that a guest that asks again and again gets it.
 */
export class Future<From, T, E> {
  readonly #later: Later<From>;
  readonly #convert: (from: From) => Result<T, E>;
  #taken = false;

  constructor(later: Later<From>, convert: (from: From) => Result<T, E>) {
    this.#later = later;
    this.#convert = convert;
  }

  subscribe(): Pollable {
    return new Pollable(this.#later);
  }

  get(): Result<Result<T, E>, undefined> | undefined | Promise<Result<Result<T, E>, undefined> | undefined> {
    return this.#later.ready() ? this.#take() : turn().then(() => (this.#later.ready() ? this.#take() : undefined));
  }

  /** Disposes of what nobody takes any more, now or as soon as it arrives. */
  protected forsake(dispose: (from: From) => void): void {
    if (this.#taken) return;
    const wake = (): void => dispose(this.#later.value as From);
    if (this.#later.ready()) wake();
    else this.#later.add({ wake });
  }

  #take(): Result<Result<T, E>, undefined> {
    if (this.#taken) return { tag: 'err', val: undefined };
    this.#taken = true;
    return { tag: 'ok', val: this.#convert(this.#later.value as From) };
  }

  static {
    blocking(Future.prototype.get);
  }
}

export class FutureTrailers extends Future<FieldList | HttpError | undefined, Fields | undefined, ErrorCode> {
  constructor(later: Later<FieldList | HttpError | undefined>) {
    super(later, (from) =>
      from instanceof HttpError
        ? { tag: 'err', val: errorCode(from) }
        : { tag: 'ok', val: from === undefined ? undefined : new Fields(from) },
    );
  }
}

export class IncomingBody {
  readonly #arriving: Arriving;
  #streamed = false;
  #finished = false;

  constructor(arriving: Arriving) {
    this.#arriving = arriving;
  }

  stream(): InputStream {
    if (this.#streamed) throw refused('the stream of this body was taken before');
    this.#streamed = true;
    return new InputStream(this.#arriving.source());
  }

  static finish(body: IncomingBody): FutureTrailers {
    body.#finished = true;
    return new FutureTrailers(body.#arriving.trailers());
  }

  [Symbol.dispose](): void {
    if (!this.#finished) this.#arriving.discard();
  }
}

/** Bodies are dropped without an end when the guest could not make the rest of them. */
const GIVEN_UP = 'the guest dropped the body before it had finished it';

export class OutgoingBody {
  readonly #departing: Departing;
  #written = false;

  constructor(departing: Departing) {
    this.#departing = departing;
  }

  write(): OutputStream {
    if (this.#written) throw refused('the stream of this body was taken before');
    this.#written = true;
    return new BodyStream(this.#departing);
  }

  static finish(body: OutgoingBody, trailers: Fields | undefined): void {
    try {
      body.#departing.finish(trailers?.list);
    } catch (error) {
      throw error instanceof HttpError ? resultError(errorCode(error), error.message) : error;
    } finally {
      trailers?.list.release();
    }
  }

  [Symbol.dispose](): void {
    if (this.#departing.open) this.#departing.fail(new HttpError('connection-terminated', GIVEN_UP));
  }
}

/** Dropping the stream of a body does not end the body: its trailers may follow. */
class BodyStream extends OutputStream {
  override [Symbol.dispose](): void {}
}
