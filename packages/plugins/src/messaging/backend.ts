/** What a message broker does. The interfaces that guests import are faces over this. */

export type MessagingProblem =
  | 'subject-invalid'
  | 'access-denied'
  | 'timeout'
  | 'broker-unavailable'
  | 'message-too-large'
  | 'quota-exceeded';

export class MessagingError extends Error {
  override readonly name = 'MessagingError';
  readonly problem: MessagingProblem;

  constructor(problem: MessagingProblem, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.problem = problem;
  }
}

export interface Message {
  readonly subject: string;
  readonly body: Uint8Array;
  /** Where an answer is expected. */
  readonly replyTo?: string | undefined;
  /** What the sender says of it, the content type (`content-type`) among it. */
  readonly headers?: Headers | undefined;
}

export type Headers = readonly (readonly [name: string, value: string])[];

/** A message on its way to a consumer. */
export interface Delivery {
  readonly message: Message;
  /** 1 at first. */
  readonly attempt: number;
}

/** How a consumer took a message: it is done, it is to come again later, or it never fits and is set aside. */
export type Outcome = { readonly kind: 'done' } | { readonly kind: 'retry' | 'reject'; readonly reason: string };

/** Who receives messages. All that subscribe under one name share its messages: each goes to one of them. */
export interface Consumer {
  /** A queue group, or the name of a workload. */
  readonly name: string;
  /** A subject, with wildcards. */
  readonly pattern: string;
}

/** How a consumer's messages are delivered. */
export interface DeliveryOptions {
  /** Messages that are handled at the same time, in each cell; 16. */
  readonly concurrency: number;
  /** Attempts before a message is set aside as a dead letter; 5. */
  readonly maxAttempts: number;
  /** Milliseconds before the second attempt; 1,000. Each next one waits twice as long. */
  readonly backoffMs: number;
  /** The longest wait between attempts, in milliseconds; 60,000. */
  readonly maxBackoffMs: number;
}

export const DEFAULT_DELIVERY: DeliveryOptions = { concurrency: 16, maxAttempts: 5, backoffMs: 1000, maxBackoffMs: 60_000 };

/** A message that no attempt brought through. */
export interface DeadLetter {
  readonly id: bigint;
  readonly consumer: string;
  readonly message: Message;
  readonly attempts: number;
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What a consumer has before it. */
export interface Backlog {
  readonly consumer: string;
  readonly waiting: number;
  readonly dead: number;
}

/** Delivers each message at least once to every consumer that it fits. */
export interface Broker {
  /** Resolves when the broker has the message, and will keep it as long as it keeps anything. One that nobody consumes is dropped. */
  publish(message: Message): Promise<void>;
  /**
   * Sends a message and waits for answers to it.
   * @param message its `replyTo` is the broker's to choose
   * @param replies how many to wait for; those that have come when the time is up are enough if there is at least one
   * @throws MessagingError `timeout` when there is none
   */
  request(message: Message, timeoutMs: number, replies?: number): Promise<readonly Message[]>;
  /** From now on messages are kept for the consumer, also while nobody listens. */
  addConsumer(consumer: Consumer): Promise<void>;
  /** The consumer's messages go with it; its dead letters stay. */
  removeConsumer(consumer: Consumer): Promise<void>;
  /**
   * Handles a consumer's messages in this thread until the returned function is called. That resolves when those under way are through.
   * @param handle what throws counts as `retry`
   */
  listen(consumer: Consumer, handle: (delivery: Delivery) => Promise<Outcome>, options?: Partial<DeliveryOptions>): () => Promise<void>;
  /** The newest first, at most `limit`. */
  deadLetters(consumer: string | undefined, limit: number): Promise<readonly DeadLetter[]>;
  /** Delivers a dead letter again, as new. @returns whether it was there, and its consumer too */
  revive(id: bigint): Promise<boolean>;
  backlog(): Promise<readonly Backlog[]>;
  close(): Promise<void>;
}

/** What a broker takes at most. */
export interface MessagingLimits {
  /** Bytes of a message's body and headers; 1 MiB. */
  readonly maxMessageBytes: number;
  /** Messages that wait for one consumer; 100,000. */
  readonly maxWaiting: number;
  /** Dead letters that are kept for one consumer; 1,000. The oldest go first. */
  readonly maxDead: number;
}

export const DEFAULT_MESSAGING_LIMITS: MessagingLimits = { maxMessageBytes: 1024 * 1024, maxWaiting: 100_000, maxDead: 1000 };

/** Subjects at which answers to requests arrive begin with this. */
export const INBOX = '_INBOX.';
