/**
 * The cases of the host boundary once more, with a fused adapter in the middle: what the embedder gives goes into one guest, from there
 * through the adapter into another, out to a host function, and all the way back.
 */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { type CoreGuest, compileGuest, func, startGuest, u8 } from '../../test/core-guest.ts';
import { passOn } from '../../test/pass-on.ts';
import { VALUE_CASES } from '../../test/value-cases.ts';
import { prepareLift } from '../abi/lift.ts';
import { prepareLower } from '../abi/lower.ts';
import type { StringEncoding } from '../binary/definitions.ts';
import { Trap } from '../errors.ts';
import { flagsMemory } from '../instance/flags.ts';
import type { FuncType, ValType } from '../types/types.ts';
import { ADAPTER_TRAPS, emitAdapters } from './emit.ts';
import type { AdapterImport } from './requests.ts';

let module: WebAssembly.Module;
before(async () => {
  module = await compileGuest();
});

type Core = (...args: unknown[]) => unknown;

interface Side {
  readonly guest: CoreGuest;
  readonly encoding: StringEncoding;
}

/** The core function that `caller` imports for the core function `target` of `callee`. Keys: 0 is the caller's, 1 the callee's. */
function fused(type: FuncType, caller: Side, callee: Side, target: Core): Core {
  const guests = [caller.guest, callee.guest];
  const side = (key: number): CoreGuest => guests[key] as CoreGuest;
  const provide = (item: AdapterImport): WebAssembly.ImportValue => {
    switch (item.kind) {
      case 'memory':
        return side(item.memory).memory;
      case 'realloc':
        return side(item.realloc).func('realloc') as WebAssembly.ExportValue;
      case 'flags memory':
        return flagsMemory;
      case 'flags address':
        return new WebAssembly.Global({ value: 'i32' }, side(item.instance).instance.flagsAddress);
      case 'func':
        return target;
      case 'trap':
        return (code: number) => {
          throw new Trap(ADAPTER_TRAPS[code] ?? 'unknown');
        };
      default:
        throw new Error(`nothing provides ${item.kind}`);
    }
  };
  const { bytes, exports, imports } = emitAdapters([
    {
      type,
      caller: { instance: 0, encoding: caller.encoding, memory: 0, realloc: 0, usesContext: false, mayThrow: false },
      callee: {
        instance: 1,
        encoding: callee.encoding,
        memory: 1,
        realloc: 1,
        usesContext: false,
        mayThrow: false,
        func: 0,
        postReturn: undefined,
      },
      enters: [1],
      name: 'f',
    },
  ]);
  const provided: Record<string, WebAssembly.ModuleImports> = {};
  for (const item of imports) provided[item.module] = { ...provided[item.module], [item.name]: provide(item) };
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), provided).exports[exports[0] ?? ''] as Core;
}

/** @returns a function that passes its argument all the way, and what the host function at the far end got */
function chain(type: ValType, outer: StringEncoding, inner: StringEncoding, padding: number): (value: unknown) => readonly unknown[] {
  const signature = func([type, ...new Array<ValType>(padding).fill(u8)], type);
  const caller: Side = { guest: startGuest(module), encoding: outer };
  const callee: Side = { guest: startGuest(module), encoding: inner };
  let seen: unknown;
  const host = (value: unknown): unknown => {
    seen = value;
    return value;
  };
  const imported = prepareLower(signature, inner).bind(callee.guest.binding('import'), host as never, false) as Core;
  const seam = fused(signature, caller, callee, passOn(callee.guest, signature, imported));
  const exported = prepareLift(signature, outer).bind(
    caller.guest.binding('export'),
    passOn(caller.guest, signature, seam),
    undefined,
    false,
  );
  return (value) => [exported(value, ...new Array(padding).fill(1)), seen];
}

const ENCODINGS = ['utf8', 'utf16', 'latin1+utf16'] as const;

for (const outer of ENCODINGS) {
  for (const inner of ENCODINGS) {
    for (const padding of [0, 16]) {
      describe(`${outer} to ${inner}, ${padding === 0 ? 'flat' : 'spilled'} parameters`, () => {
        for (const { changed = [], name, type, values } of VALUE_CASES) {
          test(name, () => {
            const call = chain(type, outer, inner, padding);
            for (const [given, expected] of [...values.map((value) => [value, value]), ...changed]) {
              assert.deepStrictEqual(call(given), [expected, expected]);
            }
          });
        }
      });
    }
  }
}
