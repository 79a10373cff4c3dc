/** Every kind of type, in every pair of string encodings, passed through an adapter and compared with the reference. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StringEncoding } from '../binary/definitions.ts';
import { FLAGS_CONTEXT_OFFSET, FLAGS_SLOT_BYTES, MAY_ENTER, MAY_LEAVE } from '../instance/flags.ts';
import { alignment, elemSize, flattenFunc, flattenParams, MAX_FLAT_PARAMS } from '../types/layout.ts';
import type { FuncType, PrimitiveKind, ValType } from '../types/types.ts';
import { ADAPTER_TRAPS, emitAdapters } from './emit.ts';
import { type CoreValue, Guest, liftFlat, load, lowerFlat, store, type Value } from './reference.test.ts';
import type { AdapterRequest } from './requests.ts';

const CALLER = 1;
const CALLEE = 2;
const PARENT = 3;

class AdapterTrap extends Error {}

/** What a test changes of a call. */
interface Setup {
  readonly callerEncoding?: StringEncoding;
  readonly calleeEncoding?: StringEncoding;
  readonly wide?: boolean;
  readonly enters?: readonly number[];
  readonly savesContext?: boolean;
  readonly postReturn?: boolean;
}

type CoreCallee = (call: Call, ...args: CoreValue[]) => CoreValue | undefined;

/** Two guests with an adapter between them. */
class Call {
  readonly caller: Guest;
  readonly callee: Guest;
  readonly flags = new WebAssembly.Memory({ initial: 1 });
  /** What happened, in order. */
  readonly log: string[] = [];
  readonly adapter: (...args: CoreValue[]) => CoreValue | undefined;

  constructor(type: FuncType, setup: Setup, core: CoreCallee) {
    this.caller = new Guest(setup.callerEncoding ?? 'utf8');
    this.callee = new Guest(setup.calleeEncoding ?? 'utf8');
    this.caller.wide = setup.wide ?? false;
    this.callee.wide = setup.wide ?? false;
    const request: AdapterRequest = {
      type,
      caller: { instance: CALLER, encoding: this.caller.encoding, memory: 10, realloc: 11 },
      callee: {
        instance: CALLEE,
        encoding: this.callee.encoding,
        memory: 20,
        realloc: 21,
        func: 22,
        postReturn: setup.postReturn === true ? 23 : undefined,
      },
      enters: setup.enters ?? [CALLEE],
      calleeResources: [],
      savesContext: setup.savesContext ?? false,
      name: 'test:adapter/f',
    };
    for (const instance of [CALLER, CALLEE, PARENT]) this.setFlags(instance, MAY_ENTER | MAY_LEAVE);
    this.setFlags(CALLER, MAY_LEAVE);
    const { bytes, imports, exports } = emitAdapters([request]);
    assert.deepEqual(exports, ['0']);
    const modules: Record<string, Record<string, WebAssembly.ImportValue>> = {};
    for (const entry of imports) {
      modules[entry.module] ??= {};
      const module = modules[entry.module] ?? {};
      assert.equal(module[entry.name], undefined, 'an import is there twice');
      module[entry.name] = this.provide(entry, core);
    }
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), modules);
    this.adapter = instance.exports[exports[0] ?? ''] as Call['adapter'];
  }

  private provide(entry: ReturnType<typeof emitAdapters>['imports'][number], core: CoreCallee): WebAssembly.ImportValue {
    switch (entry.kind) {
      case 'memory':
        return entry.memory === 10 ? this.caller.memory : this.callee.memory;
      case 'flags memory':
        return this.flags;
      case 'flags address':
        return new WebAssembly.Global({ value: 'i32', mutable: false }, entry.instance * FLAGS_SLOT_BYTES);
      case 'func':
        return (...args: CoreValue[]) => {
          this.log.push(`call ${this.flagsText()}`);
          return core(this, ...args);
        };
      case 'realloc': {
        const guest = entry.realloc === 11 ? this.caller : this.callee;
        return (old: number, oldSize: number, align: number, newSize: number) => {
          this.log.push(`realloc ${entry.realloc} ${this.flagsText()}`);
          return guest.realloc(old, oldSize, align, newSize);
        };
      }
      case 'post-return':
        return (...args: CoreValue[]) => void this.log.push(`post-return ${args.join()} ${this.flagsText()}`);
      case 'trap':
        return (code: number) => {
          throw new AdapterTrap(ADAPTER_TRAPS[code]);
        };
      case 'transfer own':
      case 'transfer borrow':
        return (handle: number) => {
          this.log.push(`${entry.kind} ${entry.resource} ${entry.from}>${entry.to}`);
          return handle + 100;
        };
      case 'enter call':
        return () => void this.log.push(`enter ${entry.callee}`);
      case 'exit call':
        return () => void this.log.push('exit');
    }
  }

  setFlags(instance: number, flags: number): void {
    new DataView(this.flags.buffer).setUint32(instance * FLAGS_SLOT_BYTES, flags, true);
  }

  context(instance: number): BigUint64Array {
    return new BigUint64Array(this.flags.buffer, instance * FLAGS_SLOT_BYTES + FLAGS_CONTEXT_OFFSET, 2);
  }

  /** The flags of caller, callee and its parent: E for may enter, L for may leave. */
  flagsText(): string {
    const view = new DataView(this.flags.buffer);
    return [CALLER, CALLEE, PARENT]
      .map((instance) => {
        const flags = view.getUint32(instance * FLAGS_SLOT_BYTES, true);
        return `${(flags & MAY_ENTER) !== 0 ? 'E' : ''}${(flags & MAY_LEAVE) !== 0 ? 'L' : ''}` || '-';
      })
      .join(' ');
  }
}

const p = (kind: PrimitiveKind): ValType => ({ kind });
const list = (element: ValType, length?: number): ValType => ({ kind: 'list', element, length });
const tuple = (...types: ValType[]): ValType => ({ kind: 'tuple', types });
const option = (type: ValType): ValType => ({ kind: 'option', type });
const result = (ok?: ValType, err?: ValType): ValType => ({ kind: 'result', ok, err });
const variant = (...types: (ValType | undefined)[]): ValType => ({
  kind: 'variant',
  cases: types.map((type, i) => ({ name: `c${i}`, type })),
});
const flags = (count: number): ValType => ({ kind: 'flags', names: Array.from({ length: count }, (_, i) => `f${i}`) });
const enumeration = (count: number): ValType => ({ kind: 'enum', names: Array.from({ length: count }, (_, i) => `e${i}`) });
const func = (params: readonly ValType[], returns?: ValType): FuncType => ({
  params: params.map((type, i) => ({ name: `p${i}`, type })),
  result: returns,
  async: false,
});

/** Passes the values as parameters, and a value as the result; checks that the other side got equal ones. */
function roundTrip(types: readonly ValType[], values: readonly Value[], setup: Setup = {}): Call {
  // The values go there as parameters and come back as one tuple; a lone value comes back as itself.
  const returned = types.length === 1 ? (types[0] as ValType) : tuple(...types);
  const returnedValue: Value = types.length === 1 ? values[0] : values;
  const type = func(types, returned);
  const lifted = flattenFunc(type, 'lift');
  const lowered = flattenFunc(type, 'lower');
  const params = tuple(...types);
  const spilledParams = flattenParams(type).length > MAX_FLAT_PARAMS;
  const call = new Call(type, setup, ({ callee }, ...args) => {
    const seen = spilledParams ? load(callee, params, Number(args[0]) >>> 0) : types.map((t) => liftFlat(callee, t, args));
    assert.deepEqual(seen, values);
    if (lowered.results.length === lifted.results.length) {
      const [flat] = lowerFlat(callee, returned, returnedValue);
      return flat;
    }
    const pointer = callee.allocate(alignment(returned), elemSize(returned));
    store(callee, returned, returnedValue, pointer);
    return pointer;
  });
  const { caller } = call;
  const args: CoreValue[] = [];
  if (spilledParams) {
    const pointer = caller.allocate(alignment(params), elemSize(params));
    store(caller, params, values, pointer);
    args.push(pointer);
  } else args.push(...types.flatMap((t, i) => lowerFlat(caller, t, values[i])));
  if (lowered.results.length < lifted.results.length) {
    const pointer = caller.allocate(alignment(returned), elemSize(returned));
    call.adapter(...args, pointer);
    assert.deepEqual(load(caller, returned, pointer), returnedValue);
  } else {
    const answer = call.adapter(...args);
    assert.deepEqual(liftFlat(caller, returned, [answer ?? 0]), returnedValue);
  }
  assert.equal(call.flagsText(), 'L EL EL');
  return call;
}

const POINT = tuple(p('f32'), p('f32'));
const DEEP = option(result(list(option(variant(p('u8'), p('f64'), p('string'), tuple(p('s16'), p('char'))))), p('bool')));

const CASES: readonly (readonly [string, ...(readonly [ValType, ...Value[]])[]])[] = [
  ['integers', [p('u8'), 0, 255], [p('s8'), -128, 127], [p('u16'), 65535], [p('s16'), -32768], [p('u32'), 2 ** 32 - 1], [p('s32'), -(2 ** 31)]],
  ['long integers', [p('u64'), 2n ** 64n - 1n], [p('s64'), -(2n ** 63n)]],
  ['floats', [p('f32'), 1.5, -0, Number.POSITIVE_INFINITY], [p('f64'), Math.PI, Number.NaN]],
  ['bool and char', [p('bool'), true, false], [p('char'), 'a', '\0', '\ud7ff', '\ue000', '\u{10ffff}']],
  ['flags', [flags(1), 1], [flags(3), 5], [flags(8), 0xa5], [flags(9), 0x1ff], [flags(16), 0xffff], [flags(32), 0xffffffff]],
  ['enums', [enumeration(1), [0, undefined]], [enumeration(3), [2, undefined]], [enumeration(256), [255, undefined]], [enumeration(300), [299, undefined]]],
  ['numeric lists', [list(p('u8')), [], [1, 2, 3]], [list(p('s16')), [-1, 2]], [list(p('f64')), [0.5, Number.NaN]], [list(p('u64')), [1n, 2n ** 60n]]],
  ['checked lists', [list(p('bool')), [true, false, true]], [list(p('char')), ['a', '☃', '🍰']], [list(flags(3)), [7, 2]]],
  ['records', [tuple(p('u8'), p('u32'), p('u16')), [1, 2, 3]], [POINT, [1.5, -2.5]], [tuple(p('u32'), p('string'), p('s64')), [1, 'x', 2n]]],
  ['lists of records', [list(POINT), [[1, 2], [3, 4]]], [list(tuple(p('u8'), p('u64'))), [[1, 2n], [3, 4n]]], [list(list(p('u16'))), [[1, 2], [], [3]]]],
  ['options', [option(p('u32')), [0, undefined], [1, 7]], [option(option(p('f32'))), [1, [1, 1.5]], [1, [0, undefined]]], [option(p('string')), [1, 'ho']]],
  ['results', [result(), [0, undefined], [1, undefined]], [result(p('u64'), p('f32')), [0, 9n], [1, 1.25]], [result(undefined, p('string')), [1, 'bad']]],
  ['joined variants', [variant(p('f32'), p('u64'), undefined, p('f64'), p('s8')), [0, 1.5], [1, 2n ** 63n], [2, undefined], [3, 2.5], [4, -3]]],
  ['nested joins', [variant(option(p('f32')), tuple(p('u8'), p('f64')), result(p('s64'), p('f32'))), [0, [1, 1.5]], [1, [200, -2.5]], [2, [0, -4n]], [2, [1, 0.5]]]],
  ['variants with text', [variant(p('string'), list(p('u32')), p('f64')), [0, 'text'], [1, [1, 2]], [2, 0.5]]],
  ['wide variants', [variant(...Array.from({ length: 300 }, (_, i) => (i % 2 === 0 ? p('u32') : undefined))), [298, 7], [299, undefined]]],
  ['fixed-length lists', [list(p('u8'), 3), [1, 2, 3]], [list(p('u8'), 37), Array.from({ length: 37 }, (_, i) => i)], [list(p('bool'), 6), [true, false, true, true, false, false]]],
  ['fixed-length lists of text', [list(p('string'), 2), ['a', 'bc']], [list(p('string'), 7), ['a', 'bc', '', 'd', 'e', 'f', 'g']], [list(p('u64'), 20), Array.from({ length: 20 }, (_, i) => BigInt(i))]],
  ['maps', [{ kind: 'map', key: p('string'), value: p('u32') }, [['a', 1], ['b', 2]]], [{ kind: 'map', key: p('u32'), value: list(p('string')) }, [[1, ['x']]]]],
  ['text', [p('string'), '', 'a', 'hello, world', 'grüße', '☃☺️öツ', 'x'.repeat(100), `${'x'.repeat(70)}é${'y'.repeat(70)}`, `${'ab'.repeat(33)}🍰`, 'ÿ'.repeat(40)]],
  ['lists of text', [list(p('string')), ['', 'a', 'ü', '☃', '🍰'.repeat(9)]], [list(tuple(p('string'), p('bool'))), [['x', true], ['y', false]]]],
  ['deep types', [DEEP, [0, undefined], [1, [1, true]], [1, [0, [[0, undefined], [1, [2, 'deep ☃']], [1, [3, [-5, '🍰']]], [1, [1, 0.5]]]]]]],
  ['big records', [tuple(...Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? p('u32') : p('string')))), Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? i : `s${i}`))]],
  ['outlined types', [list(tuple(...Array.from({ length: 40 }, () => DEEP))), [Array.from({ length: 40 }, () => [1, [0, [[1, [2, 'x']]]]] as Value)]]],
]; // biome-ignore format: a table

const ENCODINGS: readonly StringEncoding[] = ['utf8', 'utf16', 'latin1+utf16'];

describe('values arrive as they were sent', () => {
  for (const [name, ...rows] of CASES) {
    test(name, () => {
      for (const callerEncoding of ENCODINGS) {
        for (const calleeEncoding of ENCODINGS) {
          for (const wide of [false, true]) {
            const setup = { callerEncoding, calleeEncoding, wide };
            for (const [type, ...values] of rows) {
              for (const value of values) roundTrip([type], [value], setup);
              roundTrip([p('u8'), type, p('f64')], [1, values[0], 0.5], setup);
            }
            roundTrip(
              rows.map(([type]) => type),
              rows.map(([, value]) => value),
              setup,
            );
          }
        }
      }
    });
  }
});
