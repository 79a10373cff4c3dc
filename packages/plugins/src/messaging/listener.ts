/** Takes a consumer's messages, as many at once as it may, and sees to what becomes of each. */
import type { Delivery, DeliveryOptions, Message, Outcome } from './backend.ts';

/** The waiting messages of one consumer, as a listener sees them. */
export interface Queue {
  /** How long a claimed message is the listener's, in milliseconds. */
  readonly leaseMs: number;
  claim(): { readonly id: bigint; readonly attempt: number; readonly message: Message } | undefined;
  /** When the next one may be claimed, in milliseconds since 1970; undefined when there is none. */
  nextDue(): number | undefined;
  prolong(id: bigint): void;
  done(id: bigint): void;
  retry(id: bigint, waitMs: number): void;
  bury(id: bigint, reason: string): void;
}

/** How long a listener waits after its store has failed. */
const TROUBLE_MS = 1000;
const LONGEST_TIMER_MS = 60_000;

export class Listener {
  readonly #queue: Queue;
  readonly #handle: (delivery: Delivery) => Promise<Outcome>;
  readonly #options: DeliveryOptions;
  readonly #underWay = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(queue: Queue, handle: (delivery: Delivery) => Promise<Outcome>, options: DeliveryOptions) {
    this.#queue = queue;
    this.#handle = handle;
    this.#options = options;
  }

  /** Looks for messages. */
  wake(): void {
    clearTimeout(this.#timer);
    try {
      while (!this.#stopped && this.#underWay.size < this.#options.concurrency) {
        const claimed = this.#queue.claim();
        if (claimed === undefined) {
          this.#sleep(this.#queue.nextDue());
          return;
        }
        const work = this.#deliver(claimed.id, claimed).finally(() => {
          this.#underWay.delete(work);
          this.wake();
        });
        this.#underWay.add(work);
      }
    } catch {
      // What failed will be said by the store's health; messages are claimed again when it is back.
      this.#sleep(Date.now() + TROUBLE_MS);
    }
  }

  /** Takes no more, and resolves when those under way are through. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await Promise.all(this.#underWay);
  }

  #sleep(until: number | undefined): void {
    if (until === undefined || this.#stopped) return;
    this.#timer = setTimeout(() => this.wake(), Math.min(Math.max(1, until - Date.now()), LONGEST_TIMER_MS));
    this.#timer.unref();
  }

  async #deliver(id: bigint, delivery: Delivery): Promise<void> {
    const lease = setInterval(() => this.#prolong(id), this.#queue.leaseMs / 3);
    lease.unref();
    let outcome: Outcome;
    try {
      outcome = await this.#handle(delivery);
    } catch (error) {
      outcome = { kind: 'retry', reason: error instanceof Error ? error.message : String(error) };
    } finally {
      clearInterval(lease);
    }
    try {
      this.#settle(id, delivery.attempt, outcome);
    } catch {
      // Its lease runs out and it comes again: at least once.
    }
  }

  #prolong(id: bigint): void {
    try {
      this.#queue.prolong(id);
    } catch {
      // Tried again in a third of the lease.
    }
  }

  #settle(id: bigint, attempt: number, outcome: Outcome): void {
    const { maxAttempts, backoffMs, maxBackoffMs } = this.#options;
    if (outcome.kind === 'done') this.#queue.done(id);
    else if (outcome.kind === 'reject' || attempt >= maxAttempts) this.#queue.bury(id, outcome.reason);
    else this.#queue.retry(id, Math.min(maxBackoffMs, backoffMs * 2 ** (attempt - 1)));
  }
}
