/** Every kind of type, in every pair of string encodings, passed through an adapter and compared with the reference. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { carriedBy, uncatchable } from '../abi/traps.ts';
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
  readonly usesContext?: boolean;
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
    const { usesContext = false } = setup;
    const request: AdapterRequest = {
      type,
      caller: { instance: CALLER, encoding: this.caller.encoding, memory: 10, realloc: 11, usesContext, mayThrow: false },
      callee: {
        instance: CALLEE,
        encoding: this.callee.encoding,
        memory: 20,
        realloc: 21,
        usesContext,
        mayThrow: false,
        func: 22,
        postReturn: setup.postReturn === true ? 23 : undefined,
      },
      enters: setup.enters ?? [CALLEE],
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
    const adapter = instance.exports[exports[0] ?? ''] as Call['adapter'];
    this.adapter = (...args) => {
      try {
        return adapter(...args);
      } catch (error) {
        throw carriedBy(error);
      }
    };
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
          throw uncatchable(new AdapterTrap(ADAPTER_TRAPS[code]));
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

test('scalars are narrowed, and bools and flags normalised, whatever the caller passes', () => {
  const rows: readonly (readonly [ValType, CoreValue, CoreValue])[] = [
    [p('u8'), 0x1ff, 0xff],
    [p('s8'), 0x180, -128],
    [p('u16'), -1, 0xffff],
    [p('s16'), 0x18000, -32768],
    [p('bool'), 256, 1],
    [p('bool'), 0, 0],
    [flags(3), 0xff, 7],
    [flags(32), -1, -1],
  ];
  for (const [type, passed, expected] of rows) {
    const call = new Call(func([type], type), {}, (_, value) => {
      assert.equal(value, expected);
      return passed;
    });
    assert.equal(call.adapter(passed), expected);
  }
});

test('scalars in memory are narrowed and normalised', () => {
  const type = tuple(p('bool'), flags(3), p('bool'));
  const call = new Call(func([list(type)]), {}, ({ callee }, pointer, length) => {
    assert.deepEqual([...callee.bytes.slice(Number(pointer), Number(pointer) + 3 * Number(length))], [1, 7, 0, 0, 1, 1]);
    return undefined;
  });
  call.caller.bytes.set([255, 0xff, 0, 0, 0x11, 2], 16);
  call.adapter(16, 2);
});

describe('strings', () => {
  /** What the callee's realloc sees, for a text in both encodings. The callee's realloc answers 64, then 128, … */
  const rows: readonly (readonly [StringEncoding, StringEncoding, string, readonly (readonly number[])[], { wide?: boolean }?])[] = [
    ['utf8', 'utf8', 'hé', [[0, 0, 1, 3]]],
    ['utf16', 'utf16', 'hé', [[0, 0, 2, 4]]],
    ['utf8', 'utf16', 'hey', [[0, 0, 2, 6]]],
    ['utf8', 'utf16', 'hé', [[0, 0, 2, 6], [64, 6, 2, 4]]],
    ['utf16', 'utf8', 'hey', [[0, 0, 1, 3]]],
    ['utf16', 'utf8', 'hé', [[0, 0, 1, 2], [64, 2, 1, 6], [128, 6, 1, 3]]],
    ['utf16', 'utf8', '☃', [[0, 0, 1, 1], [64, 1, 1, 3]]],
    ['latin1+utf16', 'utf8', 'hey', [[0, 0, 1, 3]]],
    ['latin1+utf16', 'utf8', 'hé', [[0, 0, 1, 2], [64, 2, 1, 4], [128, 4, 1, 3]]],
    ['latin1+utf16', 'utf8', 'é', [[0, 0, 1, 1], [64, 1, 1, 2]]],
    ['latin1+utf16', 'utf8', 'h☃', [[0, 0, 1, 2], [64, 2, 1, 6], [128, 6, 1, 4]]],
    ['latin1+utf16', 'utf16', 'hé', [[0, 0, 2, 4]]],
    ['latin1+utf16', 'utf16', 'h☃', [[0, 0, 2, 4]]],
    ['utf8', 'latin1+utf16', 'hey', [[0, 0, 2, 3]]],
    ['utf8', 'latin1+utf16', 'hé', [[0, 0, 2, 3], [64, 3, 2, 2]]],
    ['utf8', 'latin1+utf16', 'hé☃', [[0, 0, 2, 6], [64, 6, 2, 12], [128, 12, 2, 6]]],
    ['utf16', 'latin1+utf16', 'hé', [[0, 0, 2, 2]]],
    ['utf16', 'latin1+utf16', 'hé☃', [[0, 0, 2, 3], [64, 3, 2, 6]]],
    ['latin1+utf16', 'latin1+utf16', 'hé', [[0, 0, 2, 2]]],
    ['latin1+utf16', 'latin1+utf16', 'hé', [[0, 0, 2, 4], [64, 4, 1, 2]], { wide: true }],
    ['latin1+utf16', 'latin1+utf16', 'h☃', [[0, 0, 2, 4]]],
    ['utf8', 'utf8', '', [[0, 0, 1, 0]]],
    ['utf16', 'latin1+utf16', '', [[0, 0, 2, 0]]],
  ]; // biome-ignore format: a table
  for (const [callerEncoding, calleeEncoding, text, reallocs, extra] of rows) {
    test(`${callerEncoding} to ${calleeEncoding} ${JSON.stringify(text)}${extra?.wide === true ? ', wide' : ''}`, () => {
      const call = new Call(func([p('string')]), { callerEncoding, calleeEncoding, ...extra }, ({ callee }, ...args) => {
        assert.deepEqual(liftFlat(callee, p('string'), args), text);
        return undefined;
      });
      call.callee.onRealloc = (old, oldSize) => {
        const pointer = 64 * call.callee.reallocs.length;
        call.callee.bytes.copyWithin(pointer, old, old + oldSize);
        return pointer;
      };
      call.adapter(...lowerFlat(call.caller, p('string'), text));
      assert.deepEqual(call.callee.reallocs, reallocs);
    });
  }

  test('every character, at every distance from plain text, in every pair of encodings', () => {
    const points = [0, 0x7f, 0x80, 0xff, 0x100, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff];
    for (const callerEncoding of ENCODINGS) {
      for (const calleeEncoding of ENCODINGS) {
        let sent = '';
        const call = new Call(func([p('string')]), { callerEncoding, calleeEncoding }, ({ callee }, ...args) => {
          assert.equal(liftFlat(callee, p('string'), args), sent);
          return undefined;
        });
        for (const before of [0, 1, 5, 15, 16, 17, 31, 32, 47, 63, 64, 100]) {
          for (const after of [0, 1, 16, 70]) {
            for (const point of points) {
              sent = 'a'.repeat(before) + String.fromCodePoint(point) + 'b'.repeat(after);
              call.adapter(...lowerFlat(call.caller, p('string'), sent));
            }
          }
        }
      }
    }
  });

  const INVALID_UTF8: readonly (readonly number[])[] = [
    [0x80], [0xbf], [0xc0, 0x80], [0xc1, 0xbf], [0xc3], [0xc3, 0x41], [0xc3, 0xc3], [0xe0, 0x9f, 0x80], [0xe0, 0xa0], [0xe2, 0x98], [0xe2, 0x28, 0xa1],
    [0xe2, 0x98, 0x41], [0xed, 0xa0, 0x80], [0xed, 0xbf, 0xbf], [0xf0, 0x8f, 0xbf, 0xbf], [0xf0, 0x9f, 0x8d], [0xf0, 0x9f, 0x41, 0xb0], [0xf4, 0x90, 0x80, 0x80],
    [0xf5, 0x80, 0x80, 0x80], [0xff], [0xfe], [0xf8, 0x88, 0x80, 0x80, 0x80], [0xc3, 0xa9, 0xa9],
  ]; // biome-ignore format: a table

  test('bytes that are not UTF-8 trap, wherever they stand', () => {
    for (const calleeEncoding of ENCODINGS) {
      let called = false;
      const call = new Call(func([p('string')]), { calleeEncoding }, () => {
        called = true;
        return undefined;
      });
      for (const before of [
        '',
        'a',
        'a'.repeat(14),
        'a'.repeat(15),
        'é'.repeat(8),
        'a'.repeat(63),
        'a'.repeat(64),
        `${'☃'.repeat(20)}abcd`,
        'a'.repeat(130),
      ]) {
        for (const after of ['', 'b', 'b'.repeat(15), 'é'.repeat(33), 'b'.repeat(64)]) {
          for (const bytes of INVALID_UTF8) {
            const all = [...new TextEncoder().encode(before), ...bytes, ...new TextEncoder().encode(after)];
            call.caller.bytes.set(all, 4096);
            for (const instance of [CALLEE, PARENT]) call.setFlags(instance, MAY_ENTER | MAY_LEAVE);
            assert.throws(
              () => call.adapter(4096, all.length),
              { message: 'wasm trap: invalid utf8 encoding' },
              `${before} ${bytes} ${after}`,
            );
          }
        }
      }
      assert.equal(called, false);
    }
  });

  test('text at the very start of memory', () => {
    for (const bytes of [[0xc3, 0xa9], [0x61, 0xf0, 0x9f, 0x8d, 0xb0], ...INVALID_UTF8]) {
      const valid = Buffer.from(bytes).toString().indexOf('\ufffd') < 0;
      const call = new Call(func([p('string')]), {}, ({ callee }, ...args) => {
        assert.equal(liftFlat(callee, p('string'), args), Buffer.from(bytes).toString());
        return undefined;
      });
      call.caller.bytes.set(bytes, 0);
      if (valid) call.adapter(0, bytes.length);
      else assert.throws(() => call.adapter(0, bytes.length), { message: 'wasm trap: invalid utf8 encoding' });
    }
  });

  test('surrogates that are no pair trap, wherever they stand', () => {
    for (const calleeEncoding of ENCODINGS) {
      const call = new Call(func([p('string')]), { callerEncoding: 'utf16', calleeEncoding }, () => undefined);
      for (const before of ['', 'a', 'a'.repeat(7), 'a'.repeat(16), 'é'.repeat(9), '☃'.repeat(20)]) {
        for (const after of ['', 'b', 'b'.repeat(15), '☃'.repeat(33)]) {
          for (const bad of ['\ud800', '\udbff', '\udc00', '\udfff', '\udc00\ud800', '\ud800\ud800', '\ud800a']) {
            for (const instance of [CALLEE, PARENT]) call.setFlags(instance, MAY_ENTER | MAY_LEAVE);
            const args = lowerFlat(call.caller, p('string'), before + bad + after);
            assert.throws(() => call.adapter(...args), { message: 'wasm trap: invalid utf16 encoding' });
          }
        }
      }
    }
  });
});

describe('traps', () => {
  const BIG = tuple(...Array.from({ length: 17 }, () => p('u32')));
  const SPILLED = tuple(p('u32'), p('u32'));
  interface Row extends Setup {
    readonly type: FuncType;
    readonly args?: readonly CoreValue[];
    readonly returns?: CoreValue;
    /** What the callee's realloc returns. */
    readonly realloc?: number;
    readonly message: string;
  }
  const rows: Readonly<Record<string, Row>> = {
    'a char in the surrogates': { type: func([p('char')]), args: [0xd800], message: 'invalid `char` bit pattern' },
    'the last surrogate': { type: func([p('char')]), args: [0xdfff], message: 'invalid `char` bit pattern' },
    'a char too large': { type: func([p('char')]), args: [0x110000], message: 'invalid `char` bit pattern' },
    'a char far too large': { type: func([], p('char')), returns: -1, message: 'invalid `char` bit pattern' },
    'an enum': { type: func([enumeration(2)]), args: [2], message: 'invalid variant discriminant' },
    'an enum that is returned': { type: func([], enumeration(2)), returns: 2, message: 'invalid variant discriminant' },
    'a variant': { type: func([variant(p('u32'))]), args: [1, 0], message: 'invalid variant discriminant' },
    'an option': { type: func([option(p('u32'))]), args: [2, 0], message: 'invalid variant discriminant' },
    'a list too long': { type: func([list(p('u8'))]), args: [0, 2 ** 28], message: 'list content out-of-bounds' },
    'a list whose length overflows': { type: func([list(p('u32'))]), args: [0, 2 ** 30], message: 'list content out-of-bounds' },
    'a list that leaves memory': { type: func([list(p('u8'))]), args: [4 * 65536 - 1, 2], message: 'list content out-of-bounds' },
    'an empty list outside of memory': { type: func([list(p('u8'))]), args: [-1, 0], message: 'list content out-of-bounds' },
    'a list that is not aligned': { type: func([list(p('u32'))]), args: [2, 1], message: 'unaligned pointer' },
    'an element that is no bool but a char': { type: func([list(p('char'))]), args: [2 ** 16, 1], message: 'invalid `char` bit pattern' },
    'a realloc outside of memory': { type: func([list(p('u8'))]), args: [0, 0], realloc: -1, message: 'list content out-of-bounds' },
    'a realloc that ends outside': { type: func([list(p('u8'))]), args: [0, 2], realloc: 4 * 65536 - 1, message: 'list content out-of-bounds' },
    'a realloc that is not aligned': { type: func([list(p('u32'))]), args: [0, 1], realloc: 2, message: 'unaligned pointer' },
    'a string too long': { type: func([p('string')]), args: [0, 2 ** 28], message: 'string content out-of-bounds' },
    'a string that leaves memory': { type: func([p('string')]), args: [4 * 65536 - 1, 2], message: 'string content out-of-bounds' },
    'an empty string outside of memory': { type: func([p('string')]), args: [-1, 0], message: 'string content out-of-bounds' },
    'a UTF-16 string too long': { type: func([p('string')]), callerEncoding: 'utf16', args: [0, 2 ** 27], message: 'string content out-of-bounds' },
    'a UTF-16 string that is not aligned': { type: func([p('string')]), callerEncoding: 'utf16', args: [1, 0], message: 'unaligned pointer' },
    'a Latin-1 string that is not aligned': { type: func([p('string')]), callerEncoding: 'latin1+utf16', args: [1, 0], message: 'unaligned pointer' },
    'a tagged string that is not aligned': { type: func([p('string')]), callerEncoding: 'latin1+utf16', args: [1, 0x80000000], message: 'unaligned pointer' },
    'a tagged string that leaves memory': { type: func([p('string')]), callerEncoding: 'latin1+utf16', args: [4 * 65536 - 2, 0x80000002], message: 'string content out-of-bounds' },
    'a string realloc outside of memory': { type: func([p('string')]), args: [0, 1], realloc: 4 * 65536, message: 'string content out-of-bounds' },
    'a string realloc that is not aligned': { type: func([p('string')]), calleeEncoding: 'utf16', args: [0, 1], realloc: 1, message: 'unaligned pointer' },
    'spilled parameters that are not aligned': { type: func([BIG]), args: [1], message: 'unaligned pointer' },
    'spilled parameters outside of memory': { type: func([BIG]), args: [4 * 65536 - 64], message: 'pointer out of bounds of memory' },
    'a realloc for spilled parameters that is not aligned': { type: func([BIG]), args: [8], realloc: 1, message: 'unaligned pointer' },
    'a realloc for spilled parameters outside of memory': { type: func([BIG]), args: [8], realloc: -4, message: 'pointer out of bounds of memory' },
    'a spilled result that is not aligned': { type: func([], SPILLED), args: [8], returns: 1, message: 'unaligned pointer' },
    'a spilled result outside of memory': { type: func([], SPILLED), args: [8], returns: 4 * 65536 - 4, message: 'pointer out of bounds of memory' },
    'a return pointer that is not aligned': { type: func([], SPILLED), args: [1], returns: 8, message: 'unaligned pointer' },
    'a return pointer outside of memory': { type: func([], SPILLED), args: [-8], returns: 8, message: 'pointer out of bounds of memory' },
  }; // biome-ignore format: a table
  for (const [name, row] of Object.entries(rows)) {
    test(name, () => {
      let called = false;
      const call = new Call(row.type, row, () => {
        called = true;
        return row.returns;
      });
      const { realloc } = row;
      if (realloc !== undefined) call.callee.onRealloc = () => realloc;
      call.caller.view.setUint32(2 ** 16, 0xd800, true);
      assert.throws(() => call.adapter(...(row.args ?? [])), new AdapterTrap(`wasm trap: ${row.message}`));
      assert.equal(called, row.returns !== undefined);
      assert.doesNotMatch(call.flagsText(), /^L E/, 'the callee may be entered after a trap');
    });
  }

  test('a caller that may not leave', () => {
    const call = new Call(func([]), {}, () => assert.fail('called'));
    call.setFlags(CALLER, 0);
    assert.throws(() => call.adapter(), new AdapterTrap('wasm trap: cannot leave component instance'));
    assert.equal(call.flagsText(), '- EL EL');
  });

  test('an instance or an ancestor of it that may not be entered', () => {
    for (const busy of [CALLEE, PARENT]) {
      const call = new Call(func([]), { enters: [CALLEE, PARENT] }, () => assert.fail('called'));
      call.setFlags(busy, MAY_LEAVE);
      assert.throws(() => call.adapter(), new AdapterTrap('wasm trap: cannot enter component instance'));
    }
  });

  test('a call to an ancestor enters nothing', () => {
    const call = new Call(func([]), { enters: [] }, () => undefined);
    call.setFlags(CALLEE, MAY_LEAVE);
    call.adapter();
    assert.deepEqual(call.log, ['call L L EL']);
  });
});

test('one thing happens after the other, each with the right flags', () => {
  const type = func(
    [p('string'), { kind: 'borrow', resource: 5 }, { kind: 'own', resource: 6 }],
    tuple(p('string'), { kind: 'own', resource: 7 }),
  );
  const call = new Call(type, { enters: [CALLEE, PARENT], postReturn: true }, ({ callee }, ...args) => {
    assert.deepEqual(args.slice(2), [107, 108]);
    callee.bytes.set(new TextEncoder().encode('ok'), 64);
    for (const [at, word] of [64, 2, 9].entries()) callee.view.setUint32(16 + 4 * at, word, true);
    return 16;
  });
  call.caller.bytes.set(new TextEncoder().encode('hi'), 64);
  call.adapter(64, 2, 7, 8, 32);
  assert.deepEqual(call.log, [
    'enter 2',
    'realloc 21 L - L',
    'transfer borrow 5 1>2',
    'transfer own 6 1>2',
    'call L L L',
    'realloc 11 - L L',
    'transfer own 7 2>1',
    'post-return 16 L - L',
    'exit',
  ]);
  assert.equal(call.caller.view.getUint32(40, true), 109);
  assert.equal(call.flagsText(), 'L EL EL');
});

test('each call and each realloc has a storage of its own', () => {
  const call = new Call(func([p('string'), p('string')], p('string')), { usesContext: true }, () => {
    assert.deepEqual([...call.context(CALLEE)], [0n, 0n]);
    call.context(CALLEE).set([5n, 6n]);
    return 16;
  });
  for (const [guest, instance] of [
    [call.callee, CALLEE],
    [call.caller, CALLER],
  ] as const) {
    guest.onRealloc = () => {
      assert.deepEqual([...call.context(instance)], [0n, 0n]);
      call.context(instance).set([3n, 4n]);
      return 64;
    };
  }
  call.context(CALLEE).set([1n, 2n]);
  call.context(CALLER).set([7n, 8n]);
  call.adapter(0, 1, 0, 1, 32);
  assert.deepEqual([...call.context(CALLEE)], [1n, 2n]);
  assert.deepEqual([...call.context(CALLER)], [7n, 8n]);
});

test('a scalar signature needs no memory but that of the flags', () => {
  const { imports } = emitAdapters([requestFor(func([p('s32'), p('s32')], p('s32')))]);
  assert.deepEqual(imports.map((entry) => entry.kind).sort(), ['flags address', 'flags address', 'flags memory', 'func', 'trap']);
});

/** A request between two components with everything that a type can need. */
function requestFor(type: FuncType): AdapterRequest {
  return {
    type,
    caller: { instance: 0, encoding: 'utf8', memory: 0, realloc: 0, usesContext: false, mayThrow: false },
    callee: { instance: 1, encoding: 'utf16', memory: 1, realloc: 1, usesContext: false, mayThrow: false, func: 0, postReturn: undefined },
    enters: [1],
    name: 'f',
  };
}

describe('code stays in proportion to the types', () => {
  let shared: ValType = p('string');
  for (let i = 0; i < 14; i++) shared = variant(shared, tuple(shared), option(shared), shared);
  const many = (count: number, type: (index: number) => ValType): ValType[] => Array.from({ length: count }, (_, index) => type(index));
  const inner = tuple(...many(90, () => p('bool')));
  const rows: Readonly<Record<string, readonly [FuncType, maximum: number]>> = {
    'a type that is used again and again': [func([shared, list(shared)], shared), 100_000],
    'a record of very many records': [func([list(tuple(...many(10_000, () => inner)))]), 300_000],
    'a record of very many texts': [func([list(tuple(...many(10_000, () => p('string'))))]), 2_000_000],
    'a variant of very many types': [func([variant(...many(10_000, (i) => tuple(p('string'), list(p('u8'), i + 1))))]), 3_000_000],
    'a type of great depth': [func([many(95, () => p('u8')).reduce((type) => option(list(type)), p('string'))]), 100_000],
    'very many parameters': [func(many(1000, () => tuple(...many(90, () => p('char'))))), 5_000_000],
  }; // biome-ignore format: a table
  for (const [name, [type, maximum]] of Object.entries(rows)) {
    test(name, () => {
      const { bytes } = emitAdapters([requestFor(type)]);
      assert.ok(WebAssembly.validate(bytes));
      assert.ok(bytes.length < maximum, `${bytes.length} bytes`);
    });
  }

  test('a large signature that many functions have', () => {
    const type = func(many(500, () => p('string')));
    const { bytes } = emitAdapters(Array.from({ length: 100 }, () => requestFor(type)));
    assert.ok(bytes.length < 100_000, `${bytes.length} bytes`);
  });
});

test('what needs concurrency is refused', () => {
  for (const type of [func([{ kind: 'future', element: undefined }]), { ...func([]), async: true }]) {
    assert.throws(() => emitAdapters([requestFor(type)]), { code: 'TENON_UNSUPPORTED' });
  }
});
