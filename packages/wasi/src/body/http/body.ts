import { someoneGivesWay } from '@tenon/component';
import type { Budget } from '../budget.ts';
import { Later, type Waiter } from '../readiness.ts';
import { CHUNK, EMPTY, ReadableSource, Sink } from '../streams.ts';
import { HttpError, type HttpProblem, httpError } from './error.ts';
import { FieldList } from './fields.ts';
import { checkTrailers, type Framing } from './framing.ts';
import { Held } from './held.ts';
import type { Message } from './message.ts';

/** What remains of a request or response once its head is known. */
export class Arriving {
  readonly #message: Message;
  readonly #onClose: (message: Message) => void;
  readonly #failed: (error: Error) => HttpError;

  /**
   * @param onClose what to do with a message of which no more is read.
   * @param incomplete how a message that breaks off is called.
   */
  constructor(message: Message, onClose: (message: Message) => void, incomplete: HttpProblem) {
    this.#message = message;
    this.#onClose = onClose;
    this.#failed = (error) => {
      const known = httpError(error);
      return known.problem === 'connection-terminated' ? new HttpError(incomplete, known.message, undefined, error) : known;
    };
  }

  source(): ReadableSource {
    return new ReadableSource(this.#message, { whole: true, failure: this.#failed, close: () => this.#onClose(this.#message) });
  }

  /** Reads no more of it. */
  discard(): void {
    this.#onClose(this.#message);
  }

  /** Discards what was not read and waits for the end. */
  trailers(): Later<FieldList | HttpError | undefined> {
    const later = new Later<FieldList | HttpError | undefined>();
    const message = this.#message;
    const end = (): void => later.settle(message.rawTrailers.length > 0 ? FieldList.received(message.rawTrailers) : undefined);
    if (message.readableEnded || message.unasked) end();
    else if (message.errored ?? message.destroyed) later.settle(this.#failed(message.errored ?? new HttpError('connection-terminated')));
    else {
      message.on('end', end);
      message.on('error', (error) => later.settle(this.#failed(error)));
      message.on('close', () => later.settle(this.#failed(new HttpError('connection-terminated'))));
      message.resume();
    }
    return later;
  }
}

/** Where a body goes once its head can go: a server's response or a client's request. */
export interface Departure {
  /** Whether nobody takes the body any more. */
  readonly gone: boolean;
  /** Bytes that wait to be sent, and how many may. */
  readonly writableLength: number;
  readonly writableHighWaterMark: number;
  /** Sends a head, names and values in turn, and the whole body. It may keep and change the list. */
  sendAll(head: string[], body: Uint8Array): void;
  /** Sends a head: the body follows in parts. It may keep and change the list. */
  sendHead(head: string[]): void;
  write(bytes: Uint8Array, written: () => void): void;
  end(trailers: FieldList | undefined): void;
  abort(error: HttpError): void;
  /** Calls back when room or life may have changed. */
  watch(changed: () => void): void;
}

/** So many turns of the event loop a head waits for a body that its guest may still end. */
const MOST_TURNS = 8;

/**
 * A body that a guest writes.
 * What it writes in the turn of the event loop in which the head is given goes out together with the head, and when the body ends in
 * that turn too, the message is one write with a `content-length`.
 */
export class Departing extends Sink {
  #framing: Framing | undefined;
  #written = 0;
  readonly #held: Held;
  #departure: Departure | undefined;
  #turns = MOST_TURNS;
  #streaming = false;
  /** The message went out without the body: nobody gets what is written. */
  #dropping = false;
  #watching = false;
  #state: 'open' | 'ended' | 'failed' = 'open';
  #failure: HttpError | undefined;
  #trailers: FieldList | undefined;
  #reported = false;

  /** @param budget of the instance whose body it is; that of the caller unless given */
  constructor(budget?: Budget) {
    super();
    this.#held = new Held(budget);
  }

  override ready(): boolean {
    return this.#state !== 'open' || this.#dropping || this.#departure?.gone === true || this.#free() > 0;
  }

  override stuck(): Error | undefined {
    if (this.#departure !== undefined || this.ready()) return undefined;
    const full = this.#held.full ? 'the body holds as much as it may' : 'the host holds as much as it may for the guest';
    return new Error(
      `the guest waits for room in a body, and nobody can make any: ${full} until the response is set, or the request is sent`,
    );
  }

  override room(): number | undefined {
    if (this.#state === 'ended' || this.#reported) return undefined;
    if (this.#failure !== undefined) {
      this.#reported = true;
      throw this.#failure;
    }
    if (this.#dropping) return CHUNK;
    if (this.#departure?.gone) {
      this.#reported = true;
      throw new HttpError('connection-terminated', 'the other side has gone');
    }
    return this.#free();
  }

  override write(bytes: Uint8Array): void {
    if (this.#state === 'failed') return;
    this.#written += bytes.length;
    this.#check(false);
    if (bytes.length === 0 || this.#dropping) return;
    if (this.#streaming && this.#departure !== undefined) {
      this.#departure.write(bytes, this.#onWritten);
      return;
    }
    this.#held.add(bytes);
  }

  /** Short bodies share a buffer, which is cheaper to make and to collect than one for each. */
  override writeLent(bytes: Uint8Array): void {
    this.write(Buffer.from(bytes));
  }

  override add(waiter: Waiter): void {
    super.add(waiter);
    this.#watch();
  }

  /** Lets the body go, now or as soon as it has been written. What does not fit the head is the guest's error: the message is aborted. */
  depart(departure: Departure, framing: Framing): void {
    this.#departure = departure;
    this.#framing = framing;
    if (this.#failure !== undefined) {
      departure.abort(this.#failure);
      return;
    }
    try {
      framing.check(this.#written, this.#state === 'ended');
    } catch (error) {
      this.#giveUp(httpError(error));
      return;
    }
    if (this.#state === 'ended') this.#sendAll(framing);
    else setImmediate(this.#streamSoon);
  }

  /** Ends the body. Throws when it does not have the length that its head declares, has trailers that nobody may have, or was given up. */
  finish(trailers: FieldList | undefined): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#check(true, trailers);
    this.#state = 'ended';
    this.#trailers = trailers !== undefined && trailers.pairs.length > 0 ? trailers : undefined;
    if (this.#streaming) this.#departure?.end(this.#trailers);
    else if (this.#framing !== undefined && !this.#dropping) this.#sendAll(this.#framing);
    this.notify();
  }

  /** Gives the body up: the other side learns that it is incomplete. */
  fail(error: HttpError): void {
    if (this.#state === 'open') this.#giveUp(error);
  }

  /** What the guest has done must fit the head, where there is one already, and be possible in any case. */
  #check(ended: boolean, trailers?: FieldList): void {
    try {
      this.#framing?.check(this.#written, ended);
      if (trailers !== undefined) checkTrailers(trailers);
    } catch (error) {
      this.#giveUp(httpError(error));
      // The guest hears of it here.
      this.#reported = true;
      throw error;
    }
  }

  #giveUp(error: HttpError): void {
    this.#state = 'failed';
    this.#failure = error;
    this.#held.clear();
    this.#departure?.abort(error);
    this.notify();
  }

  get open(): boolean {
    return this.#state === 'open';
  }

  /** Lets go of what is held of a body that nobody will send. */
  release(): void {
    if (this.#departure === undefined) this.#held.clear();
  }

  #sendAll(framing: Framing): void {
    const departure = this.#departure;
    if (departure === undefined) return;
    const body = this.#held.take();
    if (departure.gone) return;
    const trailers = this.#trailers;
    const whole = trailers === undefined || !framing.hasContent;
    const head = framing.whole(this.#written, !whole);
    if (!this.#sends(() => (whole ? departure.sendAll(head, framing.hasContent ? body : EMPTY) : departure.sendHead(head))) || whole)
      return;
    if (body.length > 0) departure.write(body, this.#onWritten);
    departure.end(trailers);
  }

  /** Sends a head. What else Node does not send shows itself only now. */
  #sends(head: () => void): boolean {
    try {
      head();
      return true;
    } catch (error) {
      this.#giveUp(httpError(error));
      return false;
    }
  }

  /** A guest that only lets others have their turn may be back in the next one, and end the body. */
  readonly #streamSoon = (): void => {
    if (this.#state === 'open' && this.#turns-- > 0 && someoneGivesWay()) setImmediate(this.#streamSoon);
    else this.#stream();
  };

  readonly #stream = (): void => {
    const departure = this.#departure;
    const framing = this.#framing;
    if (this.#state !== 'open' || departure === undefined || framing === undefined) return;
    if (departure.gone) {
      this.#streaming = true;
      this.notify();
      return;
    }
    if (!framing.hasContent) {
      this.#dropping = true;
      this.#held.clear();
      if (this.#sends(() => departure.sendAll(framing.streamed(), EMPTY))) this.notify();
      return;
    }
    this.#streaming = true;
    if (!this.#sends(() => departure.sendHead(framing.streamed()))) return;
    const begin = this.#held.take();
    if (begin.length > 0) departure.write(begin, this.#onWritten);
    this.#watch();
    if (this.ready()) this.notify();
  };

  #free(): number {
    if (!this.#streaming || this.#departure === undefined) return this.#held.room;
    return Math.max(0, this.#departure.writableHighWaterMark - this.#departure.writableLength);
  }

  #watch(): void {
    if (this.#watching || this.#departure === undefined || !this.waited) return;
    this.#watching = true;
    this.#departure.watch(this.#onWritten);
  }

  readonly #onWritten = (): void => {
    if (this.ready()) this.notify();
  };
}
