/** What guests may take: each limit with a guest that wants more. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from '@bytecodealliance/jco';
import { Budget, type CompileOptions, Component, type Instance, Linker } from '../index.ts';

const PAGE = 65_536;

const compile = async (text: string, options: CompileOptions = {}): Promise<Component> =>
  Component.compile((await parse(text)) as Uint8Array<ArrayBuffer>, { interruptible: true, ...options });

type Call = (...args: unknown[]) => unknown;
const run = ({ exports }: Instance): Call => exports.run as Call;

/** A component whose export `run: func(by: u32) -> s32` is this core function. */
const one = (core: string): string => `(component
  (core module $m ${core})
  (core instance $i (instantiate $m))
  (func (export "run") (param "by" u32) (result s32) (canon lift (core func $i "run"))))`;

/** Three memories, of which the export grows the first and the last by turns. */
const MEMORIES = one(`(memory 1) (memory 2) (memory 1 3)
  (func (export "run") (param i32) (result i32)
    (if (result i32) (i32.and (local.get 0) (i32.const 1)) (then (memory.grow 2 (local.get 0))) (else (memory.grow (local.get 0)))))`);

test('all memories of an instance together are bounded', async () => {
  const component = await compile(MEMORIES, { maxMemoryBytes: 8 * PAGE });
  const instance = await new Linker().instantiate(component);
  const grow = run(instance);
  assert.equal(instance.usage?.memoryBytes, 4 * PAGE);
  assert.equal(grow(2), 1);
  assert.equal(grow(3), -1, 'more than its own maximum');
  assert.equal(grow(1), 1);
  assert.equal(grow(2), -1);
  assert.equal(grow(1), 2);
  assert.equal(grow(0), 3, 'growing by nothing always succeeds');
  assert.equal(grow(0xffff_fffe), -1);
  assert.equal(instance.usage?.memoryBytes, 8 * PAGE);
  await assert.rejects(compile(one('(memory 2) (func (export "run") (param i32) (result i32) (i32.const 0))'), { maxMemoryBytes: PAGE }), {
    code: 'TENON_MEMORY_LIMIT',
  });
  const tooLarge = await compile(MEMORIES, { maxMemoryBytes: 3 * PAGE });
  await assert.rejects(new Linker().instantiate(tooLarge), { code: 'TENON_MEMORY_LIMIT' });
});

test('all instances of a workload share a budget, and give back what they took when they end', async () => {
  const budget = new Budget({ maxMemoryBytes: 10 * PAGE });
  const linker = new Linker({ budget });
  const component = await compile(MEMORIES);
  const first = await linker.instantiate(component);
  const second = await linker.instantiate(component);
  assert.equal(budget.memoryBytes, 8 * PAGE);
  assert.equal(run(first)(4), -1);
  assert.equal(run(first)(2), 1);
  assert.equal(run(second)(2), -1);
  await assert.rejects(linker.instantiate(component), { code: 'TENON_MEMORY_LIMIT' });
  assert.equal(budget.memoryBytes, 10 * PAGE);
  first.end();
  assert.equal(budget.memoryBytes, 4 * PAGE);
  assert.equal(run(second)(2), 1);
});

test('memories of 64 bits are told and grown in their own type', async () => {
  const component = await compile(
    one(`(memory i64 1 10)
      (func (export "run") (param i32) (result i32)
        (if (i64.ne (memory.grow (i64.extend_i32_u (local.get 0))) (i64.const 1)) (then (return (i32.const -1))))
        (i32.wrap_i64 (memory.size)))`),
    { maxMemoryBytes: 5 * PAGE },
  );
  const grow = run(await new Linker().instantiate(component));
  assert.equal(grow(4), 5);
  assert.equal(grow(1), -1);
});

const TABLES = one(`(table 10 funcref) (table i64 10 20 externref)
  (func (export "run") (param i32) (result i32)
    (if (result i32) (i32.and (local.get 0) (i32.const 1))
      (then (i32.wrap_i64 (table.grow 1 (ref.null extern) (i64.extend_i32_u (local.get 0)))))
      (else (table.grow 0 (ref.null func) (local.get 0)))))`);

test('tables are bounded, those that are defined and those that grow', async () => {
  const component = await compile(TABLES, { maxTableElements: 30 });
  const instance = await new Linker().instantiate(component);
  const grow = run(instance);
  assert.equal(grow(4), 10);
  assert.equal(grow(11), -1);
  assert.equal(grow(5), 10);
  assert.equal(grow(2), -1);
  assert.equal(grow(1), 15);
  assert.equal(instance.usage?.tableElements, 30);
  const greedy = one(`${'(table 10000000 funcref)'.repeat(50)} (func (export "run") (param i32) (result i32) (i32.const 0))`);
  await assert.rejects(compile(greedy, { maxTableElements: 1_000_000 }), { code: 'TENON_TABLE_LIMIT' });
  const linker = new Linker({ budget: new Budget({ maxTableElements: 1_000_000 }) });
  await assert.rejects(linker.instantiate(await compile(greedy)), { code: 'TENON_TABLE_LIMIT' });
  await assert.rejects(new Linker().instantiate(await compile(greedy)), { code: 'TENON_TABLE_LIMIT' }, 'there is a limit anyway');
});

test('without being interruptible, each memory and all tables are bounded by their types', async () => {
  const options = { interruptible: false, maxMemoryBytes: 2 * PAGE, maxTableElements: 30 };
  const grow = run(await new Linker().instantiate(await compile(TABLES, options)));
  // Both may grow, so each has half of what is left.
  assert.equal(grow(4), 10);
  assert.equal(grow(2), -1);
  assert.equal(grow(5), 10);
  assert.equal(grow(1), -1);
  await assert.rejects(
    compile(one(`${'(table 10000000 funcref)'.repeat(50)} (func (export "run") (param i32) (result i32) (i32.const 0))`), options),
    { code: 'TENON_TABLE_LIMIT' },
  );
});

const NEW_ARRAYS = {
  'array.new': '(array.new $bytes (i32.const 1) (local.get 0))',
  'array.new_default': '(array.new_default $bytes (local.get 0))',
  'array.new_default of numbers of 64 bits': '(array.new_default $longs (local.get 0))',
};

for (const [what, expression] of Object.entries(NEW_ARRAYS)) {
  test(`one large allocation traps: ${what}`, async () => {
    const component = await compile(
      one(`(type $bytes (array (mut i8))) (type $longs (array (mut i64)))
        (func (export "run") (param i32) (result i32) (array.len ${expression}))`),
    );
    const linker = new Linker();
    assert.equal(run(await linker.instantiate(component))(200_000), 200_000);
    const instance = await linker.instantiate(component);
    assert.throws(() => run(instance)(100_000_000), /an array is too large/);
  });
}

test('a constant expression makes no large array either', async () => {
  const text = (length: string): string =>
    one(`(type $longs (array (mut i64))) (global (ref $longs) (array.new_default $longs ${length}))
      (func (export "run") (param i32) (result i32) (array.len (global.get 0)))`);
  const small = await new Linker().instantiate(await compile(text('(i32.const 3)')));
  assert.equal(run(small)(0), 3);
  for (const length of ['(i32.const 60000000)', '(i32.mul (i32.const 6000) (i32.const 10000))']) {
    await assert.rejects(new Linker().instantiate(await compile(text(length))), /an array is too large/);
  }
});
