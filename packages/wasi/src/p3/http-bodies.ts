/** What is in a message, whoever made it: a body that streams and the trailers behind it. */
import { type GivenStream, readerOf, streamOf } from '@tenon/component';
import type { Budget } from '../body/budget.ts';
import { Arriving, Departing } from '../body/http/body.ts';
import { HttpError, httpError } from '../body/http/error.ts';
import { type ErrorCode, errorCode } from '../body/http/error-code.ts';
import type { FieldList } from '../body/http/fields.ts';
import type { Message } from '../body/http/message.ts';
import { turn, whenReady } from '../body/readiness.ts';
import type { Source } from '../body/streams.ts';
import { Fields } from './http-fields.ts';
import { OK, type Result } from './result.ts';
import { type Reader, streamFrom, write } from './streams.ts';

export type Sent = Result<undefined, ErrorCode>;
export type Trailers = Result<Fields | undefined, ErrorCode>;
/** What `consume-body` gives. */
export type Consumed = [body: GivenStream<number> | ReadableStream<unknown>, trailers: Promise<Trailers>];

const code = (error: unknown): ErrorCode => errorCode(httpError(error));

export interface Content {
  /** Whether there is no body, and nothing to wait for. */
  readonly isNone: boolean;
  /** Gives it to a guest, with what the guest makes of it. */
  consume(result: Promise<Sent>): Consumed;
  /** Has it read by the host. */
  open(): { readonly reader: Reader | undefined; trailers(): Promise<Result<FieldList | undefined, ErrorCode>> };
  /** What became of it. */
  sent(result: Sent): void;
  /** Nobody wants it. */
  discard(): void;
}

/** A message that a guest made. */
export class MadeContent implements Content {
  /** What the guest is told that became of its message. */
  readonly transmission: Promise<Sent>;
  readonly #body: ReadableStream<unknown> | undefined;
  readonly #trailers: Promise<Trailers>;
  #settle: (result: Sent) => void = () => {};

  constructor(body: ReadableStream<unknown> | undefined, trailers: Promise<Trailers>) {
    this.#body = body;
    this.#trailers = trailers;
    this.transmission = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get isNone(): boolean {
    return this.#body === undefined;
  }

  consume(result: Promise<Sent>): Consumed {
    result.then(this.#settle, () => this.#settle(OK));
    return [this.#body ?? streamOf<number>({ read: () => undefined }), this.#trailers];
  }

  open(): ReturnType<Content['open']> {
    return {
      reader: this.#body === undefined ? undefined : (readerOf(this.#body) as Reader),
      trailers: async () => {
        const trailers = await this.#trailers;
        return trailers.tag === 'ok' ? { tag: 'ok', val: trailers.val?.list } : trailers;
      },
    };
  }

  sent(result: Sent): void {
    this.#settle(result);
  }

  discard(): void {
    if (this.#body !== undefined && !this.#body.locked) readerOf(this.#body).cancel();
    this.#settle(OK);
  }
}

/** A message that came from outside. */
export class ReceivedContent implements Content {
  readonly isNone = false;
  readonly #arriving: Arriving;
  #opened = false;

  constructor(message: Message, onClose: (message: Message) => void, incomplete: HttpError['problem']) {
    this.#arriving = new Arriving(message, onClose, incomplete);
  }

  consume(): Consumed {
    this.#opened = true;
    const [stream, ended] = streamFrom(this.#arriving.source(), code);
    return [stream, ended.then((result) => (result.tag === 'err' ? result : this.#trailers()))];
  }

  open(): ReturnType<Content['open']> {
    this.#opened = true;
    return {
      reader: new SourceReader(this.#arriving.source()),
      trailers: async () => {
        const trailers = await this.#trailers();
        return trailers.tag === 'ok' ? { tag: 'ok', val: trailers.val?.list } : trailers;
      },
    };
  }

  sent(): void {}

  discard(): void {
    if (!this.#opened) this.#arriving.discard();
  }

  async #trailers(): Promise<Trailers> {
    const later = this.#arriving.trailers();
    await whenReady(later);
    const { value } = later;
    if (value instanceof HttpError) return { tag: 'err', val: errorCode(value) };
    return { tag: 'ok', val: value === undefined ? undefined : new Fields(value) };
  }
}

class SourceReader implements Reader {
  readonly #source: Source;

  constructor(source: Source) {
    this.#source = source;
  }

  async read(most: number): Promise<Uint8Array | undefined> {
    for (;;) {
      const bytes = this.#source.read(most);
      if (bytes?.length !== 0) return bytes;
      await whenReady(this.#source);
    }
  }

  cancel(): void {
    this.#source.close();
  }
}

/** A body that is written after its message has gone its way: whoever writes it can wait for room in any case. */
class Body extends Departing {
  override stuck(): undefined {
    return undefined;
  }
}

/** Whether a promise has settled, within so many microtasks and a turn of the event loop. */
async function soon<T>(promise: Promise<T>): Promise<T | undefined> {
  return Promise.race([promise, turn().then(() => undefined)]);
}

/** A message without a body goes at once, unless there are trailers already; who sends it says what became of it. */
export async function departing(content: Content, budget: Budget): Promise<{ readonly body: Departing | undefined; go(): Promise<void> }> {
  const { reader, trailers } = content.open();
  if (content.isNone) {
    const early = await soon(trailers());
    if (early?.tag !== 'err' && early?.val === undefined) {
      return {
        body: undefined,
        async go() {},
      };
    }
  }
  const body = new Body(budget);
  return { body, go: () => deliver(content, reader, trailers, body) };
}

/** Writes a body and its trailers. Never rejects. */
async function deliver(
  content: Content,
  reader: Reader | undefined,
  trailers: () => Promise<Result<FieldList | undefined, ErrorCode>>,
  body: Departing,
): Promise<void> {
  try {
    if (reader !== undefined) await write(reader, body);
    const end = await trailers();
    if (end.tag === 'err') {
      body.fail(new HttpError('connection-terminated', 'the guest gave the body up'));
      content.sent(end);
      return;
    }
    body.finish(end.val);
    end.val?.release();
    content.sent(OK);
  } catch (error) {
    body.fail(httpError(error));
    content.sent({ tag: 'err', val: code(error) });
  }
}
