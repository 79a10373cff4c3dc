import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ComponentError, type ErrorCode } from '../errors.ts';
import { decode } from './decode.ts';
import type { Canon, Definition, TypeExpr } from './definitions.ts';

const MAGIC = [0x00, 0x61, 0x73, 0x6d];
const COMPONENT = [...MAGIC, 0x0d, 0x00, 0x01, 0x00];
const MODULE = [...MAGIC, 0x01, 0x00, 0x00, 0x00];

const section = (id: number, ...content: number[]): number[] => {
  assert.ok(content.length < 128);
  return [id, content.length, ...content];
};
const name = (text: string): number[] => [text.length, ...new TextEncoder().encode(text)];
const component = (...sections: number[][]): Uint8Array => Uint8Array.from([...COMPONENT, ...sections.flat()]);

function definitions(...sections: number[][]): Definition[] {
  return decode(component(...sections)).definitions.map(({ offset, ...rest }) => {
    assert.ok(offset >= COMPONENT.length);
    return rest as Definition;
  });
}

function fails(bytes: Uint8Array, code: ErrorCode, message: RegExp, offset: number): void {
  assert.throws(
    () => decode(bytes),
    (error: unknown) => {
      assert.ok(error instanceof ComponentError);
      assert.deepEqual([error.code, error.offset], [code, offset], error.message);
      assert.match(error.message, message);
      return true;
    },
  );
}

const types: readonly (readonly [number[], TypeExpr])[] = [
  [[0x73], { kind: 'primitive', type: 'string' }],
  [[0x64], { kind: 'primitive', type: 'error-context' }],
  [[0x72, 1, ...name('x'), 0x79], { kind: 'record', fields: [{ name: 'x', type: 'u32' }] }],
  [
    [0x71, 2, ...name('a'), 0, 0, ...name('b'), 1, 0x7f, 0],
    {
      kind: 'variant',
      cases: [
        { name: 'a', type: undefined },
        { name: 'b', type: 'bool' },
      ],
    },
  ],
  [[0x70, 0x05], { kind: 'list', element: 5, length: undefined }],
  [[0x67, 0x7d, 0x80, 0x01], { kind: 'list', element: 'u8', length: 128 }],
  [[0x63, 0x73, 0x79], { kind: 'map', key: 'string', value: 'u32' }],
  [[0x6f, 2, 0x7f, 0x74], { kind: 'tuple', types: ['bool', 'char'] }],
  [[0x6e, 1, ...name('f')], { kind: 'flags', names: ['f'] }],
  [[0x6d, 1, ...name('e')], { kind: 'enum', names: ['e'] }],
  [[0x6b, 0x76], { kind: 'option', type: 'f32' }],
  [[0x6a, 0, 1, 0x75], { kind: 'result', ok: undefined, err: 'f64' }],
  [[0x69, 3], { kind: 'own', resource: 3 }],
  [[0x68, 3], { kind: 'borrow', resource: 3 }],
  [[0x66, 1, 0x7d], { kind: 'stream', element: 'u8' }],
  [[0x65, 0], { kind: 'future', element: undefined }],
  [[0x3f, 0x7f, 1, 2], { kind: 'resource', rep: 'i32', destructor: 2 }],
  [[0x40, 1, ...name('p'), 0x79, 0, 0x73], { kind: 'func', params: [{ name: 'p', type: 'u32' }], result: 'string', async: false }],
  [[0x43, 0, 1, 0], { kind: 'func', params: [], result: undefined, async: true }],
  [
    [0x41, 1, 0x03, 0x00, ...name('r'), 0x03, 0x01],
    { kind: 'component', declarations: [{ offset: 13, kind: 'import', name: { name: 'r' }, type: { kind: 'resource' } }] },
  ],
  [
    [0x42, 1, 0x04, 0x00, ...name('t'), 0x03, 0x00, 0x07],
    { kind: 'instance', declarations: [{ offset: 13, kind: 'export', name: { name: 't' }, type: { kind: 'type eq', type: 7 } }] },
  ],
];
for (const [bytes, type] of types) {
  test(`type ${type.kind}`, () => assert.deepEqual(definitions(section(7, 1, ...bytes)), [{ kind: 'type', type }]));
}

const options = [2, 0x01, 0x03, 0x00];
const decodedOptions = [
  { kind: 'string-encoding', encoding: 'utf16' },
  { kind: 'memory', memory: 0 },
] as const;
const canons: readonly (readonly [number[], Canon])[] = [
  [[0x00, 0x00, 1, ...options, 3], { kind: 'lift', func: 1, options: decodedOptions, type: 3 }],
  [
    [0x01, 0x00, 1, 4, 0x04, 1, 0x05, 2, 0x06, 0x07, 3],
    {
      kind: 'lower',
      func: 1,
      options: [{ kind: 'realloc', func: 1 }, { kind: 'post-return', func: 2 }, { kind: 'async' }, { kind: 'callback', func: 3 }],
    },
  ],
  [[0x02, 1], { kind: 'resource.new', type: 1 }],
  [[0x03, 1], { kind: 'resource.drop', type: 1 }],
  [[0x04, 1], { kind: 'resource.rep', type: 1 }],
  [[0x05], { kind: 'task.cancel' }],
  [[0x06, 1], { kind: 'subtask.cancel', async: true }],
  [[0x09, 0, 0x79, 0], { kind: 'task.return', result: 'u32', options: [] }],
  [[0x0a, 0x7f, 1], { kind: 'context.get', type: 'i32', index: 1 }],
  [[0x0b, 0x7f, 0], { kind: 'context.set', type: 'i32', index: 0 }],
  [[0x0c, 1], { kind: 'thread.yield', cancellable: true }],
  [[0x0d], { kind: 'subtask.drop' }],
  [[0x0e, 2], { kind: 'stream.new', type: 2 }],
  [[0x0f, 2, ...options], { kind: 'stream.read', type: 2, options: decodedOptions }],
  [[0x10, 2, 0], { kind: 'stream.write', type: 2, options: [] }],
  [[0x11, 2, 1], { kind: 'stream.cancel-read', type: 2, async: true }],
  [[0x12, 2, 0], { kind: 'stream.cancel-write', type: 2, async: false }],
  [[0x13, 2], { kind: 'stream.drop-readable', type: 2 }],
  [[0x14, 2], { kind: 'stream.drop-writable', type: 2 }],
  [[0x15, 2], { kind: 'future.new', type: 2 }],
  [[0x16, 2, 0], { kind: 'future.read', type: 2, options: [] }],
  [[0x17, 2, 0], { kind: 'future.write', type: 2, options: [] }],
  [[0x18, 2, 0], { kind: 'future.cancel-read', type: 2, async: false }],
  [[0x19, 2, 0], { kind: 'future.cancel-write', type: 2, async: false }],
  [[0x1a, 2], { kind: 'future.drop-readable', type: 2 }],
  [[0x1b, 2], { kind: 'future.drop-writable', type: 2 }],
  [[0x1c, 0], { kind: 'error-context.new', options: [] }],
  [[0x1d, 0], { kind: 'error-context.debug-message', options: [] }],
  [[0x1e], { kind: 'error-context.drop' }],
  [[0x1f], { kind: 'waitable-set.new' }],
  [[0x20, 0, 3], { kind: 'waitable-set.wait', cancellable: false, memory: 3 }],
  [[0x21, 1, 3], { kind: 'waitable-set.poll', cancellable: true, memory: 3 }],
  [[0x22], { kind: 'waitable-set.drop' }],
  [[0x23], { kind: 'waitable.join' }],
  [[0x24], { kind: 'backpressure.inc' }],
  [[0x25], { kind: 'backpressure.dec' }],
  [[0x26], { kind: 'thread.index' }],
  [[0x27, 1, 2], { kind: 'thread.new-indirect', type: 1, table: 2 }],
  [[0x28], { kind: 'thread.resume-later' }],
  [[0x29, 0], { kind: 'thread.suspend', cancellable: false }],
  [[0x2a, 0], { kind: 'thread.suspend-then-resume', cancellable: false }],
  [[0x2b, 0], { kind: 'thread.yield-then-resume', cancellable: false }],
  [[0x2c, 0], { kind: 'thread.suspend-then-promote', cancellable: false }],
  [[0x2d, 0], { kind: 'thread.yield-then-promote', cancellable: false }],
  [[0x40, 0, 1], { kind: 'thread.spawn-ref', shared: false, type: 1 }],
  [[0x41, 1, 1, 2], { kind: 'thread.spawn-indirect', shared: true, type: 1, table: 2 }],
  [[0x42, 0], { kind: 'thread.available-parallelism', shared: false }],
];
for (const [bytes, canon] of canons) {
  test(`canon ${canon.kind}`, () => assert.deepEqual(definitions(section(8, 1, ...bytes)), [{ kind: 'canon', canon }]));
}

const others: readonly (readonly [
  string,
  number[],
  Definition extends infer D ? Omit<D & object, 'offset'> & Record<string, unknown> : never,
])[] = [
  [
    'core instance',
    section(2, 1, 0x00, 4, 1, ...name('env'), 0x12, 2),
    {
      kind: 'core instance',
      expr: { kind: 'instantiate', module: 4, args: [{ name: 'env', instance: 2 }] },
    },
  ],
  [
    'core instance of exports',
    section(2, 1, 0x01, 1, ...name('m'), 0x02, 3),
    {
      kind: 'core instance',
      expr: { kind: 'exports', exports: [{ name: 'm', sort: 'memory', index: 3 }] },
    },
  ],
  [
    'instance',
    section(5, 1, 0x00, 4, 1, ...name('f'), 0x01, 2),
    {
      kind: 'instance',
      expr: { kind: 'instantiate', component: 4, args: [{ name: 'f', target: { sort: 'func', index: 2 } }] },
    },
  ],
  [
    'instance of exports',
    section(5, 1, 0x01, 1, 0x00, ...name('m'), 0x00, 0x11, 3),
    {
      kind: 'instance',
      expr: { kind: 'exports', exports: [{ name: { name: 'm' }, target: { sort: 'core module', index: 3 } }] },
    },
  ],
  [
    'alias export',
    section(6, 1, 0x05, 0x00, 2, ...name('i')),
    { kind: 'alias', alias: { kind: 'export', sort: 'instance', instance: 2, name: 'i' } },
  ],
  [
    'alias core export',
    section(6, 1, 0x00, 0x02, 0x01, 1, ...name('memory')),
    {
      kind: 'alias',
      alias: { kind: 'core export', sort: 'memory', instance: 1, name: 'memory' },
    },
  ],
  [
    'alias outer',
    section(6, 1, 0x00, 0x10, 0x02, 1, 5),
    { kind: 'alias', alias: { kind: 'outer', sort: 'core type', count: 1, index: 5 } },
  ],
  ['start', section(9, 1, 2, 3, 4, 1), { kind: 'start', func: 1, args: [3, 4], results: 1 }],
  [
    'import with attributes',
    section(10, 1, 0x02, ...name('a'), 3, 0x00, ...name('b:c/d'), 0x01, ...name('.1'), 0x02, ...name('e'), 0x05, 7),
    {
      kind: 'import',
      name: { name: 'a', implements: 'b:c/d', versionSuffix: '.1', externalId: 'e' },
      type: { kind: 'instance', type: 7 },
    },
  ],
  [
    'export',
    section(11, 1, 0x01, ...name('f'), 0x01, 2, 1, 0x01, 3),
    {
      kind: 'export',
      name: { name: 'f' },
      target: { sort: 'func', index: 2 },
      type: { kind: 'func', type: 3 },
    },
  ],
  [
    'core type',
    section(3, 1, 0x60, 1, 0x7f, 1, 0x63, 0x03),
    {
      kind: 'core type',
      type: { kind: 'rec', types: [{ final: true, supertypes: [], type: { kind: 'func', params: ['i32'], results: ['(ref null $3)'] } }] },
    },
  ],
  [
    'core sub type',
    section(3, 1, 0x00, 0x50, 0, 0x5f, 2, 0x78, 0, 0x70, 1),
    {
      kind: 'core type',
      type: { kind: 'rec', types: [{ final: false, supertypes: [], type: { kind: 'struct', text: 'i8 (mut (ref null func))' } }] },
    },
  ],
];
for (const [what, bytes, definition] of others) test(what, () => assert.deepEqual(definitions(bytes), [definition]));

test('core module types', () => {
  const bytes = section(
    3,
    1,
    0x50,
    4,
    1,
    0x60,
    0,
    0,
    2,
    0x10,
    1,
    1,
    0,
    0,
    ...name('m'),
    ...name('n'),
    0x02,
    0x05,
    1,
    2,
    3,
    ...name('g'),
    0x03,
    0x7e,
    1,
  );
  const [type] = definitions(bytes);
  assert.deepEqual(type, {
    kind: 'core type',
    type: {
      kind: 'module',
      declarations: [
        {
          offset: 13,
          kind: 'type',
          type: { kind: 'rec', types: [{ final: true, supertypes: [], type: { kind: 'func', params: [], results: [] } }] },
        },
        { offset: 17, kind: 'outer alias', count: 1, index: 0 },
        {
          offset: 22,
          kind: 'import',
          module: 'm',
          name: 'n',
          type: { kind: 'memory', limits: { min: 1n, max: 2n, shared: false, index64: true } },
        },
        { offset: 31, kind: 'export', name: 'g', type: { kind: 'global', type: 'i64', mutable: true } },
      ],
    },
  });
});

test('nested components and core modules keep their ranges', () => {
  const bytes = component(section(4, ...COMPONENT, ...section(1, ...MODULE)), section(0, ...name('c'), 1, 2));
  const { definitions, customSections, start, end } = decode(bytes);
  assert.deepEqual([start, end], [0, bytes.length]);
  assert.deepEqual(customSections, [{ name: 'c', start: 32, end: 34 }]);
  assert.deepEqual(definitions, [
    {
      offset: 10,
      kind: 'component',
      component: {
        start: 10,
        end: 28,
        definitions: [{ offset: 20, kind: 'core module', start: 20, end: 28, hasTags: false }],
        customSections: [],
      },
    },
  ]);
});

const bad: readonly (readonly [string, Uint8Array, ErrorCode, RegExp, number])[] = [
  ['nothing', Uint8Array.of(), 'TENON_NOT_WASM', /end-of-file/, 0],
  ['text', Uint8Array.from(name('hello world')), 'TENON_NOT_WASM', /bad magic number/, 0],
  ['a core module', Uint8Array.from(MODULE), 'TENON_CORE_MODULE', /this is a core module/, 4],
  ['half a preamble', Uint8Array.from([...MAGIC, 0x0d]), 'TENON_MALFORMED', /unexpected end-of-file/, 0],
  ['another version', Uint8Array.from([...MAGIC, 0x0e, 0, 1, 0]), 'TENON_MALFORMED', /unknown binary version/, 4],
  ['an unknown section', component([0x0d, 0]), 'TENON_MALFORMED', /malformed section id: 13/, 8],
  ['a section past the end', component([0x07, 5, 0]), 'TENON_MALFORMED', /unexpected end-of-file/, 10],
  ['a section with bytes left over', component(section(7, 0, 0)), 'TENON_MALFORMED', /section size mismatch/, 11],
  ['a huge count', component(section(7, 0xff, 0xff, 0x0f)), 'TENON_MALFORMED', /unexpected end-of-file/, 13],
  [
    'a component where a module belongs',
    component(section(1, ...COMPONENT)),
    'TENON_MALFORMED',
    /expected a version header for a module/,
    14,
  ],
  [
    'a module where a component belongs',
    component(section(4, ...MODULE)),
    'TENON_MALFORMED',
    /expected a version header for a component/,
    14,
  ],
  ['an unknown type', component(section(7, 1, 0x62)), 'TENON_MALFORMED', /\(0x62\) for component defined type/, 11],
  ['a negative type index', component(section(7, 1, 0x70, 0x40)), 'TENON_MALFORMED', /\(0x40\) for component value type/, 12],
  ['an unknown canon', component(section(8, 1, 0x07)), 'TENON_MALFORMED', /\(0x7\) for canonical function/, 11],
  ['an import in an instance type', component(section(7, 1, 0x42, 1, 0x03)), 'TENON_MALFORMED', /instance type declaration/, 13],
  ['an attribute twice', component(section(10, 1, 0x02, 0, 2, 0x02, 0, 0x02, 0)), 'TENON_MALFORMED', /duplicate 'external-id'/, 16],
];
for (const [what, bytes, code, message, offset] of bad) test(`malformed: ${what}`, () => fails(bytes, code, message, offset));

test('deep nesting is refused, not overflowed', () => {
  let types: number[] = [0x73];
  for (let i = 0; i < 200; i++) types = [0x42, 1, 0x01, ...types];
  const content = [1, ...types];
  const bytes = Uint8Array.from([...COMPONENT, 7, 0x80 | (content.length & 0x7f), content.length >> 7, ...content]);
  fails(bytes, 'TENON_MALFORMED', /types are nested more than 100 deep/, 8 + 3 + 1 + 2 + 100 * 3 - 1);
});

test('a component cut at any byte is refused with an offset inside it', () => {
  const whole = component(
    section(1, ...MODULE),
    section(7, 1, ...(types.at(-2)?.[0] ?? [])),
    section(8, 1, ...(canons[0]?.[0] ?? [])),
    ...others.map(([, bytes]) => bytes),
  );
  assert.ok(decode(whole).definitions.length > 10);
  const boundaries = new Set<number>();
  for (let at = COMPONENT.length; at < whole.length; at += 2 + (whole[at + 1] ?? 0)) boundaries.add(at);
  for (let length = 0; length < whole.length; length++) {
    if (boundaries.has(length)) {
      decode(whole.subarray(0, length));
      continue;
    }
    assert.throws(
      () => decode(whole.subarray(0, length)),
      (error: unknown) => error instanceof ComponentError && error.offset !== undefined && error.offset <= length,
    );
  }
});

test('a component has at most a million items in the sections of one kind', () => {
  const half = [0x08, 0xf0, 0xc2, 0x1e, 0xed, 0xc2, 0x1e, ...new Array<number>(500_077).fill(0x24)];
  assert.throws(() => decode(component(half, half)), {
    code: 'TENON_MALFORMED',
    message: 'canonical function count exceeds limit of 1000000',
  });
});

test('a proposal that is not supported is said to be that', () => {
  // (canon lift 0 0x09 type 0)
  const section = [8, 7, 1, 0x00, 0x00, 0x00, 1, 0x09, 0];
  const bytes = Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, ...section);
  assert.throws(() => decode(bytes), { code: 'TENON_UNSUPPORTED', message: /canonical option `gc`, a proposal/ });
});
