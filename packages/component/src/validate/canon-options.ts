/**
 * Canonical options: at most one of each, of the right types, and present where a signature needs them.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#canonopt-validation
 */
import type { CanonOption, StringEncoding } from '../binary/definitions.ts';
import { sameFunc } from '../types/core-types.ts';
import { flatten, flattenParams, MAX_FLAT_ASYNC_PARAMS, MAX_FLAT_PARAMS, MAX_FLAT_RESULTS, type PointerType } from '../types/layout.ts';
import type { CoreFuncType, FuncType } from '../types/types.ts';
import { at, coreFuncAt } from './lookup.ts';
import type { Scope } from './scope.ts';
import { valInfo } from './type-info.ts';
import type { Validation } from './validation.ts';

export interface CanonOptions {
  readonly encoding: StringEncoding;
  readonly memory: number | undefined;
  readonly pointer: PointerType;
  readonly realloc: number | undefined;
  readonly postReturn: number | undefined;
  readonly async: boolean;
  readonly callback: number | undefined;
}

/** Core function indices by option. */
type Functions = Partial<Record<'memory' | 'realloc' | 'post-return' | 'callback', number>>;

export function readOptions(v: Validation, scope: Scope, list: readonly CanonOption[]): CanonOptions {
  let encoding: StringEncoding | undefined;
  let async = false;
  const given: Functions = {};
  for (const option of list) {
    switch (option.kind) {
      case 'string-encoding':
        if (encoding !== undefined) {
          throw v.error(`canonical encoding option \`${display(encoding)}\` conflicts with option \`${display(option.encoding)}\``);
        }
        encoding = option.encoding;
        break;
      case 'async':
        if (async) throw duplicate(v, 'async');
        async = true;
        break;
      default:
        if (given[option.kind] !== undefined) throw duplicate(v, option.kind);
        given[option.kind] = option.kind === 'memory' ? option.memory : option.func;
    }
  }
  const { memory, realloc, callback, 'post-return': postReturn } = given;
  if (memory !== undefined) checkMemory(v, scope, memory);
  if (callback !== undefined && !async) throw v.error('cannot specify callback without async');
  if (postReturn !== undefined && async) throw v.error('cannot specify post-return function in async');
  const pointer = 'i32';
  if (realloc !== undefined) {
    if (memory === undefined) throw v.error('canonical option `realloc` requires `memory` to also be specified');
    const expected: CoreFuncType = { params: [pointer, pointer, pointer, pointer], results: [pointer] };
    if (!sameFunc(coreFuncAt(v, scope, realloc), expected)) throw wrongSignature(v, 'realloc');
  }
  return { encoding: encoding ?? 'utf8', memory, pointer, realloc, postReturn, async, callback };
}

const display = (encoding: StringEncoding): string => (encoding === 'latin1+utf16' ? 'latin1-utf16' : encoding);

const duplicate = (v: Validation, option: string): Error => v.error(`canonical option \`${option}\` is specified more than once`);

const wrongSignature = (v: Validation, option: string): Error =>
  v.error(`canonical option \`${option}\` uses a core function with an incorrect signature`);

function checkMemory(v: Validation, scope: Scope, index: number): void {
  const { limits } = at(v, scope.coreMemories, index, 'memory');
  if (limits.shared) throw v.error('mismatch in the shared flag for memories: the memory of the canonical ABI cannot be shared');
  if (limits.index64) throw v.unsupported('64-bit memories require the `cm64` feature to be enabled');
}

/** `post-return` takes what the core function returns. */
export function checkPostReturn(v: Validation, scope: Scope, options: CanonOptions, core: CoreFuncType): void {
  if (options.postReturn === undefined) return;
  if (!sameFunc(coreFuncAt(v, scope, options.postReturn), { params: core.results, results: [] })) throw wrongSignature(v, 'post-return');
}

export function checkCallback(v: Validation, scope: Scope, options: CanonOptions): void {
  if (options.callback === undefined) return;
  if (!sameFunc(coreFuncAt(v, scope, options.callback), { params: ['i32', 'i32', 'i32'], results: ['i32'] })) {
    throw wrongSignature(v, 'callback');
  }
}

/** Parameters are written into the component, the result is read from it. */
export function requireForLift(v: Validation, options: CanonOptions, type: FuncType): void {
  const writes = type.params.some((param) => valInfo(param.type).containsPointer) || flattenParams(type).length > MAX_FLAT_PARAMS;
  if (writes) requireRealloc(v, options);
  if (type.result === undefined) return;
  const most = options.async ? MAX_FLAT_PARAMS : MAX_FLAT_RESULTS;
  if (valInfo(type.result).containsPointer || flatten(type.result).length > most) requireMemory(v, options);
}

/** Parameters are read from the component, the result is written into it. */
export function requireForLower(v: Validation, options: CanonOptions, type: FuncType): void {
  const most = options.async ? MAX_FLAT_ASYNC_PARAMS : MAX_FLAT_PARAMS;
  const reads = type.params.some((param) => valInfo(param.type).containsPointer) || flattenParams(type).length > most;
  if (reads) requireMemory(v, options);
  if (type.result === undefined) return;
  if (valInfo(type.result).containsPointer) requireRealloc(v, options);
  if (options.async || flatten(type.result).length > MAX_FLAT_RESULTS) requireMemory(v, options);
}

function requireMemory(v: Validation, options: CanonOptions): void {
  if (options.memory === undefined) throw v.error('canonical option `memory` is required');
}

function requireRealloc(v: Validation, options: CanonOptions): void {
  requireMemory(v, options);
  if (options.realloc === undefined) throw v.error('canonical option `realloc` is required');
}
