/** A plan bound to what the embedder defined, with its core modules: all that instantiation needs, and shared by all instances. */
import type { HostFunction, PreparedLift, PreparedLower } from '../abi/contract.ts';
import { prepareLift } from '../abi/lift.ts';
import { prepareLower } from '../abi/lower.ts';
import type { InstanceLimits } from '../component.ts';
import type { Budget } from '../epoch/budget.ts';
import type { EpochClock } from '../epoch/clock.ts';
import type { Snapshot } from '../epoch/snapshot.ts';
import type { Account } from '../instance/account.ts';
import type { RuntimeResource } from '../instance/state.ts';
import { flattenFunc } from '../types/layout.ts';
import type { CoreFuncType } from '../types/types.ts';
import type { HostBinding } from './definitions.ts';
import { at, defined } from './environment.ts';
import { type NamedExport, nameExports } from './export-names.ts';
import type { Plan, PlanLift, Step } from './plan.ts';
import { suspendingInstances } from './suspension.ts';

type LowerHost = Extract<Step, { op: 'lower host' }>;

/** A host function that is lowered, as far as all instances have it in common. */
interface Lowering {
  readonly lower: PreparedLower;
  readonly host: HostFunction;
  /** For messages. */
  readonly name: string;
  readonly suspends: boolean;
}

/** What instances of rewritten code have in common. */
export interface Epochs {
  readonly clock: EpochClock;
  readonly budget: Budget | undefined;
  /** Whether guests give way to others wherever they compute. */
  readonly yields?: boolean;
  readonly limits: InstanceLimits;
  /** What memories hold in new instances, in the order in which they are made. */
  readonly snapshots: (Snapshot | undefined)[];
}

/** What all have in common that were linked once, whatever the host defines. */
interface Shared {
  readonly lifts: Map<PlanLift, PreparedLift>;
  /** By the slot that each is lowered into. */
  readonly lowers: (PreparedLower | undefined)[];
  named: readonly NamedExport[] | undefined;
}

export class Linked {
  readonly plan: Plan;
  readonly host: HostBinding;
  readonly modules: readonly WebAssembly.Module[];
  readonly adapters: readonly WebAssembly.Module[];
  /** Handles that each component instance may hold; as many as the engine can where nothing is said. */
  readonly maxHandles: number | undefined;
  /** Threads, and tasks that wait to start, which each component instance may have. */
  readonly maxTasks: number | undefined;
  /** Undefined where the code was not rewritten. */
  readonly epochs: Epochs | undefined;
  /** Opens the account of the next instance. */
  readonly openAccount: (() => Account) | undefined;
  /** For each component instance, whether a call into it may suspend. */
  readonly suspends: readonly boolean[];
  /** For each component instance, whether calls into it are tasks. */
  readonly tasks: readonly boolean[];
  /** Resources of the host, by their index in the plan; those of guests are missing. */
  readonly hostResources: readonly RuntimeResource[];
  /** By the slot that each is lowered into. */
  private readonly lowerings: (Lowering | undefined)[] = [];
  private readonly shared: Shared;

  constructor(
    plan: Plan,
    host: HostBinding,
    modules: readonly WebAssembly.Module[],
    adapters: readonly WebAssembly.Module[],
    maxHandles?: number,
    openAccount?: () => Account,
    epochs?: Epochs,
    maxTasks?: number,
    shared: Shared = { lifts: new Map(), lowers: [], named: undefined },
  ) {
    this.plan = plan;
    this.host = host;
    this.modules = modules;
    this.adapters = adapters;
    this.maxHandles = maxHandles;
    this.epochs = epochs;
    this.maxTasks = maxTasks;
    this.openAccount = openAccount;
    this.suspends = epochs?.yields === true ? plan.instances.map(() => true) : suspendingInstances(plan, host.blocking);
    // Where others can run in between, who is held up must be known to the scheduler.
    this.tasks = plan.instances.map((instance, index) => instance.tasks || (plan.concurrent && this.suspends[index] === true));
    this.hostResources = hostResources(plan, host);
    this.shared = shared;
  }

  /** The same with other definitions: whatever does not depend on them is shared. */
  rebound(host: HostBinding, openAccount: Linked['openAccount'] = this.openAccount): Linked {
    const { adapters, epochs, maxHandles, maxTasks, modules, plan, shared } = this;
    return new Linked(plan, host, modules, adapters, maxHandles, openAccount, epochs, maxTasks, shared);
  }

  /** The plan's exports with their JavaScript names, which are the same for all instances. */
  get exports(): readonly NamedExport[] {
    this.shared.named ??= nameExports(this.plan.exports);
    return this.shared.named;
  }

  lift(lift: PlanLift): PreparedLift {
    const { lifts } = this.shared;
    let prepared = lifts.get(lift);
    if (prepared === undefined) {
      prepared = prepareLift(lift.type, lift.options.encoding);
      lifts.set(lift, prepared);
    }
    return prepared;
  }

  /** The core type of what a host function is lowered to. */
  coreTypeOf(step: LowerHost): CoreFuncType {
    return flattenFunc(at(this.plan.hostFunctions, step.func, 'host function').type, 'lower');
  }

  lowering(step: LowerHost): Lowering {
    let lowering = this.lowerings[step.to];
    if (lowering === undefined) {
      const { type, path } = at(this.plan.hostFunctions, step.func, 'host function');
      const { lowers } = this.shared;
      let lower = lowers[step.to];
      if (lower === undefined) {
        lower = prepareLower(type, step.options.encoding);
        lowers[step.to] = lower;
      }
      lowering = {
        lower,
        host: at(this.host.functions, step.func, 'host function'),
        name: path.join('#'),
        suspends: this.host.blocking[step.func] === true,
      };
      this.lowerings[step.to] = lowering;
    }
    return lowering;
  }
}

function hostResources(plan: Plan, host: HostBinding): RuntimeResource[] {
  const resources: RuntimeResource[] = [];
  for (const [index, { kind, name }] of plan.resources.entries()) {
    if (kind === 'guest') continue;
    const constructorFunction = defined(host.classes[index], 'host class');
    resources[index] = { index, name, implementer: undefined, destructor: undefined, constructorFunction };
  }
  return resources;
}
