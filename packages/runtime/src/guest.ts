/** Instances of a workload's component, as a pool holds them. */

import { getHeapStatistics } from 'node:v8';
import {
  Budget,
  type CallLimits,
  type Component,
  camelCase,
  type EpochClock,
  type Instance,
  Linker,
  type Prepared,
  provider,
  type Usage,
} from '@tenon/component';
import { type Handle, type ReceivedRequest, type Responder, respondTo, type ServiceHandle, serviceResponse, type Wasi } from '@tenon/wasi';
import type { Imports, Limits } from './config.ts';
import { RuntimeError } from './errors.ts';
import { Service, type ServiceLimits, type SharedInstance } from './service.ts';

/** What a component exports that answers requests: one at a time in 0.2, and several at the same time in 0.3. */
const HANDLER = 'wasi:http/incoming-handler@0.2.0';
const SERVICE = 'wasi:http/handler@0.3.0';

/** Milliseconds that a task of 0.3 has to end when it is cancelled. */
const GRACE_MS = 1000;

/** Whether a handler is one of WASI 0.3. */
export const isService = (handler: string | undefined): boolean => handler !== undefined && provider([handler], SERVICE) !== undefined;

/** An instance that does one thing at a time. */
export interface Guest {
  /** Rejects when the guest traps or returns without a response. */
  respond(request: ReceivedRequest, responder: Responder, limits: CallLimits): Promise<void>;
  /**
   * Calls an export.
   * @throws RuntimeError TENON_RUNTIME_EXPORT when there is none of this name
   */
  call(path: readonly string[], args: readonly unknown[], limits: CallLimits): unknown;
  /** Makes it as new. Returns whether it is. */
  reset(): boolean;
  /** Ends it for good, whatever it waits for. */
  end(): void;
}

type Exports = Readonly<Record<string, unknown>>;

/** The name under which a component exports its handler; undefined when it has none. */
export function handlerName(component: Component): string | undefined {
  const names = component.exports.map(({ name }) => name);
  const found = provider(names, SERVICE) ?? provider(names, HANDLER);
  return found !== undefined && names.some((name) => name.startsWith('wasi:http/types@')) ? undefined : found;
}

export function noHandler(component: Component): RuntimeError {
  const names = component.exports.map(({ name }) => name);
  if (names.some((name) => name.startsWith('wasi:http/types@'))) {
    return new RuntimeError(
      'TENON_RUNTIME_EXPORT',
      'the component exports `wasi:http/types`, so its handler takes requests of its own making and none of this host: build it to import that interface',
    );
  }
  const others = names.length === 0 ? 'nothing' : names.map((name) => `\`${name}\``).join(', ');
  return new RuntimeError('TENON_RUNTIME_EXPORT', `the component exports neither \`${SERVICE}\` nor \`${HANDLER}\`; it exports ${others}`);
}

export interface GuestMakerOptions {
  /** Whether instances are thrown away after one request: then none serves two at the same time. */
  readonly fresh?: boolean | undefined;
  readonly system: Wasi;
  /** The name under which it exports a handler of requests; undefined when none will come. */
  readonly handler: string | undefined;
  /** What it imports beside the system's interfaces. */
  readonly imports: Imports;
  readonly limits: Limits;
  /** What guests look at while they compute. */
  readonly clock: EpochClock;
  /** Is asked when a guest gives way to others. */
  readonly pause: () => Promise<void> | undefined;
  /** Makes what other workloads provide, anew for each instance; nothing unless given. */
  readonly provide?: (() => Provided) | undefined;
}

/** What other workloads provide to one instance: instances of theirs, which end with it. */
export interface Provided {
  readonly imports: Imports;
  end(): void;
}

/** Makes instances of a workload. */
export interface GuestMaker {
  /** @param resettable whether {@link Guest.reset} will be called */
  make(resettable: boolean): Guest;
  /** An instance for another workload that is linked to this one. */
  instantiate(): Instance;
  /** What all of them take together. */
  readonly usage: Usage;
}

function heap(): { readonly used: number; readonly limit: number } {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  return { used, limit };
}

/** All instances together may have so many times the tables of one. Few have large ones. */
const TABLES = 8;

/**
 * Links a component. Each call of the result makes an instance.
 * @throws ComponentError when an import is missing
 */
export function guestMaker(
  component: Component,
  { system, handler, imports, limits, clock, pause, provide, fresh = false }: GuestMakerOptions,
): GuestMaker {
  const budget = new Budget({
    maxMemoryBytes: limits.maxWorkloadMemoryBytes,
    maxTableElements: TABLES * limits.maxTableElements,
    heap,
    pause,
  });
  const prepare = (more: Imports): Prepared => {
    const linker = new Linker({ maxHandles: limits.maxHandles, clock, budget, yields: true });
    linker.use(system);
    for (const [name, value] of Object.entries({ ...imports, ...more })) linker.define(name, value);
    return linker.prepareSync(component);
  };
  const start = { timeoutMs: limits.startTimeoutMs };
  const instantiate = (prepared: Prepared, resettable: boolean): Instance => prepared.instantiateSync({ resettable, limits: start });
  if (provide !== undefined) {
    const make = (): PooledInstance => {
      const provided = provide();
      try {
        // What its providers hold cannot be reset with it, so it is made anew together with them.
        return new PooledInstance(instantiate(prepare(provided.imports), false), handler, provided.end);
      } catch (error) {
        provided.end();
        throw error;
      }
    };
    return { make: shared(handler, limits, fresh, make), usage: budget, instantiate: () => instantiate(prepare({}), false) };
  }
  const prepared = prepare({});
  return {
    make: shared(handler, limits, fresh, (resettable) => new PooledInstance(instantiate(prepared, resettable), handler)),
    usage: budget,
    instantiate: () => instantiate(prepared, false),
  };
}

/** Where the handler is one of 0.3, instances are shared among requests. */
function shared(
  handler: string | undefined,
  limits: ServiceLimits,
  fresh: boolean,
  make: (resettable: boolean) => PooledInstance,
): (resettable: boolean) => Guest {
  if (!isService(handler)) return make;
  let service: Service | undefined;
  return (resettable) => {
    const most = fresh ? { maxConcurrency: 1, maxRequestsPerInstance: 1 } : limits;
    service ??= new Service(() => make(resettable), most, resettable);
    return service.slot();
  };
}

class PooledInstance implements Guest, SharedInstance {
  private readonly instance: Instance;
  private readonly handle: Handle | undefined;
  private readonly service: boolean;
  private readonly endProvided: (() => void) | undefined;

  constructor(instance: Instance, handler: string | undefined, endProvided?: () => void) {
    this.instance = instance;
    this.endProvided = endProvided;
    this.service = isService(handler);
    if (handler === undefined) return;
    const { handle } = instance.exports[handler] as { readonly handle?: Handle };
    if (typeof handle !== 'function') throw new RuntimeError('TENON_RUNTIME_EXPORT', `\`${handler}\` has no function \`handle\``);
    this.handle = handle;
  }

  /** @param signal cancels the task, in 0.3 */
  respond(request: ReceivedRequest, responder: Responder, limits: CallLimits, signal?: AbortSignal): Promise<void> {
    const { handle } = this;
    if (handle === undefined)
      throw new RuntimeError('TENON_RUNTIME_EXPORT', `the component exports neither \`${SERVICE}\` nor \`${HANDLER}\``);
    if (!this.service) return this.instance.within(limits, () => respondTo(handle, request, responder));
    const options = { signal, graceMilliseconds: GRACE_MS };
    return this.instance.within(limits, () => serviceResponse(handle as unknown as ServiceHandle, request, responder, options));
  }

  call(path: readonly string[], args: readonly unknown[], limits: CallLimits): unknown {
    return this.instance.within(limits, (exports) => exportedFunction(exports, path)(...args));
  }

  reset(): boolean {
    return this.instance.reset();
  }

  end(): void {
    this.instance.end();
    this.endProvided?.();
  }
}

/** Finds a function by the name of its interface, if it is in one, and its own: as in WIT or in camel case, interfaces with or without package and version. */
function exportedFunction(exports: Exports, path: readonly string[]): (...args: readonly unknown[]) => unknown {
  const name = path.at(-1) ?? '';
  const [owner] = path.length > 1 ? path : [];
  const members = owner === undefined ? exports : member(exports, owner);
  const found = members === undefined ? undefined : member(members as Exports, name);
  if (typeof found === 'function') return found as (...args: readonly unknown[]) => unknown;
  const known = Object.keys(owner !== undefined && members !== undefined ? (members as Exports) : exports);
  const where = owner !== undefined && members !== undefined ? `\`${owner}\`` : 'the component';
  const others = known.length === 0 ? 'nothing' : known.map((each) => `\`${each}\``).join(', ');
  throw new RuntimeError('TENON_RUNTIME_EXPORT', `no function \`${path.join('.')}\` is exported; ${where} has ${others}`);
}

/** Of an interface that is named without a version, the highest one. */
function newest(exports: Exports, name: string): string | undefined {
  if (name.includes('@')) return undefined;
  const versions = Object.keys(exports).filter((key) => key.replace(/@.*/, '') === name);
  return versions.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
}

function member(exports: Exports, name: string): unknown {
  if (Object.hasOwn(exports, name)) return exports[name];
  const key = /[:/]/.test(name) ? (provider(Object.keys(exports), name) ?? newest(exports, name)) : camelCase(name);
  return key !== undefined && Object.hasOwn(exports, key) ? exports[key] : undefined;
}
