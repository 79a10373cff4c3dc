/**
 * Canonical definitions.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#canonical-definitions
 */
import type { Canon } from '../binary/definitions.ts';
import { sameTypes } from '../types/core-types.ts';
import { flattenFunc } from '../types/layout.ts';
import type { CoreFuncType, CoreValType, FuncType, ValType } from '../types/types.ts';
import { type CanonOptions, checkCallback, checkPostReturn, readOptions, requireForLift, requireForLower } from './canon-options.ts';
import { at, coreFuncAt, coreFuncTypeAt, definedTypeAt, funcAt, optionalValType, resourceAt, typeOfKind } from './lookup.ts';
import type { Scope } from './scope.ts';
import { valInfo } from './type-info.ts';
import type { Validation } from './validation.ts';

const MAX_CONTEXT_SLOTS = 2;

export function addCanon(v: Validation, scope: Scope, canon: Canon): void {
  if (canon.kind === 'lift') {
    v.push(scope.funcs, lift(v, scope, canon), 'functions');
  } else {
    const { params, results } = coreSignature(v, scope, canon);
    v.push(scope.coreFuncs, v.coreTypes.func(params, results), 'functions');
  }
}

const signature = (params: readonly CoreValType[], results: readonly CoreValType[]): CoreFuncType => ({ params, results });
const NOTHING = signature([], []);
const TAKES = signature(['i32'], []);
const GIVES = signature([], ['i32']);
const MAPS = signature(['i32'], ['i32']);

/** The type of the core function that a canonical definition other than `lift` makes. */
function coreSignature(v: Validation, scope: Scope, canon: Exclude<Canon, { kind: 'lift' }>): CoreFuncType {
  switch (canon.kind) {
    case 'lower':
      return lower(v, scope, canon);
    case 'resource.new':
      return signature([localRepresentation(v, scope, canon.type)], ['i32']);
    case 'resource.rep':
      return signature(['i32'], [localRepresentation(v, scope, canon.type)]);
    case 'resource.drop':
      resourceAt(v, scope, canon.type);
      return TAKES;
    case 'task.return':
      return taskReturn(v, scope, canon);
    case 'context.get':
    case 'context.set':
      return context(v, canon);
    case 'stream.new':
    case 'future.new':
      elementOf(v, scope, canon.kind, canon.type);
      return signature([], ['i64']);
    case 'stream.read':
    case 'stream.write':
    case 'future.read':
    case 'future.write':
      return copy(v, scope, canon);
    case 'stream.cancel-read':
    case 'stream.cancel-write':
    case 'future.cancel-read':
    case 'future.cancel-write':
      elementOf(v, scope, canon.kind, canon.type);
      return MAPS;
    case 'stream.drop-readable':
    case 'stream.drop-writable':
    case 'future.drop-readable':
    case 'future.drop-writable':
      elementOf(v, scope, canon.kind, canon.type);
      return TAKES;
    case 'error-context.new':
    case 'error-context.debug-message':
      return errorContext(v, scope, canon);
    case 'waitable-set.wait':
    case 'waitable-set.poll':
      return waitableSet(v, scope, canon.memory);
    case 'thread.new-indirect':
      return newThread(v, scope, canon.type, canon.table);
    case 'backpressure.inc':
    case 'backpressure.dec':
    case 'task.cancel':
      return NOTHING;
    case 'subtask.cancel':
    case 'thread.suspend-then-resume':
    case 'thread.yield-then-resume':
    case 'thread.suspend-then-promote':
    case 'thread.yield-then-promote':
      return MAPS;
    case 'subtask.drop':
    case 'error-context.drop':
    case 'waitable-set.drop':
    case 'thread.resume-later':
      return TAKES;
    case 'waitable-set.new':
    case 'thread.index':
    case 'thread.yield':
    case 'thread.suspend':
      return GIVES;
    case 'waitable.join':
      return signature(['i32', 'i32'], []);
    case 'thread.spawn-ref':
    case 'thread.spawn-indirect':
    case 'thread.available-parallelism':
      throw v.unsupported(`\`${canon.kind}\` requires the shared-everything-threads proposal`);
  }
}

function lift(v: Validation, scope: Scope, canon: Extract<Canon, { kind: 'lift' }>): FuncType {
  const type = typeOfKind(v, scope, canon.type, 'func');
  const core = coreFuncAt(v, scope, canon.func);
  const options = readOptions(v, scope, canon.options);
  checkPostReturn(v, scope, options, core);
  checkCallback(v, scope, options);
  checkAsync(v, options, type);
  requireForLift(v, options, type);
  const expected = flattenFunc(type, 'lift', { async: options.async, callback: options.callback !== undefined, pointer: options.pointer });
  if (!sameTypes(expected.params, core.params)) {
    throw v.error(
      `lowered parameter types \`${debug(expected.params)}\` do not match parameter types \`${debug(core.params)}\` of core function ${canon.func}`,
    );
  }
  if (!sameTypes(expected.results, core.results)) {
    throw v.error(
      `lowered result types \`${debug(expected.results)}\` do not match result types \`${debug(core.results)}\` of core function ${canon.func}`,
    );
  }
  return type;
}

/** Core types as other tools print them in this message. */
const debug = (types: readonly CoreValType[]): string => `[${types.map((type) => type.toUpperCase()).join(', ')}]`;

function lower(v: Validation, scope: Scope, canon: Extract<Canon, { kind: 'lower' }>): CoreFuncType {
  const type = funcAt(v, scope, canon.func);
  const options = readOptions(v, scope, canon.options);
  rejectLiftOptions(v, options);
  checkAsync(v, options, type);
  requireForLower(v, options, type);
  return flattenFunc(type, 'lower', { async: options.async, pointer: options.pointer });
}

function checkAsync(v: Validation, options: CanonOptions, type: FuncType): void {
  if (options.async && !type.async) throw v.error('the `async` canonical option requires an async function type');
}

function rejectLiftOptions(v: Validation, options: CanonOptions): void {
  if (options.postReturn !== undefined) throw v.error('canonical option `post-return` cannot be specified for lowerings');
  if (options.callback !== undefined) throw v.error('canonical option `callback` cannot be specified for lowerings');
}

function rejectAsync(v: Validation, options: CanonOptions, where: string): void {
  if (options.async) throw v.error(`cannot specify \`async\` option on \`${where}\``);
}

function localRepresentation(v: Validation, scope: Scope, index: number): CoreValType {
  const rep = scope.definedResources.get(resourceAt(v, scope, index).resource);
  if (rep === undefined) throw v.error(`type ${index} is not a local resource`);
  return rep;
}

function taskReturn(v: Validation, scope: Scope, canon: Extract<Canon, { kind: 'task.return' }>): CoreFuncType {
  const result = optionalValType(v, scope, canon.result);
  const options = readOptions(v, scope, canon.options);
  if (options.realloc !== undefined) throw v.error('cannot specify `realloc` option on `task.return`');
  if (options.postReturn !== undefined) throw v.error('cannot specify `post-return` option on `task.return`');
  rejectLiftOptions(v, options);
  rejectAsync(v, options, 'task.return');
  const type: FuncType = { params: result === undefined ? [] : [{ name: 'v', type: result }], result: undefined, async: false };
  requireForLower(v, options, type);
  return flattenFunc(type, 'lower', { pointer: options.pointer });
}

function context(v: Validation, canon: Extract<Canon, { kind: 'context.get' | 'context.set' }>): CoreFuncType {
  const { kind, type, index } = canon;
  if (type !== 'i32') throw v.error(`\`${kind}\` only supports \`i32\``);
  if (index >= MAX_CONTEXT_SLOTS) throw v.error(`\`${kind}\` immediate must be zero or one: ${index}`);
  return kind === 'context.get' ? signature([], [type]) : signature([type], []);
}

/** The element type of the stream or future type that a built-in names. */
function elementOf(v: Validation, scope: Scope, builtin: string, index: number): ValType | undefined {
  const kind = builtin.startsWith('stream') ? 'stream' : 'future';
  const type = definedTypeAt(v, scope, index);
  if (type.kind !== kind) throw v.error(`\`${builtin}\` requires a ${kind} type`);
  return type.element;
}

function copy(
  v: Validation,
  scope: Scope,
  canon: Extract<Canon, { kind: 'stream.read' | 'stream.write' | 'future.read' | 'future.write' }>,
): CoreFuncType {
  const element = elementOf(v, scope, canon.kind, canon.type);
  const options = readOptions(v, scope, canon.options);
  const reads = canon.kind.endsWith('read');
  if (element !== undefined && options.memory === undefined) throw v.error('canonical option `memory` is required');
  if (reads && element !== undefined && valInfo(element).containsPointer && options.realloc === undefined) {
    throw v.error('canonical option `realloc` is required');
  }
  rejectLiftOptions(v, options);
  const { pointer } = options;
  return canon.kind.startsWith('stream') ? signature(['i32', pointer, pointer], [pointer]) : signature(['i32', pointer], ['i32']);
}

function errorContext(
  v: Validation,
  scope: Scope,
  canon: Extract<Canon, { kind: 'error-context.new' | 'error-context.debug-message' }>,
): CoreFuncType {
  const options = readOptions(v, scope, canon.options);
  if (options.memory === undefined) throw v.error('canonical option `memory` is required');
  const makes = canon.kind === 'error-context.new';
  if (!makes && options.realloc === undefined) throw v.error('canonical option `realloc` is required');
  rejectAsync(v, options, canon.kind);
  rejectLiftOptions(v, options);
  const { pointer } = options;
  return makes ? signature([pointer, pointer], ['i32']) : signature(['i32', pointer], []);
}

function waitableSet(v: Validation, scope: Scope, memory: number): CoreFuncType {
  const { pointer } = readOptions(v, scope, [{ kind: 'memory', memory }]);
  return signature(['i32', pointer], ['i32']);
}

function newThread(v: Validation, scope: Scope, typeIndex: number, tableIndex: number): CoreFuncType {
  const start = coreFuncTypeAt(v, scope, typeIndex);
  if (start.params.length !== 1 || start.params[0] !== 'i32') throw v.error('start function must take a single `i32` argument (currently)');
  if (start.results.length > 0) throw v.error('start function must not return any values');
  const table = at(v, scope.coreTables, tableIndex, 'table');
  const expected = {
    kind: 'table',
    element: '(ref null func)',
    limits: { min: 0n, max: undefined, shared: false, index64: false },
  } as const;
  const mismatch = v.coreTypes.mismatch(table, expected);
  if (mismatch !== undefined) throw v.error(`table is not a 32-bit table of (ref null (func)): ${mismatch}`);
  return signature(['i32', 'i32'], ['i32']);
}
