import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CoreSubType } from '../binary/definitions.ts';
import { type CoreTypeId, CoreTypes, canonicalValType, describeFunc, describeVal } from './core-types.ts';
import type { CoreExternType, CoreLimits, CoreValType } from './types.ts';

const problem = (message: string): Error => new Error(message);
const func = (params: readonly CoreValType[], results: readonly CoreValType[] = []): CoreSubType => ({
  final: true,
  supertypes: [],
  type: { kind: 'func', params, results },
});
const struct = (text: string, supertype?: number, final = false): CoreSubType => ({
  final,
  supertypes: supertype === undefined ? [] : [supertype],
  type: { kind: 'struct', text },
});

function add(types: CoreTypes, ...groups: CoreSubType[][]): CoreTypeId[] {
  const space: CoreTypeId[] = [];
  for (const group of groups) types.addGroup(space, group, problem);
  return space;
}

test('equal groups are one type, also through other types and recursion', () => {
  const types = new CoreTypes();
  const one = add(types, [struct('i32')], [func(['(ref $0)'])], [struct('(ref null $2)'), func(['(ref $2)'])]);
  const two = add(types, [func([])], [struct('i32')], [func(['(ref $1)'])], [struct('(ref null $3)'), func(['(ref $3)'])]);
  assert.deepEqual(two.slice(1), one);
  // Position in a group is part of the identity.
  const grouped = add(types, [struct('i32'), func(['(ref $0)'])]);
  assert.equal(grouped.includes(one[1] ?? -1), false);
});

test('references become canonical', () => {
  const types = new CoreTypes();
  const space = add(types, [func([])], [struct('i32')]);
  assert.equal(canonicalValType(space, '(ref null $1)'), `(ref null @${space[1]})`);
  assert.equal(canonicalValType(space, 'i32'), 'i32');
  assert.equal(canonicalValType(space, '(ref $2)'), undefined);
});

const badGroups: readonly (readonly [string, CoreSubType[][], RegExp])[] = [
  ['an index past the group', [[func(['(ref $1)'])]], /unknown type 1/],
  ['a supertype that comes later', [[struct('i32', 1), struct('i32')]], /unknown type 1/],
  ['a supertype of another kind', [[func([])], [struct('i32', 0)]], /sub type must match super type/],
  ['a final supertype', [[struct('i32', undefined, true)], [struct('i32', 0)]], /sub type must match super type/],
  ['a field that does not match', [[struct('i32')], [struct('i64', 0)]], /sub type must match super type/],
  ['fewer fields', [[struct('i32 i32')], [struct('i32', 0)]], /sub type must match super type/],
  [
    'a mutable field of another type',
    [[struct('(mut (ref null any))')], [struct('(mut (ref null eq))', 0)]],
    /sub type must match super type/,
  ],
];
for (const [what, groups, message] of badGroups) {
  test(`bad group: ${what}`, () => {
    assert.throws(() => add(new CoreTypes(), ...groups), message);
  });
}

test('a chain of supertypes has a limit', () => {
  const chain = Array.from({ length: 65 }, (_, i) => [struct('i32', i === 0 ? undefined : i - 1)]);
  assert.throws(() => add(new CoreTypes(), ...chain), /sub type hierarchy is deeper than 63/);
  add(new CoreTypes(), ...chain.slice(1, 64).map((_, i) => [struct('i32', i === 0 ? undefined : i - 1)]));
});

test('value types match along the hierarchies', () => {
  const types = new CoreTypes();
  const [f, base, sub] = add(types, [func([])], [struct('i32')], [struct('i32 i64', 1)]);
  const yes: readonly (readonly [CoreValType, CoreValType])[] = [
    ['i32', 'i32'],
    ['(ref func)', '(ref null func)'],
    [`(ref @${f})`, '(ref null func)'],
    [`(ref @${sub})`, `(ref @${base})`],
    [`(ref @${sub})`, '(ref struct)'],
    [`(ref @${sub})`, '(ref null any)'],
    ['(ref i31)', '(ref eq)'],
    ['(ref null none)', `(ref null @${sub})`],
    ['(ref null nofunc)', `(ref null @${f})`],
    ['(ref null noextern)', '(ref null extern)'],
  ];
  for (const [a, b] of yes) assert.ok(types.matchesVal(a, b), `${a} matches ${b}`);
  const no: readonly (readonly [CoreValType, CoreValType])[] = [
    ['i32', 'i64'],
    ['i32', '(ref func)'],
    ['(ref null func)', '(ref func)'],
    [`(ref @${base})`, `(ref @${sub})`],
    [`(ref @${f})`, '(ref any)'],
    ['(ref null none)', '(ref null func)'],
    ['(ref null extern)', '(ref null any)'],
    ['(ref eq)', '(ref i31)'],
  ];
  for (const [a, b] of no) assert.ok(!types.matchesVal(a, b), `${a} does not match ${b}`);
});

const limits = (min: bigint, max?: bigint, more: Partial<CoreLimits> = {}): CoreLimits => ({
  min,
  max,
  shared: false,
  index64: false,
  ...more,
});
const memory = (...args: Parameters<typeof limits>): CoreExternType => ({ kind: 'memory', limits: limits(...args) });
const table = (element: CoreValType, ...args: Parameters<typeof limits>): CoreExternType => ({
  kind: 'table',
  element,
  limits: limits(...args),
});
const global = (type: CoreValType, mutable = false): CoreExternType => ({ kind: 'global', type, mutable });
const mismatches: readonly (readonly [CoreExternType, CoreExternType, RegExp | undefined])[] = [
  [memory(2n, 3n), memory(1n, 4n), undefined],
  [memory(2n), memory(1n), undefined],
  [memory(1n), memory(2n), /mismatch in memory limits/],
  [memory(1n), memory(1n, 2n), /mismatch in memory limits/],
  [memory(1n, 2n, { shared: true }), memory(1n, 2n), /shared flag for memories/],
  [memory(1n, 2n, { index64: true }), memory(1n, 2n), /index type used for memories/],
  [memory(1n, 2n, { pageSizeLog2: 0 }), memory(1n, 2n), /page sizes/],
  [table('(ref null func)', 1n), table('(ref null func)', 0n), undefined],
  [table('(ref null func)', 1n), table('(ref null extern)', 0n), /expected table element type externref, found funcref/],
  [global('i32'), global('i32'), undefined],
  [global('(ref func)'), global('(ref null func)'), undefined],
  [global('(ref func)', true), global('(ref null func)', true), /expected global type funcref, found \(ref func\)/],
  [global('i32', true), global('i32'), /mutability/],
  [global('i32'), memory(0n), /expected memory, found global/],
];
for (const [a, b, message] of mismatches) {
  test(`matching ${a.kind}: ${message?.source ?? 'fits'}`, () => {
    const found = new CoreTypes().mismatch(a, b);
    if (message === undefined) assert.equal(found, undefined);
    else assert.match(found ?? '', message);
  });
}

test('functions match by identity, or by structure when one has none', () => {
  const types = new CoreTypes();
  const one = types.func(['i32'], []);
  assert.equal(types.func(['i32'], []), one);
  assert.ok(types.matchesFunc(one, { params: ['i32'], results: [] }));
  assert.ok(!types.matchesFunc(one, types.func(['i64'], [])));
  assert.equal(
    types.mismatch({ kind: 'func', type: one }, { kind: 'func', type: types.func([], []) }),
    'expected: (func), found: (func (param i32))',
  );
});

test('descriptions', () => {
  assert.equal(describeFunc({ params: ['i32', '(ref null func)'], results: ['f64'] }), '(func (param i32 funcref) (result f64))');
  assert.equal(describeVal('(ref null @3)'), '(ref null @3)');
});
