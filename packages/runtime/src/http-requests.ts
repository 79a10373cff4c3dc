/** The HTTP requests of one workload in a cell: each gets an instance, and every one is answered whatever becomes of its guest. */
import type { CallLimits } from '@tenon/component';
import { isHttp2, type Response } from './answers.ts';
import type { Limits } from './config.ts';
import type { RuntimeErrorCode } from './errors.ts';
import { Exchange, type Keeper } from './exchange.ts';
import { failure } from './failure.ts';
import type { Guest } from './guest.ts';
import type { Log, LogEntry } from './log.ts';
import { type Activity, activities } from './output.ts';
import type { Pool } from './pool.ts';
import type { Refusal, Request } from './protocol.ts';
import type { CellClock } from './ticker.ts';

const TIMED_OUT = 'the component did not answer in time';
const STOPPING = 'the component was stopped, try again';
const BUSY = 'the service is busy, try again';
const FAILED = 'the component failed';

/** So long a guest may go on when its client has gone, in milliseconds: its streams tell it, and it may have something to put away. */
const GRACE_MS = 100;

/** Guests that wait for slow clients for less than this, in milliseconds, are never ended for the sake of others. */
const PATIENCE_MS = 1000;

export interface HttpRequestsOptions {
  /** The workload's name. */
  readonly name: string;
  readonly limits: Limits;
  readonly pool: Pool<Guest>;
  readonly clock: CellClock;
  readonly log: Log;
  /** Whether each request is logged too. */
  readonly logRequests: boolean;
  /** A guest is done with what it did. */
  readonly finish: (activity: Activity) => void;
  /** An instance that has served before has done so again, or has failed without an answer. */
  readonly reused: (served: boolean) => void;
}

export class HttpRequests implements Keeper {
  readonly name: string;
  readonly limits: Limits;
  private readonly guestLimits: CallLimits;
  private readonly pool: Pool<Guest>;
  private readonly clock: CellClock;
  private readonly log: Log;
  private readonly logRequests: boolean;
  private readonly finish: (activity: Activity) => void;
  /** Requests that were given to guests, and those of them that failed. */
  requests = 0;
  failures = 0;
  private readonly reused: (served: boolean) => void;
  private readonly open = new Set<Exchange>();
  private whenIdle: (() => void) | undefined;

  constructor({ name, limits, pool, clock, log, logRequests, finish, reused }: HttpRequestsOptions) {
    this.name = name;
    this.finish = finish;
    this.reused = reused;
    this.limits = limits;
    // Guests that wait or give way are ended by the tick, and a timer for each would cost more than a short request does. What is left are those
    // that compute without giving way.
    this.guestLimits = { cpuMs: Math.min(limits.maxCpuMs, limits.requestTimeoutMs) };
    this.pool = pool;
    this.clock = clock;
    this.log = log;
    this.logRequests = logRequests;
  }

  /** A request that is not given to a guest before {@link serve}. */
  arrive(request: Request, response: Response, waits: boolean): Exchange {
    const exchange = new Exchange(request, response, waits, this);
    if (this.logRequests) response.on('close', () => this.log(requestEntry(exchange)));
    return exchange;
  }

  /** A request that the protocol forbids. */
  forbidden({ method = '', url: path = '' }: Request, { status, why }: Refusal): void {
    if (!this.logRequests) return;
    const message = `${method} ${path} ${status} refused: ${why}`;
    this.log({ level: 'info', event: 'request', message, method, path, status, durationMs: 0 });
  }

  /** Gives a request to a guest, now or when one is free. */
  async serve(exchange: Exchange): Promise<void> {
    if (exchange.dead) return;
    this.open.add(exchange);
    this.requests++;
    try {
      const taken = this.pool.acquire();
      const lease = taken instanceof Promise ? await taken : taken;
      if (exchange.dead) {
        lease.release();
        return;
      }
      exchange.lease = lease;
      this.clock.enter();
      try {
        await activities.run(exchange.activity, respond, lease.item, exchange, this.guestLimits);
      } finally {
        this.clock.leave();
      }
      if (lease.used) this.reused(true);
      lease.release();
    } catch (error) {
      if (exchange.lease?.used === true && !exchange.over && !exchange.left && !exchange.response.headersSent) this.reused(false);
      exchange.lease?.discard();
      this.failures++;
      if (!exchange.over) this.failed(exchange, error);
    } finally {
      this.settle(exchange);
    }
  }

  private settle(exchange: Exchange): void {
    exchange.detach();
    this.finish(exchange.activity);
    if (this.open.delete(exchange)) this.settled();
  }

  private failed(exchange: Exchange, error: unknown): void {
    const why = failure(error);
    const message = `${exchange.title}: ${why.message}`;
    if (why.event === 'busy') {
      this.log({ level: 'warn', event: 'busy', code: 'TENON_RUNTIME_BUSY', message });
      exchange.answer(503, BUSY);
    } else if (exchange.left) {
      this.log({ level: 'info', event: why.event, message: `${message} (its client had gone)` });
    } else {
      this.log({ level: 'error', ...why, ...(why.event === 'timeout' && this.isLate(exchange) ? this.late(exchange) : { message }) });
      if (why.event === 'timeout') exchange.answer(504, TIMED_OUT, true);
      else exchange.answer(500, FAILED);
    }
  }

  /** What the guest gave is no response, or not a whole one. */
  refused(exchange: Exchange, why: string): void {
    this.log({ level: 'error', event: 'error', code: 'TENON_BAD_RESPONSE', message: `${exchange.title}: ${why}` });
    exchange.answer(500, FAILED);
  }

  /** Ends the guest and answers in its place. */
  giveUp(exchange: Exchange, status: number, why: string): void {
    if (exchange.over) return;
    exchange.over = true;
    exchange.lease?.discard();
    exchange.answer(status, why, true);
    this.settle(exchange);
  }

  /** Fields that no message of the client's protocol may have together. */
  unsendable(exchange: Exchange, error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    const message = `${exchange.title}: the response cannot be sent: ${why}`;
    this.log({ level: 'error', event: 'error', code: 'TENON_BAD_RESPONSE', message });
    this.giveUp(exchange, 500, FAILED);
  }

  /** Its streams have told the guest. One that waits for something else is ended. */
  left(exchange: Exchange): void {
    if (this.open.has(exchange)) setTimeout(() => this.giveUp(exchange, 0, ''), GRACE_MS).unref();
  }

  /** To be called at even intervals: ends what takes too long, and uploads that have stopped. */
  tick(now: number): void {
    for (const exchange of this.open) {
      if (exchange.left) continue;
      if (this.isLate(exchange)) this.timedOut(exchange);
      else if (exchange.stalled(now)) this.giveUp(exchange, 408, 'the body did not come in time');
    }
  }

  private timedOut(exchange: Exchange): void {
    this.log({ level: 'error', event: 'timeout', ...this.late(exchange) });
    this.giveUp(exchange, 504, TIMED_OUT);
  }

  private isLate({ started }: Exchange): boolean {
    return performance.now() - started >= this.limits.requestTimeoutMs;
  }

  private late({ title }: Exchange): { readonly code: RuntimeErrorCode; readonly message: string } {
    return { code: 'TENON_RUNTIME_TIMEOUT', message: `${title}: no answer within ${this.limits.requestTimeoutMs} ms` };
  }

  /** How many instances can do nothing because their clients are slow. */
  held(): number {
    let count = 0;
    for (const exchange of this.open) if (exchange.lease !== undefined && exchange.waitsForClient) count++;
    return count;
  }

  /** Ends the request whose client has been served for longest and lets its guest wait. Returns whether there was one. */
  shed(): boolean {
    const now = performance.now();
    for (const exchange of this.open) {
      if (now - exchange.started < PATIENCE_MS) return false;
      if (exchange.lease === undefined || exchange.left || !exchange.waitsForClient) continue;
      const message = `${exchange.title}: its client is slow, and others need the instance`;
      this.log({ level: 'warn', event: 'busy', code: 'TENON_RUNTIME_SLOW_CLIENT', message });
      this.giveUp(exchange, 408, 'the client was too slow, and the service is busy');
      return true;
    }
    return false;
  }

  /** From now on connections close with the response that is under way. */
  drain(): void {
    for (const { response } of this.open) if (!isHttp2(response) && !response.headersSent) response.setHeader('connection', 'close');
  }

  /** Answers what has no answer yet. */
  dismiss(): void {
    for (const exchange of [...this.open]) this.giveUp(exchange, 503, STOPPING);
  }

  /** Resolves when no request is under way. */
  idle(): Promise<void> {
    return new Promise((settle) => {
      this.whenIdle = settle;
      this.settled();
    });
  }

  private settled(): void {
    if (this.open.size === 0) this.whenIdle?.();
  }
}

const respond = (guest: Guest, exchange: Exchange, limits: CallLimits): Promise<void> => guest.respond(exchange.received, exchange, limits);

function requestEntry({ request, response, started, left, cut }: Exchange): Omit<LogEntry, 'workload' | 'time'> {
  const status = response.headersSent ? response.statusCode : 0;
  const durationMs = performance.now() - started;
  const method = request.method ?? '';
  const path = request.url ?? '';
  const outcome = cut ? `${status} (cut off)` : left ? `${status} (the client went away)` : status;
  const message = `${method} ${path} ${outcome} ${durationMs.toFixed(1)} ms`;
  return { level: 'info', event: 'request', message, method, path, status, durationMs };
}
