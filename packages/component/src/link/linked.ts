/** A plan bound to what the embedder defined, with its core modules: all that instantiation needs, and shared by all instances. */
import type { PreparedLift, PreparedLower } from '../abi/contract.ts';
import { prepareLift } from '../abi/lift.ts';
import { prepareLower } from '../abi/lower.ts';
import type { HostBinding } from './definitions.ts';
import { at } from './environment.ts';
import { type NamedExport, nameExports } from './export-names.ts';
import type { Plan, PlanLift, Step } from './plan.ts';
import { suspendingInstances } from './suspension.ts';

export class Linked {
  readonly plan: Plan;
  readonly host: HostBinding;
  readonly modules: readonly WebAssembly.Module[];
  readonly adapters: readonly WebAssembly.Module[];
  /** Handles that each component instance may hold; as many as the engine can where nothing is said. */
  readonly maxHandles: number | undefined;
  /** For each component instance, whether a call into it may suspend. */
  readonly suspends: readonly boolean[];
  /** For each host function, its name for messages. */
  readonly hostNames: readonly string[];
  private readonly lifts = new Map<PlanLift, PreparedLift>();
  /** By the slot that each is lowered into. */
  private readonly lowers: (PreparedLower | undefined)[] = [];
  private named: readonly NamedExport[] | undefined;

  constructor(
    plan: Plan,
    host: HostBinding,
    modules: readonly WebAssembly.Module[],
    adapters: readonly WebAssembly.Module[],
    maxHandles?: number,
  ) {
    this.plan = plan;
    this.host = host;
    this.modules = modules;
    this.adapters = adapters;
    this.maxHandles = maxHandles;
    this.suspends = suspendingInstances(plan, host.blocking);
    this.hostNames = plan.hostFunctions.map(({ path }) => path.join('#'));
  }

  /** The plan's exports with their JavaScript names, which are the same for all instances. */
  get exports(): readonly NamedExport[] {
    this.named ??= nameExports(this.plan.exports);
    return this.named;
  }

  lift(lift: PlanLift): PreparedLift {
    let prepared = this.lifts.get(lift);
    if (prepared === undefined) {
      prepared = prepareLift(lift.type, lift.options.encoding);
      this.lifts.set(lift, prepared);
    }
    return prepared;
  }

  lower(step: Extract<Step, { op: 'lower host' }>): PreparedLower {
    let prepared = this.lowers[step.to];
    if (prepared === undefined) {
      prepared = prepareLower(at(this.plan.hostFunctions, step.func, 'host function').type, step.options.encoding);
      this.lowers[step.to] = prepared;
    }
    return prepared;
  }
}
