/** Random programs on streams, futures and waitables, in two components, compared with a transcription of the reference text. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { parse } from '@bytecodealliance/jco';
import fc from 'fast-check';
import { BLOCKED, type EndKind, Instance, ModelTrap, type State } from '../../test/canonical-abi.ts';
import { Component, Linker, type Prepared, Trap } from '../index.ts';

const TYPES = ['stream', 'future'] as const;

/** Exports each built-in as a function. `give-…` calls `take-…` of the other component, where it has one. */
const part = (name: string, other: boolean): string => {
  const builtins: [name: string, canon: string, params: number][] = TYPES.flatMap((type): [string, string, number][] => [
    [`${type}-read`, `canon ${type}.read $${type} async (memory $mem)`, type === 'stream' ? 3 : 2],
    [`${type}-write`, `canon ${type}.write $${type} async (memory $mem)`, type === 'stream' ? 3 : 2],
    [`${type}-cancel-read`, `canon ${type}.cancel-read $${type} async`, 1],
    [`${type}-cancel-write`, `canon ${type}.cancel-write $${type} async`, 1],
  ]);
  builtins.push(['set-new', 'canon waitable-set.new', 0], ['poll', 'canon waitable-set.poll (memory $mem)', 2]);
  const effects: [name: string, canon: string, params: number][] = TYPES.flatMap((type): [string, string, number][] => [
    [`${type}-drop-read`, `canon ${type}.drop-readable $${type}`, 1],
    [`${type}-drop-write`, `canon ${type}.drop-writable $${type}`, 1],
  ]);
  effects.push(['set-drop', 'canon waitable-set.drop', 1], ['join', 'canon waitable.join', 2]);
  const args = (n: number): string => Array.from({ length: n }, (_, i) => `(param "p${i}" u32)`).join(' ');
  const core = (n: number): string => (n === 0 ? '' : `(param ${'i32 '.repeat(n)})`);
  const gets = (n: number): string => Array.from({ length: n }, (_, i) => `(local.get ${i})`).join(' ');
  return `(component $${name}
    (type $stream (stream u8)) (type $future (future u8))
    ${other ? TYPES.map((type) => `(import "take-${type}" (func $take-${type} (param "it" (${type} u8)) (result u32)))`).join('\n') : ''}
    (core module $memory (memory (export "mem") 1)
      (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0)))
      (func (export "peek-word") (param i32) (result i32) (i32.load (local.get 0)))
      (func (export "poke") (param i32 i32) (i32.store8 (local.get 0) (local.get 1))))
    (core instance $memory (instantiate $memory))
    (alias core export $memory "mem" (core memory $mem))
    ${[...builtins, ...effects].map(([each, canon]) => `(core func $${each} (${canon}))`).join('\n')}
    ${TYPES.map((type) => `(core func $${type}-new (canon ${type}.new $${type}))`).join('\n')}
    ${other ? TYPES.map((type) => `(core func $give-${type} (canon lower (func $take-${type})))`).join('\n') : ''}
    (core module $m
      ${builtins.map(([each, , n]) => `(import "" "${each}" (func $${each} ${core(n)} (result i32)))`).join('\n')}
      ${effects.map(([each, , n]) => `(import "" "${each}" (func $${each} ${core(n)}))`).join('\n')}
      ${TYPES.map((type) => `(import "" "${type}-new" (func $${type}-new (result i64)))`).join('\n')}
      ${other ? TYPES.map((type) => `(import "" "give-${type}" (func $give-${type} (param i32) (result i32)))`).join('\n') : ''}
      ${[...builtins].map(([each, , n]) => `(func (export "${each}") ${core(n)} (result i32) (call $${each} ${gets(n)}))`).join('\n')}
      ${effects.map(([each, , n]) => `(func (export "${each}") ${core(n)} (call $${each} ${gets(n)}))`).join('\n')}
      ${TYPES.map((type) => `(func (export "${type}-new") (result i64) (call $${type}-new))`).join('\n')}
      ${TYPES.map((type) => `(func (export "take-${type}") (param i32) (result i32) (local.get 0))`).join('\n')}
      ${other ? TYPES.map((type) => `(func (export "give-${type}") (param i32) (result i32) (call $give-${type} (local.get 0)))`).join('\n') : ''})
    (core instance $i (instantiate $m (with "" (instance
      ${[...builtins, ...effects].map(([each]) => `(export "${each}" (func $${each}))`).join(' ')}
      ${TYPES.map((type) => `(export "${type}-new" (func $${type}-new))`).join(' ')}
      ${other ? TYPES.map((type) => `(export "give-${type}" (func $give-${type}))`).join(' ') : ''}))))
    ${builtins.map(([each, , n]) => `(func (export "${each}") ${args(n)} (result u32) (canon lift (core func $i "${each}")))`).join('\n')}
    ${effects.map(([each, , n]) => `(func (export "${each}") ${args(n)} (canon lift (core func $i "${each}")))`).join('\n')}
    ${TYPES.map((type) => `(func (export "${type}-new") (result u64) (canon lift (core func $i "${type}-new")))`).join('\n')}
    ${TYPES.map((type) => `(func (export "take-${type}") (param "it" $${type}) (result u32) (canon lift (core func $i "take-${type}")))`).join('\n')}
    ${other ? TYPES.map((type) => `(func (export "give-${type}") (param "p0" u32) (result u32) (canon lift (core func $i "give-${type}")))`).join('\n') : ''}
    (func (export "peek") (param "p0" u32) (result u32) (canon lift (core func $memory "peek")))
    (func (export "peek-word") (param "p0" u32) (result u32) (canon lift (core func $memory "peek-word")))
    (func (export "poke") (param "p0" u32) (param "p1" u32) (canon lift (core func $memory "poke"))))`;
};

const PROGRAM = `(component
  ${part('b', false)}
  ${part('a', true)}
  (instance $b (instantiate $b))
  (instance $a (instantiate $a (with "take-stream" (func $b "take-stream")) (with "take-future" (func $b "take-future"))))
  (export "a" (instance $a)) (export "b" (instance $b)))`;

let prepared: Prepared;
before(async () => {
  prepared = await new Linker().prepare(await Component.compile(new Uint8Array(await parse(PROGRAM))));
});

type Functions = Readonly<Record<string, (...args: number[]) => number | bigint | undefined>>;

const who = fc.constantFrom('a' as const, 'b' as const);
/** Which of the handles that will do; the last few stand for any number, which mostly is a trap. */
const handle = fc.integer({ min: 0, max: 103 });
const WILD = 100;
const kind = fc.constantFrom<EndKind>('stream read', 'stream write', 'future read', 'future write');
const step = fc.oneof(
  { weight: 2, arbitrary: fc.record({ op: fc.constant('new' as const), who, type: fc.constantFrom(...TYPES) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('set' as const), who }) },
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant('copy' as const),
      who,
      kind,
      handle,
      at: fc.integer({ min: 0, max: 40 }),
      count: fc.integer({ min: 0, max: 8 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('cancel' as const), who, kind, handle }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('drop' as const), who, kind, handle }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('join' as const), who, handle, set: handle }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('poll' as const), who, set: handle }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('drop set' as const), who, set: handle }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('give' as const), type: fc.constantFrom(...TYPES), handle }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const EVENT = 512;

type Model = Readonly<Record<'a' | 'b', Instance>>;

/** Puts handles that exist in place of numbers. @returns undefined where there is none */
function resolve(step: Step, model: Model): Step | undefined {
  const pick = (instance: 'a' | 'b', given: number, what: EndKind | 'set' | 'waitable', states?: readonly State[]): number | undefined => {
    if (given > WILD) return given - WILD;
    const found = model[instance].indices(what, states);
    return found[given % Math.max(found.length, 1)];
  };
  switch (step.op) {
    case 'new':
    case 'set':
      return step;
    case 'copy':
    case 'cancel':
    case 'drop': {
      const states: readonly State[] = step.op === 'copy' ? ['IDLE'] : step.op === 'cancel' ? ['COPYING'] : ['IDLE', 'DONE'];
      const found = pick(step.who, step.handle, step.kind, step.op === 'drop' && step.kind === 'future write' ? ['DONE'] : states);
      return found === undefined ? undefined : { ...step, handle: found };
    }
    case 'give': {
      const found = pick('a', step.handle, `${step.type} read`, ['IDLE']);
      return found === undefined ? undefined : { ...step, handle: found };
    }
    case 'join': {
      const [waitable, set] = [pick(step.who, step.handle, 'waitable'), step.set % 4 === 0 ? 0 : pick(step.who, step.set, 'set')];
      return waitable === undefined || set === undefined ? undefined : { ...step, handle: waitable, set };
    }
    case 'poll':
    case 'drop set': {
      const set = pick(step.who, step.set, 'set');
      return set === undefined ? undefined : { ...step, set };
    }
  }
}

/** One step in the engine and in the model. @returns what each came to */
function both(step: Step, engine: Readonly<Record<'a' | 'b', Functions>>, model: Model): readonly [() => unknown, () => unknown] {
  const call = (instance: 'a' | 'b', name: string, ...args: number[]): number | bigint | undefined =>
    engine[instance][name.replace(/[- ](\w)/g, (_, letter: string) => letter.toUpperCase())]?.(...args);
  switch (step.op) {
    case 'new':
      return [
        () => [Number(BigInt.asUintN(32, call(step.who, `${step.type}-new`) as bigint))],
        () => [(step.type === 'stream' ? model[step.who].streamNew() : model[step.who].futureNew())[0]],
      ];
    case 'set':
      return [() => call(step.who, 'set-new'), () => model[step.who].setNew()];
    case 'copy': {
      const [type] = step.kind.split(' ');
      const args = type === 'stream' ? [step.handle, step.at, step.count] : [step.handle, step.at];
      return [() => call(step.who, step.kind, ...args), () => model[step.who].copy(step.kind, step.handle, step.at, step.count)];
    }
    case 'cancel':
      return [
        () => call(step.who, step.kind.replace(' ', '-cancel-'), step.handle),
        () => model[step.who].cancelCopy(step.kind, step.handle),
      ];
    case 'drop':
      return [() => call(step.who, step.kind.replace(' ', '-drop-'), step.handle), () => model[step.who].drop(step.kind, step.handle)];
    case 'join':
      return [() => call(step.who, 'join', step.handle, step.set), () => model[step.who].join(step.handle, step.set)];
    case 'drop set':
      return [() => call(step.who, 'set-drop', step.set), () => model[step.who].setDrop(step.set)];
    case 'give':
      return [() => call('a', `give-${step.type}`, step.handle), () => model.a.give(`${step.type} read`, step.handle, model.b)];
    case 'poll': {
      let index = 0;
      return [
        () => {
          const code = call(step.who, 'poll', step.set, EVENT);
          const words = [call(step.who, 'peek-word', EVENT), call(step.who, 'peek-word', EVENT + 4)];
          index = Number(words[0]);
          return [code, ...words];
        },
        () =>
          model[step.who].poll(step.set, (ready) => {
            assert.ok(ready.has(index), `the event of ${index} is not pending`);
            return index;
          }),
      ];
    }
  }
}

const outcome = (run: () => unknown): unknown => {
  try {
    return run() ?? 'nothing';
  } catch (error) {
    if (error instanceof Trap || error instanceof ModelTrap) return 'trap';
    throw error;
  }
};

test('random programs on streams, futures and waitable sets do what the reference text says', () => {
  let trapped = 0;
  let blocked = 0;
  let copied = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 60 }), (steps) => {
      const exports = prepared.instantiateSync().exports as Readonly<Record<'a' | 'b', Functions>>;
      const model = { a: new Instance(), b: new Instance() };
      for (const instance of ['a', 'b'] as const) {
        for (let i = 0; i < 48; i++) {
          exports[instance].poke?.(i, i + (instance === 'a' ? 1 : 101));
          model[instance].memory[i] = i + (instance === 'a' ? 1 : 101);
        }
      }
      for (const step of steps) {
        const each = resolve(step, model);
        if (each === undefined) continue;
        const [engine, reference] = both(each, exports, model);
        const [found, expected] = [outcome(engine), outcome(reference)];
        assert.deepEqual(found, expected, JSON.stringify(each));
        if (found === BLOCKED) blocked++;
        else if (each.op === 'copy' && typeof found === 'number' && found >= 16) copied++;
        if (found === 'trap') {
          trapped++;
          return;
        }
      }
      for (const instance of ['a', 'b'] as const) {
        const memory = Array.from({ length: 48 }, (_, i) => exports[instance].peek?.(i));
        assert.deepEqual(memory, [...model[instance].memory.subarray(0, 48)]);
      }
    }),
    { seed: Number(process.env.TENON_SEED ?? 14), numRuns: Number(process.env.TENON_RUNS ?? 400) },
  );
  assert.ok(trapped > 0 && blocked > 0 && copied > 0, `the programs were too tame: ${trapped} ${blocked} ${copied}`);
});
