/** A message broker in SQLite: in memory, or in a file. */
import { randomUUID } from 'node:crypto';
import { BroadcastChannel } from 'node:worker_threads';
import { Database, type Place, type Statement } from '../database.ts';
import { PluginError } from '../errors.ts';
import {
  type Backlog,
  type Broker,
  type Consumer,
  DEFAULT_DELIVERY,
  DEFAULT_MESSAGING_LIMITS,
  type DeadLetter,
  type Delivery,
  type DeliveryOptions,
  type Headers,
  INBOX,
  type Message,
  MessagingError,
  type MessagingLimits,
  type Outcome,
} from './backend.ts';
import { Listener, type Queue } from './listener.ts';
import { matches, subjectProblem } from './subjects.ts';

export interface SqliteBrokerOptions {
  readonly place: Place;
  readonly limits?: Partial<MessagingLimits> | undefined;
  /** How long a message is a listener's before another may have it, in milliseconds; 30,000. A living listener prolongs it. */
  readonly leaseMs?: number | undefined;
}

const SCHEMA = {
  applicationId: 0x74_6d_73_31,
  migrations: [
    `create table consumer (id integer primary key, name text not null, pattern text not null, unique (name, pattern)) strict;
     create table message (id integer primary key, subject text not null, body blob not null, reply_to text, headers text) strict;
     create table delivery (
       id integer primary key, consumer integer not null, message integer not null,
       due integer not null, attempts integer not null default 0
     ) strict;
     create index delivery_due on delivery (consumer, due);
     create index delivery_message on delivery (message);
     create table dead (
       id integer primary key, consumer text not null, pattern text not null, subject text not null, body blob not null, reply_to text,
       headers text,       attempts integer not null, reason text not null, at integer not null
     ) strict;
     create index dead_consumer on dead (consumer, id);
     create trigger consumer_gone after delete on consumer begin delete from delivery where consumer = old.id; end;
     create trigger delivery_gone after delete on delivery begin
       delete from message where id = old.message and not exists (select 1 from delivery where message = old.message);
     end;`,
  ],
};

type Name =
  | 'consumers'
  | 'addConsumer'
  | 'removeConsumer'
  | 'findConsumer'
  | 'addMessage'
  | 'addDelivery'
  | 'waiting'
  | 'claim'
  | 'message'
  | 'next'
  | 'prolong'
  | 'done'
  | 'retry'
  | 'bury'
  | 'trim'
  | 'dead'
  | 'deadOne'
  | 'removeDead'
  | 'backlog'
  | 'release';

/** What goes from thread to thread: that there is work for a consumer, or an answer. */
type Note = { readonly work: readonly number[] } | { readonly answer: Message };

export class SqliteBroker implements Broker {
  readonly #database: Database;
  readonly #statements: Readonly<Record<Name, Statement>>;
  readonly #limits: MessagingLimits;
  readonly #leaseMs: number;
  readonly #channel: BroadcastChannel;
  readonly #listeners = new Map<number, Set<Listener>>();
  readonly #requests = new Map<string, (answer: Message) => void>();

  /** @param fresh whether no other thread or process has the broker open: what was under way when it ended is then delivered at once */
  constructor({ place, limits, leaseMs = 30_000 }: SqliteBrokerOptions, fresh = false) {
    this.#database = new Database(place, SCHEMA);
    this.#statements = prepare(this.#database);
    this.#limits = { ...DEFAULT_MESSAGING_LIMITS, ...limits };
    this.#leaseMs = leaseMs;
    this.#channel = new BroadcastChannel(`tenon:messaging:${'memory' in place ? place.memory : place.file}`);
    this.#channel.onmessage = (event) => this.#heard((event as MessageEvent<Note>).data);
    this.#channel.unref();
    if (fresh) this.#statements.release.run(Date.now());
  }

  async publish(message: Message): Promise<void> {
    this.#check(message);
    if (message.subject.startsWith(INBOX)) return this.#announce({ answer: { ...message, body: message.body.slice() } });
    const reached = attempt(() => this.#database.transaction(() => this.#enqueue(message)));
    if (reached.length > 0) this.#announce({ work: reached });
  }

  async request(message: Message, timeoutMs: number, replies = 1): Promise<readonly Message[]> {
    const replyTo = `${INBOX}${randomUUID()}`;
    const answers: Message[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#requests.set(replyTo, (answer) => {
      if (answers.push(answer) >= replies) resolve();
    });
    const timer = setTimeout(resolve, Math.min(timeoutMs, 2 ** 31 - 1));
    try {
      await this.publish({ ...message, replyTo });
      await promise;
    } finally {
      clearTimeout(timer);
      this.#requests.delete(replyTo);
    }
    if (answers.length > 0) return answers;
    throw new MessagingError('timeout', `no answer to "${message.subject}" within ${timeoutMs} ms`);
  }

  async addConsumer({ name, pattern }: Consumer): Promise<void> {
    const problem = subjectProblem(pattern, true);
    if (problem !== undefined) throw new MessagingError('subject-invalid', `"${pattern}" is not a subject to listen to: ${problem}`);
    attempt(() => this.#statements.addConsumer.run(name, pattern));
  }

  async removeConsumer({ name, pattern }: Consumer): Promise<void> {
    attempt(() => this.#statements.removeConsumer.run(name, pattern));
  }

  listen(
    { name, pattern }: Consumer,
    handle: (delivery: Delivery) => Promise<Outcome>,
    options: Partial<DeliveryOptions> = {},
  ): () => Promise<void> {
    const id = Number(attempt(() => this.#statements.findConsumer.get(name, pattern))?.[0] ?? -1);
    if (id < 0) throw new MessagingError('broker-unavailable', `there is no consumer "${name}" of "${pattern}"`);
    const listener = new Listener(this.#queue(id), handle, { ...DEFAULT_DELIVERY, ...options });
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners.add(listener));
    listener.wake();
    return () => {
      listeners.delete(listener);
      return listener.stop();
    };
  }

  async deadLetters(consumer: string | undefined, limit: number): Promise<readonly DeadLetter[]> {
    const rows = attempt(() => this.#statements.dead.all(consumer ?? null, limit));
    return rows.map(([id, name, subject, body, replyTo, headers, attempts, reason, at]) => ({
      id: id as bigint,
      consumer: name as string,
      message: messageOf(subject, body, replyTo, headers),
      attempts: Number(attempts),
      reason: reason as string,
      at: Number(at),
    }));
  }

  async revive(id: bigint): Promise<boolean> {
    const reached = attempt(() =>
      this.#database.transaction(() => {
        const [name, pattern, subject, body, replyTo, headers] = this.#statements.deadOne.get(id) ?? [];
        const consumer = this.#statements.findConsumer.get(name as string, pattern as string)?.[0];
        if (name === undefined || consumer === undefined) return undefined;
        const message = this.#addMessage(messageOf(subject, body, replyTo, headers));
        this.#statements.addDelivery.run(consumer, message, Date.now());
        this.#statements.removeDead.run(id);
        return Number(consumer);
      }),
    );
    if (reached !== undefined) this.#announce({ work: [reached] });
    return reached !== undefined;
  }

  async backlog(): Promise<readonly Backlog[]> {
    const rows = attempt(() => this.#statements.backlog.all());
    return rows.map(([consumer, waiting, dead]) => ({ consumer: consumer as string, waiting: Number(waiting), dead: Number(dead) }));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#listeners.values()].flatMap((listeners) => [...listeners].map((listener) => listener.stop())));
    this.#channel.close();
    this.#database.close();
  }

  #check({ subject, body, replyTo, headers = [] }: Message): void {
    for (const [what, text] of [
      ['subject', subject],
      ['reply-to', replyTo],
    ] as const) {
      const problem = text === undefined ? undefined : subjectProblem(text);
      if (problem !== undefined) throw new MessagingError('subject-invalid', `the ${what} "${text}" is refused: ${problem}`);
    }
    const { maxMessageBytes } = this.#limits;
    const size = headers.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), body.length);
    if (size <= maxMessageBytes) return;
    throw new MessagingError('message-too-large', `the message of ${size} bytes is over the limit of ${maxMessageBytes}`);
  }

  /** @returns the consumers that it goes to. */
  #enqueue(message: Message): number[] {
    const fitting = this.#statements.consumers.all().filter(([, , pattern]) => matches(pattern as string, message.subject));
    // One group may listen to several patterns that fit: it gets the message once.
    const groups = new Map(fitting.map(([id, name]) => [name, id as bigint]));
    if (groups.size === 0) return [];
    const added = this.#addMessage(message);
    for (const [name, id] of groups) {
      if (Number(this.#statements.waiting.get(id)?.[0]) >= this.#limits.maxWaiting) {
        throw new MessagingError('quota-exceeded', `${this.#limits.maxWaiting} messages wait for "${name}" already`);
      }
      this.#statements.addDelivery.run(id, added, Date.now());
    }
    return [...groups.values()].map(Number);
  }

  #addMessage({ subject, body, replyTo, headers }: Message): bigint {
    const row = this.#statements.addMessage.get(subject, body, replyTo ?? null, headers === undefined ? null : JSON.stringify(headers));
    return row?.[0] as bigint;
  }

  #queue(consumer: number): Queue {
    const { claim, message, next, prolong, done, retry, bury, trim } = this.#statements;
    return {
      leaseMs: this.#leaseMs,
      claim: () => {
        const now = Date.now();
        const row = attempt(() => claim.get(consumer, now, now + this.#leaseMs));
        if (row === undefined) return undefined;
        const [subject, body, replyTo, headers] = attempt(() => message.get(row[1] as bigint)) ?? [];
        return { id: row[0] as bigint, attempt: Number(row[2]), message: messageOf(subject, body, replyTo, headers) };
      },
      nextDue: () => {
        const due = attempt(() => next.get(consumer))?.[0];
        return due === undefined || due === null ? undefined : Number(due);
      },
      prolong: (id) => void attempt(() => prolong.run(id, Date.now() + this.#leaseMs)),
      done: (id) => void attempt(() => done.run(id)),
      retry: (id, waitMs) => void attempt(() => retry.run(id, Date.now() + waitMs)),
      bury: (id, reason) =>
        attempt(() =>
          this.#database.transaction(() => {
            bury.run(id, reason.slice(0, 1000), Date.now());
            done.run(id);
            trim.run(consumer, this.#limits.maxDead);
          }),
        ),
    };
  }

  #announce(note: Note): void {
    this.#channel.postMessage(note);
    this.#heard(note);
  }

  #heard(note: Note): void {
    if ('answer' in note) this.#requests.get(note.answer.subject)?.(note.answer);
    else for (const id of note.work) for (const listener of this.#listeners.get(id) ?? []) listener.wake();
  }
}

function messageOf(subject: unknown, body: unknown, replyTo: unknown, headers: unknown): Message {
  return {
    subject: subject as string,
    body: body as Uint8Array,
    replyTo: (replyTo ?? undefined) as string | undefined,
    headers: typeof headers === 'string' ? (JSON.parse(headers) as Headers) : undefined,
  };
}

function prepare(database: Database): Readonly<Record<Name, Statement>> {
  const statement = (sql: string): Statement => database.prepare(sql);
  return {
    consumers: statement('select id, name, pattern from consumer'),
    addConsumer: statement('insert into consumer (name, pattern) values (?, ?) on conflict do nothing'),
    removeConsumer: statement('delete from consumer where name = ? and pattern = ?'),
    findConsumer: statement('select id from consumer where name = ? and pattern = ?'),
    addMessage: statement('insert into message (subject, body, reply_to, headers) values (?, ?, ?, ?) returning id'),
    addDelivery: statement('insert into delivery (consumer, message, due) values (?, ?, ?)'),
    waiting: statement('select count(*) from delivery where consumer = ?'),
    // A message that is claimed is due again when its lease has run out.
    claim: statement(
      `update delivery set due = ?3, attempts = attempts + 1
       where id = (select id from delivery where consumer = ?1 and due <= ?2 order by due, id limit 1)
       returning id, message, attempts`,
    ),
    message: statement('select subject, body, reply_to, headers from message where id = ?'),
    next: statement('select min(due) from delivery where consumer = ?'),
    prolong: statement('update delivery set due = ?2 where id = ?1'),
    done: statement('delete from delivery where id = ?'),
    retry: statement('update delivery set due = ?2 where id = ?1'),
    bury: statement(
      `insert into dead (consumer, pattern, subject, body, reply_to, headers, attempts, reason, at)
       select consumer.name, consumer.pattern, subject, body, reply_to, headers, attempts, ?2, ?3
       from delivery join message on message.id = delivery.message join consumer on consumer.id = delivery.consumer
       where delivery.id = ?1`,
    ),
    trim: statement(
      `delete from dead where id <= (
         select id from dead where consumer = (select name from consumer where id = ?1) order by id desc limit 1 offset ?2
       ) and consumer = (select name from consumer where id = ?1)`,
    ),
    dead: statement(
      `select id, consumer, subject, body, reply_to, headers, attempts, reason, at from dead
       where ?1 is null or consumer = ?1 order by id desc limit ?2`,
    ),
    deadOne: statement('select consumer, pattern, subject, body, reply_to, headers from dead where id = ?'),
    removeDead: statement('delete from dead where id = ?'),
    backlog: statement(
      `select name, sum(waiting), max(dead) from (
         select name, (select count(*) from delivery where consumer = consumer.id) as waiting,
           (select count(*) from dead where dead.consumer = name) as dead
         from consumer
       ) group by name order by name`,
    ),
    release: statement('update delivery set due = min(due, ?1)'),
  };
}

function attempt<T>(operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    if (!(error instanceof PluginError)) throw error;
    throw new MessagingError(error.code === 'TENON_STORE_FULL' ? 'quota-exceeded' : 'broker-unavailable', error.message, error);
  }
}
