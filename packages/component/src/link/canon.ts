/**
 * Canonical definitions, as the linker sees them: which function stands behind each.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#canonical-definitions
 */
import type { AdapterSide } from '../adapter/requests.ts';
import type { Canon, CanonOption } from '../binary/definitions.ts';
import { ComponentError } from '../errors.ts';
import type { FuncType } from '../types/types.ts';
import { at, type CanonOptions, type CoreItem, type Environment, type FuncValue } from './environment.ts';
import type { CanonSlots } from './plan.ts';
import type { PlanBuilder } from './plan-builder.ts';
import { asyncValueIn } from './types.ts';

function canonOptions(env: Environment, declared: readonly CanonOption[]): CanonOptions {
  const option = <K extends CanonOption['kind']>(kind: K): Extract<CanonOption, { kind: K }> | undefined =>
    declared.find((o): o is Extract<CanonOption, { kind: K }> => o.kind === kind);
  const func = (index: number | undefined): CoreItem | undefined =>
    index === undefined ? undefined : at(env.coreFuncs, index, 'core func');
  const memory = option('memory')?.memory;
  return {
    encoding: option('string-encoding')?.encoding ?? 'utf8',
    memory: memory === undefined ? undefined : at(env.coreMemories, memory, 'core memory'),
    realloc: func(option('realloc')?.func),
    postReturn: func(option('post-return')?.func),
    async: option('async') !== undefined,
    declared,
  };
}

const canonSlots = (options: CanonOptions): CanonSlots => ({
  encoding: options.encoding,
  memory: options.memory?.slot(),
  realloc: options.realloc?.slot(),
});

/** `canon lift` */
export function lift(env: Environment, canon: Extract<Canon, { kind: 'lift' }>): FuncValue {
  const type = at(env.types, canon.type, 'type');
  if (type.kind !== 'func') throw new Error(`internal error: type ${canon.type} is no function type after validation`);
  return {
    kind: 'lifted',
    type: type.type,
    core: at(env.coreFuncs, canon.func, 'core func'),
    options: canonOptions(env, canon.options),
    instance: env.instance,
  };
}

/** Every canonical definition that makes a core function. What only concurrency can run is refused when it is called. */
export function canonFunc(builder: PlanBuilder, env: Environment, canon: Exclude<Canon, { kind: 'lift' }>): CoreItem {
  switch (canon.kind) {
    case 'lower':
      return lower(builder, env, at(env.funcs, canon.func, 'func'), canonOptions(env, canon.options));
    case 'resource.new':
    case 'resource.rep':
    case 'resource.drop': {
      const type = at(env.types, canon.type, 'type');
      if (type.kind !== 'resource') throw new Error(`internal error: type ${canon.type} is no resource after validation`);
      return builder.builtin({ kind: canon.kind, resource: type.resource }, env.instance);
    }
    case 'context.get':
    case 'context.set':
      return builder.builtin({ kind: canon.kind, type: canon.type === 'i64' ? 'i64' : 'i32', index: canon.index }, env.instance);
    case 'backpressure.inc':
    case 'backpressure.dec':
      return builder.builtin({ kind: canon.kind }, env.instance);
    default:
      return builder.builtin({ kind: 'unsupported', name: canon.kind }, env.instance);
  }
}

function needs(what: string): ComponentError {
  return new ComponentError('TENON_UNSUPPORTED', `the component needs ${what}, which belongs to the asynchronous Canonical ABI`);
}

/** Refuses what only the asynchronous ABI can call. */
export function requireSync(type: FuncType, options: CanonOptions | undefined): void {
  if (type.async) throw needs('an async function type');
  if (options?.async === true) throw needs('the canonical option async');
  const value = asyncValueIn(type);
  if (value !== undefined) throw needs(`values of type ${value}`);
}

/** `canon lower`: a host function behind lift and lower, or another component's function behind a fused adapter if it needs one. */
function lower(builder: PlanBuilder, env: Environment, func: FuncValue, options: CanonOptions): CoreItem {
  if (func.kind === 'host') {
    return builder.lowerHost(
      func.func,
      () => {
        requireSync(func.type, options);
        return canonSlots(options);
      },
      env.instance,
    );
  }
  return builder.call(func.instance, env.instance, () => {
    requireSync(func.type, options);
    requireSync(func.type, func.options);
    const callee = func.options;
    return {
      type: func.type,
      caller: { ...side(builder, env.instance), ...canonSlots(options) },
      callee: {
        ...side(builder, func.instance),
        ...canonSlots(callee),
        func: func.core.slot(),
        postReturn: callee.postReturn?.slot(),
      },
      name: `${builder.instancePath(func.instance)}`,
    };
  });
}

const side = (builder: PlanBuilder, instance: number): Pick<AdapterSide, 'instance' | 'usesContext' | 'mayThrow'> => ({
  instance,
  usesContext: builder.usesContext(instance),
  mayThrow: builder.mayThrow(instance),
});
