/** What is tried with an input: decode, validate, compile, link, emit adapters, instantiate what runs no guest code. */
import { Component, type ComponentDefinition, ComponentError, Linker, TenonError } from '@tenon/component';
import { readLeb } from './bytes.ts';
import { disagreement, peerVerdict } from './peer.ts';

/** What became of an input that nothing is wrong with. */
export interface Outcome {
  /** The error's code, or `valid`. */
  readonly verdict: string;
  readonly message: string;
  readonly adapters: number;
  readonly instantiated: boolean;
}

/** The engine did what it must never do. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

type Plan = ReturnType<Component['ownPlan']>;

/** Beyond this a plan is linked, but not also instantiated. */
const MAX_STEPS = 2_000;

/** Longer inputs are not compared with the peer. */
const MAX_COMPARED_BYTES = 16 * 1024;

/**
 * @param compare whether another implementation must come to the same verdict
 * @throws Violation, or whatever the engine threw that is no ComponentError.
 */
export async function examine(bytes: Uint8Array<ArrayBuffer>, compare: boolean): Promise<Outcome> {
  const outcome = await examineAlone(bytes);
  if (compare && bytes.length <= MAX_COMPARED_BYTES) {
    const difference = disagreement(outcome.verdict, outcome.message, await peerVerdict(bytes));
    if (difference !== undefined) throw new Violation(difference);
  }
  return outcome;
}

async function examineAlone(bytes: Uint8Array<ArrayBuffer>): Promise<Outcome> {
  const refused = componentError(bytes, () => Component.validate(bytes));
  const outcome = await compileAndLink(bytes, false);
  const [code, message] = outcome.verdict === 'valid' ? [undefined, 'valid'] : [outcome.verdict, outcome.message];
  if (refused?.code !== code) throw new Violation(`validate says ${refused?.message ?? 'valid'}, compile says ${message}`);
  if (outcome.verdict !== 'valid') return outcome;
  // What is valid is valid rewritten, and links just so. One at a time: each may take what an input may take.
  const again = await compileAndLink(bytes, true);
  if (again.verdict !== 'valid') throw new Violation(`it cannot be made interruptible: ${again.message}`);
  if (again.instantiated !== outcome.instantiated) throw new Violation('it can be instantiated only rewritten, or only as it is');
  return outcome;
}

async function compileAndLink(bytes: Uint8Array<ArrayBuffer>, interruptible: boolean): Promise<Outcome> {
  const compiled = await Component.compile(bytes, { interruptible }).catch((error: unknown) => expected(bytes, error));
  if (compiled instanceof Component) return link(bytes, compiled);
  return { verdict: compiled.code, message: compiled.message, adapters: 0, instantiated: false };
}

function link(bytes: Uint8Array, component: Component): Outcome {
  let plan: Plan | undefined;
  const refused = componentError(bytes, () => {
    plan = component.ownPlan();
  });
  if (plan === undefined) {
    // Components are imported by nothing that can be stubbed.
    if (refused?.code !== 'TENON_UNSUPPORTED' && refused?.code !== 'TENON_IMPORT_MISSING') {
      throw new Violation(`linking a valid component failed: ${refused?.message}`);
    }
    return { verdict: 'valid', message: `not linked: ${refused.message}`, adapters: 0, instantiated: false };
  }
  for (const adapter of plan.adapters) {
    try {
      new WebAssembly.Module(adapter.bytes);
    } catch (error) {
      throw new Violation(`an adapter is not valid: ${error instanceof Error ? error.message : error}`);
    }
  }
  const instantiated = plan.steps.length <= MAX_STEPS && !runsAtStart(bytes, component.definition) && instantiate(component, plan);
  return { verdict: 'valid', message: '', adapters: plan.adapters.length, instantiated };
}

/** No core module may fail to link: validation has seen all types. */
function instantiate(component: Component, plan: Plan): boolean {
  if (plan.modules.some((module) => module.kind === 'host')) return false;
  try {
    stubs(plan).prepareSync(component).instantiateSync();
    return true;
  } catch (error) {
    // Segments out of bounds trap; memories and tables may be too large for this machine.
    if (!(error instanceof TenonError)) throw error;
    if (error instanceof ComponentError && error.code !== 'TENON_IMPORT_MISSING') {
      throw new Violation(`instantiating failed: ${error.message}`, { cause: error });
    }
    return false;
  }
}

/** Something for each import, so that linking goes through. */
function stubs(plan: Plan): Linker {
  const linker = new Linker();
  const own = new Set<string | symbol>([...Object.getOwnPropertyNames(Function.prototype), 'prototype']);
  const anything: object = new Proxy(function stub() {}, { get: (target, key) => (own.has(key) ? Reflect.get(target, key) : anything) });
  const resources = plan.resources.flatMap((resource) => (resource.kind === 'host' ? [resource.path[0]] : []));
  for (const name of new Set([...plan.hostFunctions.map(({ path }) => path[0]), ...resources]))
    linker.define(name, anything, { override: true });
  return linker;
}

/** Whether a core module has a start function: it would run what the input says. */
function runsAtStart(bytes: Uint8Array, definition: ComponentDefinition): boolean {
  return definition.definitions.some((item) => {
    if (item.kind === 'component') return runsAtStart(bytes, item.component);
    if (item.kind !== 'core module') return false;
    for (let at = item.start + 8; at < item.end; ) {
      if (bytes[at] === 8) return true;
      const size = readLeb(bytes, at + 1);
      if (size === undefined) return true;
      at = size.end + size.value;
    }
    return false;
  });
}

function componentError(bytes: Uint8Array, run: () => void): ComponentError | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return expected(bytes, error);
  }
}

/** @throws the error itself, unless it is one that the engine may throw for this input */
function expected(bytes: Uint8Array, error: unknown): ComponentError {
  if (!(error instanceof ComponentError)) throw error;
  if (error.message === '' || /internal error|undefined|\[object/.test(error.message))
    throw new Violation(`unclear message: ${error.message}`);
  if (error.offset !== undefined && !(error.offset >= 0 && error.offset <= bytes.length)) {
    throw new Violation(`offset ${error.offset} is outside of ${bytes.length} bytes: ${error.message}`);
  }
  return error;
}
