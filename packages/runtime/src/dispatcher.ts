/** Gives requests to threads and responses to clients, and sees that every request is answered whatever becomes of its thread. */
import { answer, broken } from './answers.ts';
import type { Limits } from './config.ts';
import type { Exchange } from './exchange.ts';
import {
  CONTINUE,
  CREDIT,
  DATA,
  type Data,
  DONE,
  END,
  FAILED,
  type Failure,
  type FrameSender,
  type Frames,
  HEAD,
  INFORM,
  REFUSE,
  RESPONSE,
  receiveFrames,
} from './frames.ts';
import type { LogEntry } from './log.ts';

/** A thread that serves requests. */
export interface Backend {
  readonly frames: FrameSender;
  /** Something has held it for a while, so that it does nothing else. */
  readonly silent: boolean;
}

export type Log = (entry: Omit<LogEntry, 'workload' | 'time'>) => void;

const TIMED_OUT = 'the component did not answer in time';
const RESTARTED = 'the component was restarted, try again';
const BUSY = 'the service is busy, try again';

/** A thread and the requests that it has, in order of arrival. */
interface Line {
  readonly backend: Backend;
  readonly exchanges: Map<number, Exchange>;
}

export class Dispatcher {
  private readonly limits: Limits;
  private readonly log: Log;
  private readonly capacity: number;
  private readonly lines = new Map<Backend, Line>();
  /** Requests that came while there was no thread. */
  private readonly waiting = new Set<Exchange>();
  private whenIdle: (() => void) | undefined;

  constructor(limits: Limits, log: Log) {
    this.limits = limits;
    this.log = log;
    this.capacity = limits.maxInstances + limits.maxQueue;
  }

  /** Adds a thread; requests that wait for one go to it. */
  add(backend: Backend): void {
    this.lines.set(backend, { backend, exchanges: new Map() });
    const waiting = [...this.waiting];
    this.waiting.clear();
    this.submit(waiting);
  }

  /**
   * Takes a thread out. The requests that it has are answered, or cut off in mid-answer.
   * @returns how many clients got 504
   */
  remove(backend: Backend): number {
    const exchanges = [...(this.lines.get(backend)?.exchanges.values() ?? [])];
    this.lines.delete(backend);
    let late = 0;
    const now = performance.now();
    for (const exchange of exchanges) {
      exchange.detach();
      const timedOut = now - exchange.sent >= this.limits.requestTimeoutMs;
      if (exchange.gone || exchange.response.writableEnded) continue;
      if (timedOut && !exchange.response.headersSent) late++;
      if (timedOut) exchange.answer(504, TIMED_OUT, true);
      else exchange.answer(503, RESTARTED, true);
    }
    this.settled();
    return late;
  }

  /** Hands requests to threads. */
  submit(exchanges: readonly Exchange[]): void {
    for (const exchange of exchanges) this.assign(exchange);
    for (const { frames } of this.lines.keys()) frames.flush();
  }

  /** Gives a request to the thread that has the fewest. */
  private assign(exchange: Exchange): void {
    if (exchange.gone || broken(exchange.response)) return;
    const line = this.shortest();
    const taken = line === undefined ? this.waiting.size : line.exchanges.size;
    if (taken >= this.capacity) {
      this.busy(exchange, `${taken} requests are under way or wait already`);
    } else if (line === undefined) {
      this.waiting.add(exchange);
    } else {
      line.exchanges.set(exchange.id, exchange);
      exchange.send(line.backend.frames);
    }
  }

  private shortest(): Line | undefined {
    if (this.lines.size <= 1) return this.lines.values().next().value;
    let best: Line | undefined;
    for (const line of this.lines.values()) if (best === undefined || load(line) < load(best)) best = line;
    return best;
  }

  /** Frames from a thread. */
  receive(backend: Backend, frames: Frames): void {
    const line = this.lines.get(backend);
    if (line === undefined) return;
    receiveFrames(frames, (id, kind, text, data) => {
      const exchange = line.exchanges.get(id);
      // It may have been answered meanwhile.
      if (exchange === undefined) return;
      try {
        this.take(line, exchange, kind, text, data);
      } catch (error) {
        this.unsendable(exchange, error);
      }
    });
  }

  /** Node does not send what no message of the client's protocol may have, such as fields that contradict each other. */
  private unsendable(exchange: Exchange, error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    const message = `${exchange.title}: the response cannot be sent: ${why}`;
    this.log({ level: 'error', event: 'error', code: 'TENON_BAD_RESPONSE', message });
    this.giveUp(exchange, 500, 'the component failed');
  }

  private take(line: Line, exchange: Exchange, kind: number, text: string, data: Data): void {
    if (kind === RESPONSE) exchange.respond(text, data);
    else if (kind === DONE) this.done(line, exchange);
    else if (kind === HEAD) exchange.begin(text);
    else if (kind === DATA) exchange.write(data);
    else if (kind === END) exchange.end(text);
    else if (kind === CREDIT) exchange.acknowledge(data as number);
    else if (kind === INFORM) exchange.inform(text);
    else if (kind === CONTINUE) exchange.continue();
    else if (kind === REFUSE) this.refused(exchange, text);
    else if (kind === FAILED) this.failed(line, exchange, data as Failure);
  }

  private done(line: Line, exchange: Exchange): void {
    line.exchanges.delete(exchange.id);
    exchange.detach();
    this.settled();
  }

  private failed(line: Line, exchange: Exchange, failure: Failure): void {
    this.done(line, exchange);
    if (failure.event === 'busy') {
      this.busy(exchange, failure.message);
      return;
    }
    this.log({ level: 'error', ...failure, message: `${exchange.title}: ${failure.message}` });
    exchange.fail();
  }

  /** What the guest gave is no response. */
  private refused(exchange: Exchange, why: string): void {
    if (exchange.gone) return;
    this.log({ level: 'error', event: 'error', code: 'TENON_BAD_RESPONSE', message: `${exchange.title}: ${why}` });
    exchange.fail();
  }

  private busy(exchange: Exchange, why: string): void {
    this.log({ level: 'warn', event: 'busy', code: 'TENON_RUNTIME_BUSY', message: `${exchange.title}: ${why}` });
    exchange.answer(503, BUSY);
  }

  /** To be called at even intervals: ends what takes too long, and uploads that have stopped. */
  tick(): void {
    const now = performance.now();
    for (const { backend, exchanges } of this.lines.values()) {
      for (const exchange of exchanges.values()) {
        // A thread that is silent may be stuck. It is replaced then, and only after that are its clients told, so that none comes back too early.
        if (!backend.silent && now - exchange.sent >= this.limits.requestTimeoutMs) this.timedOut(exchange);
        else if (exchange.uploading && exchange.stalled(now)) this.giveUp(exchange, 408, 'the body did not come in time');
      }
    }
    for (const exchange of this.waiting) if (now - exchange.started >= this.limits.startTimeoutMs) this.giveUp(exchange, 503, RESTARTED);
  }

  private timedOut(exchange: Exchange): void {
    if (!exchange.gone) {
      const message = `${exchange.title}: no answer within ${this.limits.requestTimeoutMs} ms`;
      this.log({ level: 'error', event: 'timeout', code: 'TENON_RUNTIME_TIMEOUT', message });
    }
    this.giveUp(exchange, 504, TIMED_OUT);
  }

  /** Ends the guest and answers in its place. */
  readonly giveUp = (exchange: Exchange, status: number, why: string): void => {
    this.waiting.delete(exchange);
    for (const { exchanges } of this.lines.values()) exchanges.delete(exchange.id);
    exchange.cancel();
    exchange.answer(status, why, true);
    this.settled();
  };

  /** All requests that have no answer yet. */
  *underWay(): Iterable<Exchange> {
    yield* this.waiting;
    for (const { exchanges } of this.lines.values()) yield* exchanges.values();
  }

  /** Answers the requests for which there will be no thread. */
  dismiss(): void {
    for (const exchange of this.waiting) answer(exchange.response, 503, RESTARTED, true);
    this.waiting.clear();
    this.settled();
  }

  /** Resolves when no request is under way. */
  idle(): Promise<void> {
    return new Promise((settle) => {
      this.whenIdle = settle;
      this.settled();
    });
  }

  private settled(): void {
    if (this.whenIdle === undefined || this.waiting.size > 0) return;
    for (const { exchanges } of this.lines.values()) if (exchanges.size > 0) return;
    this.whenIdle();
  }
}

/** A silent thread is the last choice. */
const load = ({ backend, exchanges }: Line): number => exchanges.size + (backend.silent ? 1e9 : 0);
