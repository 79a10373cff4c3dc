/**
 * Canonical definitions, as the linker sees them: which function stands behind each.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#canonical-definitions
 */
import type { AdapterSide } from '../adapter/requests.ts';
import type { Canon, CanonOption } from '../binary/definitions.ts';
import type { FuncType, ValType } from '../types/types.ts';
import { at, type CanonOptions, type CoreItem, type Environment, type FuncValue } from './environment.ts';
import type { CanonSlots, PlanBuiltin } from './plan.ts';
import type { PlanBuilder } from './plan-builder.ts';
import { asyncValueIn, valType } from './types.ts';

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
    callback: func(option('callback')?.func),
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
export function lift(builder: PlanBuilder, env: Environment, canon: Extract<Canon, { kind: 'lift' }>): FuncValue {
  const type = at(env.types, canon.type, 'type');
  if (type.kind !== 'func') throw new Error(`internal error: type ${canon.type} is no function type after validation`);
  if (isConcurrent(type.type)) builder.needsTasks(env.instance);
  return {
    kind: 'lifted',
    type: type.type,
    core: at(env.coreFuncs, canon.func, 'core func'),
    options: canonOptions(env, canon.options),
    instance: env.instance,
  };
}

/** Whether a function can only be called as a task. */
const isConcurrent = (type: FuncType): boolean => type.async || asyncValueIn(type) !== undefined;

/** Every canonical definition that makes a core function. */
export function canonFunc(builder: PlanBuilder, env: Environment, canon: Exclude<Canon, { kind: 'lift' }>): CoreItem {
  const { instance } = env;
  switch (canon.kind) {
    case 'lower':
      return lower(builder, env, at(env.funcs, canon.func, 'func'), canonOptions(env, canon.options));
    case 'resource.new':
    case 'resource.rep':
    case 'resource.drop': {
      const type = at(env.types, canon.type, 'type');
      if (type.kind !== 'resource') throw new Error(`internal error: type ${canon.type} is no resource after validation`);
      const { resource } = type;
      const { kind } = canon as Extract<Split<Canon>, { kind: TypedResource }>;
      return builder.builtin(() => ({ kind, resource }), instance, { destroys: kind === 'resource.drop' ? resource : undefined });
    }
    case 'context.get':
    case 'context.set':
      return builder.builtin(() => ({ kind: canon.kind, type: canon.type === 'i64' ? 'i64' : 'i32', index: canon.index }), instance);
    case 'thread.spawn-ref':
    case 'thread.spawn-indirect':
    case 'thread.available-parallelism':
      throw new Error(`internal error: ${canon.kind} after validation`);
    default:
      builder.needsTasks(instance);
      return builder.builtin(() => concurrent(env, canon as Concurrent), instance, { waits: waits(canon as Concurrent) });
  }
}

/** One type for each kind, where several are written as one. */
type Split<T extends { readonly kind: string }> = T extends unknown ? { [K in T['kind']]: T & { readonly kind: K } }[T['kind']] : never;

type Concurrent = Exclude<
  Split<Canon>,
  {
    kind:
      | 'lift'
      | 'lower'
      | TypedResource
      | 'context.get'
      | 'context.set'
      | 'thread.spawn-ref'
      | 'thread.spawn-indirect'
      | 'thread.available-parallelism';
  }
>;
type TypedResource = 'resource.new' | 'resource.rep' | 'resource.drop';

/** Whether a built-in of concurrency may block its thread. */
function waits(canon: Concurrent): boolean {
  switch (canon.kind) {
    case 'waitable-set.wait':
    case 'thread.yield':
    case 'thread.suspend':
    case 'thread.suspend-then-resume':
    case 'thread.yield-then-resume':
    case 'thread.suspend-then-promote':
    case 'thread.yield-then-promote':
      return true;
    case 'subtask.cancel':
    case 'stream.cancel-read':
    case 'stream.cancel-write':
    case 'future.cancel-read':
    case 'future.cancel-write':
      return !canon.async;
    case 'stream.read':
    case 'stream.write':
    case 'future.read':
    case 'future.write':
      return !canon.options.some(({ kind }) => kind === 'async');
    default:
      return false;
  }
}

/** A built-in of concurrency with its types and slots in place of indices. */
function concurrent(env: Environment, canon: Concurrent): PlanBuiltin {
  switch (canon.kind) {
    case 'task.return':
      return {
        kind: canon.kind,
        result: canon.result === undefined ? undefined : valType(env, canon.result),
        options: canonSlots(canonOptions(env, canon.options)),
      };
    case 'stream.new':
    case 'stream.drop-readable':
    case 'stream.drop-writable':
    case 'future.new':
    case 'future.drop-readable':
    case 'future.drop-writable':
      return { kind: canon.kind, element: elementOf(env, canon.type) };
    case 'stream.read':
    case 'stream.write':
    case 'future.read':
    case 'future.write': {
      const options = canonOptions(env, canon.options);
      return { kind: canon.kind, element: elementOf(env, canon.type), options: canonSlots(options), async: options.async };
    }
    case 'stream.cancel-read':
    case 'stream.cancel-write':
    case 'future.cancel-read':
    case 'future.cancel-write':
      return { kind: canon.kind, element: elementOf(env, canon.type), async: canon.async };
    case 'error-context.new':
    case 'error-context.debug-message':
      return { kind: canon.kind, options: canonSlots(canonOptions(env, canon.options)) };
    case 'waitable-set.wait':
    case 'waitable-set.poll':
      return { kind: canon.kind, cancellable: canon.cancellable, memory: at(env.coreMemories, canon.memory, 'core memory').slot() };
    case 'thread.new-indirect':
      return { kind: canon.kind, table: at(env.coreTables, canon.table, 'core table').slot() };
    default:
      return canon;
  }
}

/** The element type of a stream or future type. */
function elementOf(env: Environment, index: number): ValType | undefined {
  const type = at(env.types, index, 'type');
  if (type.kind !== 'value' || (type.type.kind !== 'stream' && type.type.kind !== 'future')) {
    throw new Error(`internal error: type ${index} is no stream or future after validation`);
  }
  return type.type.element;
}

/** `canon lower`: a host function behind lift and lower, or another component's function behind a fused adapter if it needs one. */
function lower(builder: PlanBuilder, env: Environment, func: FuncValue, options: CanonOptions): CoreItem {
  const { instance } = env;
  const asTask = isConcurrent(func.type);
  if (asTask) builder.needsTasks(instance);
  const waits = func.type.async && !options.async;
  if (func.kind === 'host') {
    if (!asTask) return builder.lowerHost(func.func, () => canonSlots(options), instance);
    return builder.lowerHostTask(func, () => ({ options: canonSlots(options), async: options.async }), instance, waits);
  }
  return builder.call(func, instance, waits, {
    task: () => ({ options: canonSlots(options), async: options.async }),
    adapter: () => {
      const callee = func.options;
      return {
        type: func.type,
        caller: { ...side(builder, instance), ...canonSlots(options) },
        callee: {
          ...side(builder, func.instance),
          ...canonSlots(callee),
          func: func.core.slot(),
          postReturn: callee.postReturn?.slot(),
        },
        name: `${builder.instancePath(func.instance)}`,
      };
    },
  });
}

const side = (builder: PlanBuilder, instance: number): Pick<AdapterSide, 'instance' | 'usesContext' | 'mayThrow'> => ({
  instance,
  usesContext: builder.usesContext(instance),
  mayThrow: builder.mayThrow(instance),
});
