import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ComponentError } from '../errors.ts';
import { CoreTypes } from '../types/core-types.ts';
import type { CoreModuleType } from '../types/types.ts';
import { readCoreModuleType } from './core-module.ts';

const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const section = (id: number, ...content: number[]): number[] => [id, content.length, ...content];
const name = (text: string): number[] => [text.length, ...new TextEncoder().encode(text)];
const read = (...sections: number[][]): CoreModuleType => {
  const bytes = Uint8Array.from([...PREAMBLE, ...sections.flat()]);
  return readCoreModuleType(bytes, 0, bytes.length, new CoreTypes());
};

test('imports and exports of every kind', () => {
  const bytes = [
    section(1, 2, 0x60, 1, 0x7f, 1, 0x7e, 0x60, 1, 0x7d, 0),
    section(2, 2, ...name('env'), ...name('f'), 0x00, 0, ...name('env'), ...name('g'), 0x03, 0x7f, 0),
    section(3, 1, 1),
    section(4, 2, 0x70, 0x00, 1, 0x40, 0x00, 0x6f, 0x01, 0, 4, 0xd0, 0x6f, 0x0b),
    section(5, 2, 0x00, 1, 0x05, 1, 2),
    section(13, 1, 0x00, 1),
    section(6, 2, 0x7e, 1, 0x42, 0x7f, 0x0b, 0x7d, 0, 0x43, 1, 2, 3, 4, 0x0b),
    section(
      7,
      7,
      ...[
        ['f', 0, 0],
        ['f2', 0, 1],
        ['t', 1, 1],
        ['m', 2, 1],
        ['g', 3, 0],
        ['g2', 3, 2],
        ['e', 4, 0],
      ].flatMap(([n, sort, index]) => [...name(String(n)), Number(sort), Number(index)]),
    ),
    section(10, 0xff, 0xff),
  ];
  const { imports, exports } = read(...bytes);
  const f = { kind: 'func', type: { kind: 'func', params: ['i32'], results: ['i64'] } };
  assert.deepEqual(imports, [
    { module: 'env', name: 'f', type: f },
    { module: 'env', name: 'g', type: { kind: 'global', type: 'i32', mutable: false } },
  ]);
  assert.deepEqual(Object.fromEntries(exports), {
    f,
    f2: { kind: 'func', type: { kind: 'func', params: ['f32'], results: [] } },
    t: { kind: 'table', element: '(ref null extern)', limits: { min: 0n, max: 4n, shared: false, index64: false } },
    m: { kind: 'memory', limits: { min: 1n, max: 2n, shared: false, index64: true } },
    g: { kind: 'global', type: 'i32', mutable: false },
    g2: { kind: 'global', type: 'f32', mutable: false },
    e: { kind: 'tag', type: { kind: 'func', params: ['f32'], results: [] } },
  });
});

test('equal recursive types of two modules are one type', () => {
  const types = new CoreTypes();
  const group = section(1, 2, 0x4e, 2, 0x50, 0, 0x5f, 1, 0x63, 1, 0, 0x60, 1, 0x63, 0, 0, 0x60, 1, 0x63, 0, 0);
  const rest = [section(2, 2, ...name('a'), ...name('b'), 0x00, 1, ...name('a'), ...name('c'), 0x00, 2)];
  const bytes = Uint8Array.from([...PREAMBLE, ...group, ...rest.flat()]);
  const a = readCoreModuleType(bytes, 0, bytes.length, types);
  const b = readCoreModuleType(bytes, 0, bytes.length, types);
  assert.equal(types.mismatch(a.imports[0]?.type ?? fail(), b.imports[0]?.type ?? fail()), undefined);
  // The function type inside the group is another type than the equal one outside.
  assert.notEqual(types.mismatch(a.imports[0]?.type ?? fail(), a.imports[1]?.type ?? fail()), undefined);
});

test('types that are skipped are there when something refers to them', () => {
  const types = new CoreTypes();
  const long = [0x60, 0x82, 0x01, ...new Array<number>(130).fill(0x7e), 0];
  const numeric = [0x60, 2, 0x7f, 0x7c, 1, 0x7d];
  const refers = (index: number): number[] => [0x60, 1, 0x63, index, 0];
  const module = (funcs: readonly number[], ...group: number[][]): CoreModuleType => {
    const content = [group.length, ...group.flat()];
    const section1 = [1, (content.length & 0x7f) | 0x80, content.length >> 7, ...content];
    const imports = funcs.flatMap((type) => [...name('m'), ...name('f'), 0x00, type]);
    const bytes = Uint8Array.from([...PREAMBLE, ...section1, ...section(2, funcs.length, ...imports)]);
    return readCoreModuleType(bytes, 0, bytes.length, types);
  };
  const a = module([0, 2, 3], numeric, [0x5f, 0], refers(0), long);
  const b = module([2, 3, 0], long, [0x5f, 0], numeric, refers(2));
  const [plain, reference, wide] = a.imports.map(({ type }) => type);
  assert.deepEqual(plain, { kind: 'func', type: { kind: 'func', params: ['i32', 'f64'], results: ['f32'] } });
  assert.equal(wide?.kind === 'func' && wide.type.params.length, 130);
  for (const [i, type] of [plain, reference, wide].entries()) {
    assert.equal(types.mismatch(type ?? fail(), b.imports[i]?.type ?? fail()), undefined);
  }
  assert.notEqual(types.mismatch(reference ?? fail(), module([1], long, refers(0)).imports[0]?.type ?? fail()), undefined);
});

function fail(): never {
  assert.fail('an import is missing');
}

const bad: readonly (readonly [string, number[][], RegExp])[] = [
  ['sections out of order', [section(3, 0), section(1, 0)], /section out of order/],
  ['a section twice', [section(1, 0), section(1, 0)], /section out of order/],
  ['an unknown section', [section(14)], /malformed section id/],
  ['bytes left over', [section(1, 0, 0)], /section size mismatch/],
  ['an export of nothing', [section(7, 1, ...name('f'), 0, 0)], /unknown function 0/],
  ['an import of an unknown type', [section(2, 1, 0, 0, 0, 0)], /unknown type 0/],
  ['an initialiser that is not constant', [section(6, 1, 0x7f, 0, 0x10, 0, 0x0b)], /constant expression required/],
  ['a type that refers to nothing', [section(1, 1, 0x60, 1, 0x63, 9, 0)], /unknown type 9/],
  ['a section that ends early', [[1, 9, 0]], /unexpected end-of-file/],
];
for (const [what, sections, message] of bad) {
  test(`bad module: ${what}`, () => {
    assert.throws(
      () => read(...sections),
      (error: unknown) => error instanceof ComponentError && message.test(error.message) && error.offset !== undefined,
    );
  });
}
