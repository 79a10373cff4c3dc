import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from '@bytecodealliance/jco';
import { EpochClock } from '../epoch/clock.ts';
import { Guard } from '../epoch/guard.ts';
import { Component, Linker, type Trap } from '../index.ts';
import { Store } from '../instance/state.ts';
import { type CodeCache, compileRewritten, compileRewrittenAsync } from './compile.ts';
import { FORM, FORMS, PREFIXED } from './instructions.ts';
import { layoutOf } from './layout.ts';
import { rewrite, rewriteLoops } from './rewrite.ts';
import { UnknownInstruction } from './scan.ts';

const wat = async (text: string): Promise<Uint8Array<ArrayBuffer>> => (await parse(text)) as Uint8Array<ArrayBuffer>;

const clock = new EpochClock();
let checks = 0;

/** Runs a rewritten module; the clock has moved at each check. */
function run(
  bytes: Uint8Array<ArrayBuffer>,
  imports: Record<string, WebAssembly.ModuleImports> = {},
): Record<string, (...args: unknown[]) => unknown> {
  const guard = new Guard(new Store(), { clock, budget: undefined, limits: {}, snapshots: [] });
  const check = guard.check.bind(guard);
  guard.check = () => {
    checks++;
    return check();
  };
  return guard.instantiate(new WebAssembly.Module(rewrite(bytes)), imports) as never;
}

test('every instruction that V8 takes is known', () => {
  const known = (bytes: readonly number[]): boolean => {
    const [first = 0, second] = bytes;
    if (FORMS[first] !== FORM.prefix) return FORMS[first] !== FORM.unknown;
    return (PREFIXED[first - 0xfb]?.[second ?? 0] ?? FORM.unknown) !== FORM.unknown;
  };
  /** What V8 says of a body that begins with the opcode: for one that it does not know, that it is invalid. */
  const takes = (opcode: readonly number[]): boolean => {
    const body = [0, ...opcode, ...new Array<number>(24).fill(0), 0x0b];
    const section = (id: number, content: readonly number[]): number[] => [id, content.length, ...content];
    const bytes = Uint8Array.of(
      ...[0, 97, 115, 109, 1, 0, 0, 0],
      ...section(1, [1, 0x60, 0, 0]),
      ...section(3, [1, 0]),
      ...section(10, [1, body.length, ...body]),
    );
    try {
      new WebAssembly.Module(bytes);
      return true;
    } catch (error) {
      return !/invalid (numeric )?opcode|enable with|--experimental|invalid simd|unsupported|Invalid opcode|invalid gc|invalid atomic/i.test(
        String(error),
      );
    }
  };
  const leb = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, value >> 7]);
  const missing: string[] = [];
  for (let first = 0; first < 256; first++) {
    if (first < 0xfb || first > 0xfe) {
      if (takes([first]) && !known([first])) missing.push(first.toString(16));
      continue;
    }
    for (let second = 0; second < 0x180; second++) {
      // struct.new_desc, of which V8 says only that it has no such type, since none can be defined.
      if (first === 0xfb && (second === 0x20 || second === 0x21)) continue;
      if (takes([first, ...leb(second)]) && !known([first, second])) missing.push(`${first.toString(16)} ${second.toString(16)}`);
    }
  }
  assert.deepEqual(missing, []);
});

test('an instruction that is not known is named, with its place', async () => {
  const bytes = await wat('(module (func (nop) (nop)))');
  const at = bytes.indexOf(1, bytes.length - 4);
  for (const [opcode, name] of [
    [[0xe0, 0x01], '0xe0'],
    [[0xfc, 0x7f], '0xfc 0x7f'],
  ] as const) {
    const changed = bytes.slice();
    changed.set(opcode, at);
    assert.throws(
      () => rewrite(changed),
      (error) => error instanceof UnknownInstruction && error.message === name && error.offset === at,
    );
    // In V8's words, where V8 does not take it either.
    assert.throws(() => compileRewritten(changed, 0), WebAssembly.CompileError);
  }
});

test('indices that are not there stay invalid, though the rewritten module has something at them', async () => {
  for (const text of [
    '(module (memory 1) (func (drop (i32.load 1 (i32.const 0)))))',
    '(module (func (drop (i32.load (i32.const 0)))))',
    '(module (func (drop (global.get 0))))',
    '(module (func (call 1)))',
    '(module (func (param externref)) (func (call_indirect (type 1))))',
    '(module (export "x" (func 0)))',
    '(module (table 1 funcref (ref.func 0)))',
  ]) {
    const bytes = await wat(text).catch(() => undefined);
    if (bytes === undefined) continue;
    assert.equal(WebAssembly.validate(bytes), false, text);
    assert.throws(() => compileRewritten(bytes, 0), WebAssembly.CompileError, text);
    await assert.rejects(compileRewrittenAsync(bytes, 0, undefined, ''), WebAssembly.CompileError, text);
  }
});

for (const [what, text, call, result, looked] of [
  ['a leaf without loops is not checked', '(func (export "f") (result i32) (i32.const 1))', [], 1, 0],
  [
    'a loop is checked each time round',
    '(func (export "f") (param i32) (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))',
    [5],
    undefined,
    1,
  ],
  ['a function that calls is checked', '(func $g) (func (export "f") (call $g))', [], undefined, 1],
  ['a function that begins with a loop is checked there', '(func $g) (func (export "f") (loop (call $g)))', [], undefined, 1],
  [
    'blocks with parameters of references',
    '(type $s (struct)) (func (export "f") (result i32) (struct.new $s) (loop (param (ref null $s)) (result i32) (ref.is_null)))',
    [],
    0,
    1,
  ],
  [
    'locals of references',
    '(type $s (struct)) (func (export "f") (result i32) (local (ref null $s)) (loop (result i32) (ref.is_null (local.get 0))))',
    [],
    1,
    1,
  ],
  [
    'select with a type',
    '(func (export "f") (result i32) (loop (result i32) (select (result i32) (i32.const 1) (i32.const 2) (i32.const 0))))',
    [],
    2,
    1,
  ],
  [
    'tables of branches',
    '(func (export "f") (param i32) (result i32) (loop (block (block (br_table 0 1 0 (local.get 0))) (return (i32.const 7)))) (i32.const 8))',
    [0],
    7,
    1,
  ],
] as const) {
  test(what, async () => {
    const { f } = run(await wat(`(module ${text})`));
    checks = 0;
    clock.tick();
    assert.equal(f?.(...call), result);
    assert.equal(checks, looked);
  });
}

test('what the module imports and exports by the names that are added stays its own', async () => {
  const { f, 'tenon:init': init } = run(
    await wat(
      '(module (import "tenon" "clock" (func $c (result i32))) (func (export "f") (result i32) (call $c)) (func (export "tenon:init") (result i32) (i32.const 3)))',
    ),
    { tenon: { clock: () => 41 } },
  );
  assert.equal(f?.(), 41);
  assert.equal(init?.(), 3);
});

test('a module cannot say itself how it is laid out', async () => {
  const plain = await wat('(module (@custom "tenon.layout" "{}") (func))');
  const module = new WebAssembly.Module(rewrite(plain));
  assert.equal(WebAssembly.Module.customSections(module, 'tenon.layout').length, 1);
  assert.equal(layoutOf(module)?.prefix, 'tenon:');
});

test('names and other custom sections stay, so that backtraces have them', async () => {
  const bytes = await wat(
    '(module $named (@custom "other" (after code) "text") (func $inner (unreachable)) (func (export "f") (call $inner)))',
  );
  const module = new WebAssembly.Module(rewrite(bytes));
  for (const section of ['name', 'other']) {
    const contents = (of: WebAssembly.Module): string =>
      String(WebAssembly.Module.customSections(of, section).map((one) => new Uint8Array(one)));
    assert.equal(contents(module), contents(new WebAssembly.Module(bytes)));
  }
  assert.throws(
    () => run(bytes).f?.(),
    (error) => error instanceof WebAssembly.RuntimeError && /named\.inner|inner \(wasm/.test(error.stack ?? ''),
  );
});

test('frames of a backtrace have the offsets of the original', async () => {
  const text = `(component (core module $m
    (memory 1)
    (func $deep (param i32) (loop (drop (memory.grow (i32.const 0))) (if (local.get 0) (then (call $deeper (local.get 0))))))
    (func $deeper (param i32) (drop (memory.size)) (block (loop (nop))) (loop (i32.store (local.get 0) (i32.const 1))))
    (func (export "f") (param i32) (call $deep (i32.const 1)) (call $deep (local.get 0))))
    (core instance $i (instantiate $m))
    (func (export "f") (param "at" s32) (canon lift (core func $i "f"))))`;
  const frames: unknown[] = [];
  for (const interruptible of [false, true]) {
    const { exports } = await new Linker().instantiate(await Component.compile(await wat(text), { interruptible }));
    try {
      (exports.f as (at: number) => void)(-8);
    } catch (error) {
      frames.push((error as Trap).backtrace.map((line) => /wasm-function.*/.exec(line)?.[0]));
    }
  }
  assert.equal((frames[0] as unknown[]).length, 3);
  assert.deepEqual(frames[1], frames[0]);
});

test('branch hints that are there stay with their instructions, in order with those that are added', async () => {
  const bytes = await wat(`(module (func $g) (func (export "f") (param i32)
    (call $g)
    (loop (@metadata.code.branch_hint "\\01") (if (local.get 0) (then (nop)))
      (@metadata.code.branch_hint "\\00") (br_if 0 (local.get 0)))))`);
  const rewritten = rewrite(bytes);
  const hints = readHints(rewritten);
  const base = hints.body;
  const opcodes = hints.hints.map(({ offset, value }) => [rewritten[base + offset], value]);
  // The entry's check, the loop's, then what stood there.
  assert.deepEqual(opcodes, [
    [0x04, 0],
    [0x04, 0],
    [0x04, 1],
    [0x0d, 0],
  ]);
});

/** Hints of the second function, and where its body begins. */
function readHints(bytes: Uint8Array): {
  readonly body: number;
  readonly hints: readonly { readonly offset: number; readonly value: number }[];
} {
  const number = (at: number): readonly [value: number, next: number] => {
    let value = 0;
    for (let i = at, scale = 1; ; i++, scale *= 128) {
      const byte = bytes[i] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) return [value, i + 1];
    }
  };
  let hints: { offset: number; value: number }[] = [];
  let body = 0;
  for (let at = 8; at < bytes.length; ) {
    const id = bytes[at];
    const [size, start] = number(at + 1);
    if (id === 0) {
      const [length, name] = number(start);
      if (new TextDecoder().decode(bytes.subarray(name, name + length)) === 'metadata.code.branch_hint') {
        assert.deepEqual([...bytes.subarray(name + length, name + length + 2)], [1, 1], 'of one function, the second');
        let [count, next] = number(name + length + 2);
        hints = [];
        for (; count > 0; count--) {
          const [offset, rest] = number(next);
          hints.push({ offset, value: bytes[rest + 1] ?? -1 });
          next = rest + 2;
        }
      }
    }
    if (id === 10) {
      const [, first] = number(start);
      const [skipped, after] = number(first);
      body = number(after + skipped)[1];
    }
    at = start + size;
  }
  return { body, hints };
}

test('adapters are checked in their loops only', async () => {
  const straight = await wat('(module (import "" "f" (func $f)) (func (export "g") (call $f)))');
  assert.equal(rewriteLoops(straight), straight);
  const looping = await wat('(module (import "" "f" (func $f)) (func (export "g") (call $f) (loop (br 0))))');
  assert.notEqual(rewriteLoops(looping), looping);
});

test('rewritten code is kept, found again, and made anew when what was kept is damaged', async () => {
  const functions = Array.from(
    { length: 5000 },
    (_, i) => `(func (export "f${i}") (result i32) (loop (result i32) (i32.const ${i * 1000})))`,
  );
  const bytes = await wat(`(component (core module ${functions.join('')}))`);
  const kept = new Map<string, Uint8Array>();
  let found = 0;
  const cache: CodeCache = {
    async get(key) {
      const value = kept.get(key);
      if (value !== undefined) found++;
      return value;
    },
    async put(key, value) {
      kept.set(key, value);
    },
  };
  const module = bytes.subarray(indexOfModule(bytes));
  const compile = () => compileRewrittenAsync(module, 0, cache, 'ab');
  await compile();
  assert.equal(kept.size, 1);
  const [[key = '', value] = []] = kept;
  await compile();
  assert.equal(found, 1);
  kept.set(key, Uint8Array.of(1, 2, 3));
  await compile();
  assert.deepEqual(kept.get(key), value);
  const broken: CodeCache = { get: () => Promise.reject(new Error('no')), put: () => Promise.reject(new Error('no')) };
  await Component.compile(bytes, { interruptible: true, cache: broken });
});

/** Where the only core module of a component begins. */
const indexOfModule = (bytes: Uint8Array): number =>
  bytes.findIndex((_, at) => at > 0 && bytes[at] === 0 && bytes[at + 1] === 0x61 && bytes[at + 4] === 1);

test('random changes to the bytes never break it', async () => {
  const bytes = await wat(`(module (memory 1) (table 2 funcref) (global (mut i32) (i32.const 0))
    (func $f (param i32) (result i32) (local i64 f32) (loop (br_if 0 (i32.eqz (memory.grow (local.get 0))))) (call $f (local.get 0))))`);
  let state = 7;
  const next = (limit: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % limit;
  };
  for (let i = 0; i < 5000; i++) {
    const changed = bytes.slice();
    for (let j = next(4); j >= 0; j--) changed[8 + next(changed.length - 8)] = next(256);
    try {
      compileRewritten(changed, 0);
    } catch (error) {
      assert.ok(error instanceof WebAssembly.CompileError || (error as { code?: unknown }).code === 'TENON_UNSUPPORTED', String(error));
      // What V8 takes, it takes rewritten.
      if (!(error instanceof WebAssembly.CompileError)) assert.fail(`${[...changed]}: ${error}`);
    }
  }
});
