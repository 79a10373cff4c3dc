/** Instances of a WASI 0.3 service: each serves several requests at the same time. */
import { type CallLimits, Trap } from '@tenon/component';
import type { ReceivedRequest, Responder } from '@tenon/wasi';
import type { Guest } from './guest.ts';

/** An instance that may be called again while it is called. */
export interface SharedInstance {
  respond(request: ReceivedRequest, responder: Responder, limits: CallLimits, signal: AbortSignal): Promise<void>;
  call(path: readonly string[], args: readonly unknown[], limits: CallLimits): unknown;
  reset(): boolean;
  end(): void;
}

export interface ServiceLimits {
  /** Requests that one instance serves at the same time. */
  readonly maxConcurrency: number;
  /** Requests that one instance serves before another one takes its place. */
  readonly maxRequestsPerInstance: number;
}

/** Milliseconds that a task has to honour its cancellation, until its instance is ended. */
const GRACE_MS = 1000;

interface Entry {
  readonly instance: SharedInstance;
  users: number;
  served: number;
  /** It has served since it was made as new. */
  used: boolean;
  /** No more requests go there: it has trapped, or served as many as it may. */
  retired: boolean;
}

/** Gives the requests of a workload to instances, as many as each may serve at once. */
export class Service {
  private readonly make: () => SharedInstance;
  private readonly limits: ServiceLimits;
  private readonly resets: boolean;
  private readonly entries = new Set<Entry>();
  private slots = 0;

  /**
   * @param make makes an instance
   * @param resets whether an instance is made as new when it has nothing to do
   */
  constructor(make: () => SharedInstance, limits: ServiceLimits, resets: boolean) {
    this.make = make;
    this.limits = limits;
    this.resets = resets;
  }

  /** A place for one request at a time. @throws what making an instance throws */
  slot(): Guest {
    if (this.entries.size === 0) this.add();
    this.slots++;
    return new Slot(this);
  }

  take(): Entry {
    for (const entry of this.entries) if (entry.users < this.limits.maxConcurrency && this.isNew(entry)) return this.use(entry);
    return this.use(this.add());
  }

  give(entry: Entry): void {
    entry.users--;
    this.settle(entry);
  }

  /** Nothing more goes to an instance. */
  retire(entry: Entry): void {
    entry.retired = true;
    this.entries.delete(entry);
  }

  /** A slot is gone; with the last one go the instances. */
  leave(): void {
    if (--this.slots > 0) return;
    for (const entry of this.entries) {
      this.retire(entry);
      this.settle(entry);
    }
  }

  private add(): Entry {
    const entry: Entry = { instance: this.make(), users: 0, served: 0, used: false, retired: false };
    this.entries.add(entry);
    return entry;
  }

  private use(entry: Entry): Entry {
    entry.users++;
    entry.used = true;
    if (++entry.served >= this.limits.maxRequestsPerInstance) this.retire(entry);
    return entry;
  }

  /** Whether the next request finds it as new, or finds others that are under way. */
  private isNew(entry: Entry): boolean {
    if (!this.resets || entry.users > 0 || !entry.used) return true;
    entry.used = !entry.instance.reset();
    return !entry.used;
  }

  /** What a task does behind its response has a turn of the event loop; what is not done then is cut off. */
  private settle(entry: Entry): void {
    if (entry.users > 0) return;
    if (entry.retired) entry.instance.end();
    else if (this.resets) setImmediate(this.clean, entry);
  }

  private readonly clean = (entry: Entry): void => {
    if (entry.users > 0 || entry.retired || this.isNew(entry)) return;
    this.retire(entry);
    entry.instance.end();
  };
}

class Slot implements Guest {
  private readonly service: Service;
  private running: AbortController | undefined;
  private ended = false;

  constructor(service: Service) {
    this.service = service;
  }

  /** Past its time the task is cancelled; only where it does not honour that, its instance ends. */
  async respond(request: ReceivedRequest, responder: Responder, limits: CallLimits): Promise<void> {
    const { timeoutMs, signal } = limits;
    const controller = new AbortController();
    this.running = controller;
    const cancel = (): void => controller.abort(new Trap('the call was cancelled', signal?.reason, { code: 'TENON_CANCELLED' }));
    signal?.addEventListener('abort', cancel, { once: true });
    const late = (): void =>
      controller.abort(new Trap(`the call did not return within ${timeoutMs} ms`, undefined, { code: 'TENON_DEADLINE' }));
    const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
    const entry = this.service.take();
    try {
      const hard = timeoutMs === undefined ? {} : { timeoutMs: timeoutMs + GRACE_MS };
      await entry.instance.respond(request, responder, { cpuMs: limits.cpuMs, ...hard }, controller.signal);
    } catch (error) {
      if (error !== controller.signal.reason) this.service.retire(entry);
      throw controller.signal.aborted ? controller.signal.reason : error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
      this.running = undefined;
      this.service.give(entry);
    }
  }

  async call(path: readonly string[], args: readonly unknown[], limits: CallLimits): Promise<unknown> {
    const entry = this.service.take();
    try {
      return await entry.instance.call(path, args, limits);
    } catch (error) {
      if (error instanceof Trap) this.service.retire(entry);
      throw error;
    } finally {
      this.service.give(entry);
    }
  }

  /** The instances are made as new by themselves. */
  reset(): boolean {
    return !this.ended;
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.running?.abort(new Trap('the embedder ended the call', undefined, { code: 'TENON_CANCELLED' }));
    this.service.leave();
  }
}
