import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  Canon,
  CanonOption,
  Declaration,
  Definition,
  ExternTypeExpr,
  SortIndex,
  TypeExpr,
  ValTypeExpr,
} from '../binary/definitions.ts';
import { ComponentError } from '../errors.ts';
import { type ValidatedComponent, validate } from './validate.ts';

/** A definition without its offset; tests give each its position in the list as offset. */
type Bare<T> = T extends unknown ? Omit<T, 'offset'> : never;
type Item = Bare<Definition>;

function build(items: readonly Item[]): Parameters<typeof validate>[0] {
  const definitions = items.map((item, offset) => ({ offset, ...item }) as Definition);
  return { start: 0, end: 0, definitions, customSections: [] };
}

const check = (...items: Item[]): ValidatedComponent => validate(build(items), new Uint8Array());

function rejects(message: RegExp, items: readonly Item[], offset?: number | 'anywhere', path?: string): void {
  assert.throws(
    () => check(...items),
    (error: unknown) => {
      assert.ok(error instanceof ComponentError, String(error));
      assert.match(error.message, message);
      if (offset !== 'anywhere') assert.equal(error.offset, offset ?? items.length - 1);
      if (path !== undefined) assert.equal(error.path, path);
      return true;
    },
  );
}

const type = (expr: TypeExpr): Item => ({ kind: 'type', type: expr });
const list = (element: ValTypeExpr, length?: number): TypeExpr => ({ kind: 'list', element, length });
const record = (...fields: (readonly [string, ValTypeExpr])[]): TypeExpr => ({
  kind: 'record',
  fields: fields.map(([name, t]) => ({ name, type: t })),
});
const func = (params: readonly (readonly [string, ValTypeExpr])[] = [], result?: ValTypeExpr, async = false): TypeExpr => ({
  kind: 'func',
  params: params.map(([name, t]) => ({ name, type: t })),
  result,
  async,
});
const instanceType = (...declarations: Bare<Declaration>[]): TypeExpr => ({
  kind: 'instance',
  declarations: declarations.map((d) => ({ offset: 0, ...d }) as Declaration),
});
const componentType = (...declarations: Bare<Declaration>[]): TypeExpr => ({
  kind: 'component',
  declarations: declarations.map((d) => ({ offset: 0, ...d }) as Declaration),
});
const imports = (name: string, t: ExternTypeExpr): Extract<Item, { kind: 'import' }> => ({ kind: 'import', name: { name }, type: t });
const exports_ = (name: string, target: SortIndex, t?: ExternTypeExpr): Item => ({ kind: 'export', name: { name }, target, type: t });
const declared = (name: string, t: ExternTypeExpr): Bare<Declaration> => ({ kind: 'export', name: { name }, type: t });
const nested = (...items: Item[]): Item => ({ kind: 'component', component: build(items) });
const instantiate = (component: number, ...args: (readonly [string, SortIndex])[]): Item => ({
  kind: 'instance',
  expr: { kind: 'instantiate', component, args: args.map(([name, target]) => ({ name, target })) },
});
const alias = (sort: SortIndex['sort'], instance: number, name: string): Item => ({
  kind: 'alias',
  alias: { kind: 'export', sort, instance, name },
});
const outer = (sort: SortIndex['sort'], count: number, index: number): Item => ({
  kind: 'alias',
  alias: { kind: 'outer', sort, count, index },
});
const resource: Item = type({ kind: 'resource', rep: 'i32', destructor: undefined });
const SUB: ExternTypeExpr = { kind: 'resource' };
const eq = (index: number): ExternTypeExpr => ({ kind: 'type eq', type: index });
const at = (sort: SortIndex['sort'], index: number): SortIndex => ({ sort, index });

// ---- core side: a module type gives core items of any type without a core module

/** A core module type that exports functions `f0`… of the given types, and memory `m`; and an instance of it that was imported as a module. */
function core(...types: (readonly [readonly string[], readonly string[]])[]): Item[] {
  return [
    {
      kind: 'core type',
      type: {
        kind: 'module',
        declarations: [
          ...types.flatMap(([params, results], i) => [
            {
              offset: 0,
              kind: 'type',
              type: { kind: 'rec', types: [{ final: true, supertypes: [], type: { kind: 'func', params, results } }] },
            } as const,
            { offset: 0, kind: 'export', name: `f${i}`, type: { kind: 'func', type: i } } as const,
          ]),
          {
            offset: 0,
            kind: 'export',
            name: 'm',
            type: { kind: 'memory', limits: { min: 1n, max: undefined, shared: false, index64: false } },
          },
          {
            offset: 0,
            kind: 'export',
            name: 'shared',
            type: { kind: 'memory', limits: { min: 1n, max: 2n, shared: true, index64: false } },
          },
        ],
      },
    },
    imports('core', { kind: 'module', type: 0 }),
    { kind: 'core instance', expr: { kind: 'instantiate', module: 0, args: [] } },
    ...types.map((_, i): Item => ({ kind: 'alias', alias: { kind: 'core export', sort: 'func', instance: 0, name: `f${i}` } })),
    { kind: 'alias', alias: { kind: 'core export', sort: 'memory', instance: 0, name: 'm' } },
    { kind: 'alias', alias: { kind: 'core export', sort: 'memory', instance: 0, name: 'shared' } },
  ];
}
const canon = (c: Canon): Item => ({ kind: 'canon', canon: c });
const lift = (core: number, t: number, ...options: CanonOption[]): Item => canon({ kind: 'lift', func: core, options, type: t });
const lower = (f: number, ...options: CanonOption[]): Item => canon({ kind: 'lower', func: f, options });
const MEMORY: CanonOption = { kind: 'memory', memory: 0 };
const REALLOC_TYPE = [['i32', 'i32', 'i32', 'i32'], ['i32']] as const;
const realloc = (index: number): CanonOption => ({ kind: 'realloc', func: index });

test('the type of a component has its imports and exports in order', () => {
  const { type: t } = check(
    imports('b', SUB),
    type({ kind: 'own', resource: 0 }),
    type(func([['x', 1]])),
    imports('a', { kind: 'func', type: 2 }),
    resource,
    exports_('r', at('type', 3)),
    exports_('f', at('func', 0)),
  );
  assert.deepEqual([...t.imports.keys()], ['b', 'a']);
  assert.deepEqual([...t.exports.keys()], ['r', 'f']);
  assert.equal(t.importedResources.length, 1);
  assert.equal(t.definedResources.length, 1);
  assert.notEqual(t.importedResources[0], t.definedResources[0]);
  const a = t.imports.get('a');
  assert.deepEqual(a, {
    kind: 'func',
    type: { params: [{ name: 'x', type: { kind: 'own', resource: t.importedResources[0] } }], result: undefined, async: false },
  });
});

// ---- types

const badTypes: readonly (readonly [string, RegExp, Item[]])[] = [
  ['an empty record', /record type must have at least one field/, [type(record())]],
  ['an empty variant', /variant type must have at least one case/, [type({ kind: 'variant', cases: [] })]],
  ['an empty tuple', /tuple type must have at least one type/, [type({ kind: 'tuple', types: [] })]],
  ['empty flags', /flags must have at least one entry/, [type({ kind: 'flags', names: [] })]],
  ['33 flags', /cannot have more than 32 flags/, [type({ kind: 'flags', names: Array.from({ length: 33 }, (_, i) => `f${i}`) })]],
  ['an empty enum', /enum type must have at least one variant/, [type({ kind: 'enum', names: [] })]],
  ['a label that is not kebab case', /record field name `aB` is not in kebab case/, [type(record(['aB', 'u8']))]],
  [
    'two labels that differ in hyphens',
    /enum tag name `ab` conflicts with previous tag name `a-b`/,
    [type({ kind: 'enum', names: ['a-b', 'ab'] })],
  ],
  ['two labels that differ in case', /enum tag name `A` conflicts with previous tag name `a`/, [type({ kind: 'enum', names: ['a', 'A'] })]],
  ['a list of no elements', /more than zero elements/, [type(list('u8', 0))]],
  ['a map with float keys', /a map key must be/, [type({ kind: 'map', key: 'f32', value: 'u8' })]],
  ['a stream of char', /not valid at this time/, [type({ kind: 'stream', element: 'char' })]],
  ['own of a value type', /type index 0 is not a resource type/, [type(list('u8')), type({ kind: 'own', resource: 0 })]],
  ['a list of a function type', /type index 0 is not a defined type/, [type(func()), type(list(0))]],
  ['a type that is not there', /type index out of bounds/, [type(list(0))]],
  [
    'a borrow in a result',
    /function result cannot contain a `borrow` type/,
    [resource, type({ kind: 'borrow', resource: 0 }), type(list(1)), type(func([], 2))],
  ],
  [
    'a borrow in a future',
    /a future cannot contain a `borrow`/,
    [resource, type({ kind: 'borrow', resource: 0 }), type({ kind: 'future', element: 1 })],
  ],
  ['a value of 2^28 bytes', /exceeds maximum byte size/, [type(list('u8', 2 ** 14)), type(list(0, 2 ** 14))]],
  [
    'a resource in an instance type',
    /resources can only be defined within a concrete component/,
    [type(instanceType(resource as Bare<Declaration>))],
  ],
  ['a 64-bit resource', /resources can only be represented by `i32`/, [type({ kind: 'resource', rep: 'i64', destructor: undefined })]],
  [
    'a destructor of the wrong type',
    /wrong signature for a destructor/,
    [...core([[], []]), type({ kind: 'resource', rep: 'i32', destructor: 0 })],
  ],
  ['a type that nests too deep', /type nesting is too deep/, [type(list('u8')), ...Array.from({ length: 99 }, (_, i) => type(list(i)))]],
  [
    'a type that is exponentially large',
    /effective type size exceeds the limit/,
    [type({ kind: 'tuple', types: ['u8', 'u8'] }), ...Array.from({ length: 18 }, (_, i) => type({ kind: 'tuple', types: [i, i] }))],
  ],
];
for (const [what, message, items] of badTypes) test(`types: ${what}`, () => rejects(message, items));

test('values are refused clearly', () => {
  rejects(/support for component model `value`s is not enabled/, [imports('v', { kind: 'value', type: 'u8' })]);
  rejects(/`value`s is not enabled/, [{ kind: 'value', type: 'u8', start: 0, end: 0 }]);
  rejects(/`value`s is not enabled/, [{ kind: 'start', func: 0, args: [], results: 0 }]);
});

// ---- names

const F: ExternTypeExpr = { kind: 'func', type: 0 };
const I: ExternTypeExpr = { kind: 'instance', type: 0 };
const inst = type(instanceType());
const handles = [
  imports('r', SUB),
  imports('q', SUB),
  type({ kind: 'own', resource: 0 }),
  type({ kind: 'borrow', resource: 0 }),
  type({ kind: 'result', ok: 2, err: 'string' }),
];
const named = (name: string, t: TypeExpr): Item[] => [...handles, type(t), imports(name, { kind: 'func', type: 5 })];
for (const items of [
  named('[constructor]r', func([], 2)),
  named('[constructor]r', func([['x', 'u8']], 4)),
  named('[method]r.go', func([['self', 3]], 'u8')),
  named('[static]r.make', func()),
]) {
  test(`names: ${(items.at(-1) as { name: { name: string } }).name.name} is valid`, () => void check(...items));
}
const badNames: readonly (readonly [string, RegExp, Item[]])[] = [
  ['no kebab case', /import name `aB` is not a valid extern name/, [type(func()), imports('aB', F)]],
  ['clash but for hyphens', /import name `ab` conflicts with previous name `a-b`/, [type(func()), imports('a-b', F), imports('ab', F)]],
  ['clash in case', /import name `A` conflicts with previous name `a`/, [type(func()), imports('a', F), imports('A', F)]],
  [
    'clash of method and function',
    /conflicts with previous name/,
    [...named('[static]r.q', func()), imports('[static]q.r', { kind: 'func', type: 5 }), imports('[static]r.R', { kind: 'func', type: 5 })],
  ],
  ['a bad version', /unexpected character 'b'/, [inst, imports('a:b/c@2.b', I)]],
  ['a url as export', /is not a valid export name/, [type(func()), imports('f', F), exports_('url=<x>', at('func', 0))]],
  [
    'implements on an interface',
    /not valid with `implements`/,
    [inst, { ...imports('a:b/c', I), name: { name: 'a:b/c', implements: 'd:e/f' } }],
  ],
  [
    'implements on a function',
    /only instances can have an `implements`/,
    [type(func()), { ...imports('a', F), name: { name: 'a', implements: 'd:e/f' } }],
  ],
  ['implements of a plain name', /must be an interface/, [inst, { ...imports('a', I), name: { name: 'a', implements: 'd' } }]],
  [
    'a version suffix after a whole version',
    /must end in a canonical version/,
    [inst, { ...imports('a', I), name: { name: 'a:b/c@1.2.3', versionSuffix: '' } }],
  ],
  [
    'a version suffix that makes no version',
    /invalid interface version/,
    [inst, { ...imports('a', I), name: { name: 'a:b/c@0.2', versionSuffix: '.x' } }],
  ],
  ['a constructor of nothing', /function should return one value/, named('[constructor]r', func())],
  ['a constructor of another type', /should return `\(own \$T\)`/, named('[constructor]r', func([], 'u8'))],
  ['a constructor of another resource', /does not match expected resource name `r`/, named('[constructor]q', func([], 2))],
  ['an async constructor', /constructor function cannot be async/, named('[constructor]r', func([], 2, true))],
  ['a method without self', /should have at least one argument/, named('[method]r.go', func())],
  ['a method with another first argument', /first argument called `self`/, named('[method]r.go', func([['this', 3]]))],
  ['a method on own', /first argument of `\(borrow \$T\)`/, named('[method]r.go', func([['self', 2]]))],
  ['a static of no resource', /static resource name is not known/, named('[static]x.make', func())],
  ['a method that is a type', /item is not a func/, [imports('r', SUB), imports('[static]r.a', SUB)]],
];
for (const [what, message, items] of badNames) test(`names: ${what}`, () => rejects(message, items));

test('a version suffix completes a canonical version', () => {
  check(inst, { ...imports('a', I), name: { name: 'a:b/c@0.2', versionSuffix: '.6-rc.1' } });
});

// ---- visibility

const visible: readonly (readonly [string, Item[]])[] = [
  [
    'an imported record in an import',
    [type(record(['x', 'u8'])), imports('t', eq(0)), type(func([['a', 1]])), imports('f', { kind: 'func', type: 2 })],
  ],
  [
    'anonymous types of visible ones',
    [type(record(['x', 'u8'])), imports('t', eq(0)), type(list(1)), type(func([['a', 2]])), imports('f', { kind: 'func', type: 3 })],
  ],
  [
    'types of an imported instance',
    [
      type(instanceType(type(record(['x', 'u8'])) as Bare<Declaration>, declared('t', eq(0)))),
      imports('i', { kind: 'instance', type: 0 }),
      alias('type', 0, 't'),
      type(func([['a', 1]])),
      imports('f', { kind: 'func', type: 2 }),
    ],
  ],
  [
    'what an instance type names, within it',
    [
      type(
        instanceType(
          type(record(['x', 'u8'])) as Bare<Declaration>,
          declared('t', eq(0)),
          type(func([['a', 1]])) as Bare<Declaration>,
          declared('f', { kind: 'func', type: 2 }),
        ),
      ),
      exports_('i', at('type', 0)),
    ],
  ],
];
for (const [what, items] of visible) test(`visible: ${what}`, () => void check(...items));
const invisible: readonly (readonly [string, RegExp, Item[]])[] = [
  [
    'an anonymous record in an import',
    /func not valid to be used as import/,
    [type(record(['x', 'u8'])), type(func([['a', 0]])), imports('f', { kind: 'func', type: 1 })],
  ],
  [
    'the type before it was imported',
    /func not valid to be used as import/,
    [type(record(['x', 'u8'])), imports('t', eq(0)), type(func([['a', 0]])), imports('f', { kind: 'func', type: 2 })],
  ],
  [
    'an exported type in an import',
    /func not valid to be used as import/,
    [type({ kind: 'enum', names: ['x'] }), exports_('t', at('type', 0)), type(func([['a', 1]])), imports('f', { kind: 'func', type: 2 })],
  ],
  [
    'a record of an anonymous enum',
    /type not valid to be used as export/,
    [type({ kind: 'enum', names: ['x'] }), type(record(['x', 0])), exports_('t', at('type', 1))],
  ],
  [
    'what an instance type names, outside of it',
    /func not valid to be used as export/,
    [
      type({ kind: 'enum', names: ['x'] }),
      type(instanceType({ kind: 'alias', alias: { kind: 'outer', sort: 'type', count: 1, index: 0 } }, declared('t', eq(0)))),
      exports_('i', at('type', 1)),
      type(func([['a', 0]])),
      ...core([['i32'], []]),
      lift(0, 3),
      exports_('f', at('func', 0)),
    ],
  ],
  [
    'what an instance type does not name',
    /type not valid to be used as export/,
    [
      type(
        instanceType(
          type(record(['x', 'u8'])) as Bare<Declaration>,
          type(func([['a', 0]])) as Bare<Declaration>,
          declared('f', { kind: 'func', type: 1 }),
        ),
      ),
      exports_('i', at('type', 0)),
    ],
  ],
  [
    'a function of a local resource',
    /func not valid to be used as export/,
    [...core([[], ['i32']]), resource, type({ kind: 'own', resource: 0 }), type(func([], 1)), lift(0, 2), exports_('f', at('func', 0))],
  ],
];
for (const [what, message, items] of invisible) test(`not visible: ${what}`, () => rejects(message, items));

// ---- resources

const wantsResource = nested(
  imports('a', SUB),
  type({ kind: 'own', resource: 0 }),
  type(func([['x', 1]])),
  imports('f', { kind: 'func', type: 2 }),
);
const twoResources = [
  imports('r', SUB),
  imports('q', SUB),
  type({ kind: 'own', resource: 0 }),
  type(func([['x', 2]])),
  imports('g', { kind: 'func', type: 3 }),
];

test('resources are substituted when a component is instantiated', () => {
  check(...twoResources, wantsResource, instantiate(0, ['a', at('type', 0)], ['f', at('func', 0)]));
  rejects(/type mismatch for import `f`: type mismatch in function parameter `x`: resource types are not the same/, [
    ...twoResources,
    wantsResource,
    instantiate(0, ['a', at('type', 1)], ['f', at('func', 0)]),
  ]);
});

test('each instantiation makes its own resource', () => {
  const maker = nested(resource, exports_('r', at('type', 0)));
  const items = [
    maker,
    instantiate(0),
    instantiate(0),
    alias('type', 0, 'r'),
    alias('type', 1, 'r'),
    nested(imports('a', SUB), imports('b', eq(0))),
  ];
  check(...items, instantiate(1, ['a', at('type', 0)], ['b', at('type', 0)]));
  rejects(/resource types are not the same/, [...items, instantiate(1, ['a', at('type', 0)], ['b', at('type', 1)])]);
});

test('two imports of one instance type do not share resources', () => {
  rejects(/resource types are not the same/, [
    type(instanceType(declared('r', SUB))),
    imports('i', I),
    imports('j', I),
    alias('type', 0, 'r'),
    alias('type', 1, 'r'),
    nested(imports('a', SUB), imports('b', eq(0))),
    instantiate(0, ['a', at('type', 1)], ['b', at('type', 2)]),
  ]);
});

test('only local resources can be made and read', () => {
  for (const kind of ['resource.new', 'resource.rep'] as const) {
    check(resource, canon({ kind, type: 0 }));
    rejects(/type 0 is not a local resource/, [imports('r', SUB), canon({ kind, type: 0 })]);
  }
  check(imports('r', SUB), canon({ kind: 'resource.drop', type: 0 }));
  rejects(/type index 0 is not a resource type/, [type(list('u8')), canon({ kind: 'resource.drop', type: 0 })]);
});

test('outer aliases do not carry resources into components', () => {
  check(type(list('u8')), nested(outer('type', 1, 0)));
  check(imports('r', SUB), type(instanceType(outer('type', 1, 0) as Bare<Declaration>)));
  rejects(
    /transitively refers to resources/,
    [imports('r', SUB), type({ kind: 'own', resource: 0 }), nested(outer('type', 1, 1))],
    0,
    'component[0] > alias outer',
  );
  rejects(/transitively refers to resources/, [imports('r', SUB), nested(type(instanceType(outer('type', 2, 0) as Bare<Declaration>)))], 0);
  rejects(/invalid outer alias count of 1/, [outer('type', 1, 0)]);
});

test('what a type scope may alias', () => {
  rejects(/may only refer to types or instances/, [nested(), type(instanceType(outer('component', 1, 0) as Bare<Declaration>))], 0);
});

// ---- instances and subtyping

test('arguments by name', () => {
  const wants = nested(type(func()), imports('f', F));
  rejects(/missing import named `f`/, [wants, instantiate(0)]);
  rejects(/expected func, found component/, [wants, instantiate(0, ['f', at('component', 0)])]);
  rejects(/conflicts with previous argument/, [
    wants,
    type(func()),
    imports('g', F),
    instantiate(0, ['f', at('func', 0)], ['f', at('func', 0)]),
  ]);
  check(wants, type(func()), imports('g', F), instantiate(0, ['f', at('func', 0)], ['unused', at('func', 0)]));
});

const mismatches: readonly (readonly [TypeExpr, TypeExpr, RegExp])[] = [
  [func([['x', 'u8']]), func(), /expected 0 parameters, found 1/],
  [func([['x', 'u8']]), func([['y', 'u8']]), /expected parameter named `y`, found `x`/],
  [func([['x', 'string']]), func([['x', 'u32']]), /function parameter `x`: expected primitive `u32` found primitive `string`/],
  [func([], 'u8'), func(), /expected a result, found none/],
  [func([], undefined, true), func(), /expected sync function, found async function/],
];
for (const [given, wanted, message] of mismatches) {
  test(`subtyping: ${message.source}`, () => {
    rejects(message, [nested(type(wanted), imports('f', F)), type(given), imports('g', F), instantiate(0, ['f', at('func', 0)])]);
  });
}

test('an instance may export more, a component may import less', () => {
  const big = type(instanceType(type(func()) as Bare<Declaration>, declared('a', F), declared('b', F)));
  const small = type(instanceType(type(func()) as Bare<Declaration>, declared('a', F)));
  check(nested(small, imports('i', I)), big, imports('j', I), instantiate(0, ['i', at('instance', 0)]));
  rejects(/missing expected export `b`/, [nested(big, imports('i', I)), small, imports('j', I), instantiate(0, ['i', at('instance', 0)])]);
  const needs = type(componentType(imports('r', SUB) as Bare<Declaration>, declared('s', eq(0))));
  const needsMore = type(
    componentType(imports('r', SUB) as Bare<Declaration>, imports('q', SUB) as Bare<Declaration>, declared('s', eq(0))),
  );
  const C: ExternTypeExpr = { kind: 'component', type: 0 };
  check(nested(needsMore, imports('c', C)), needs, imports('d', C), instantiate(0, ['c', at('component', 1)]));
  rejects(/missing import named `q`/, [
    nested(needs, imports('c', C)),
    needsMore,
    imports('d', C),
    instantiate(0, ['c', at('component', 1)]),
  ]);
});

test('aliases of exports', () => {
  const items = [type(instanceType(type(func()) as Bare<Declaration>, declared('a', F))), imports('i', I)];
  check(...items, alias('func', 0, 'a'));
  rejects(/instance 0 has no export named `b`/, [...items, alias('func', 0, 'b')]);
  rejects(/export `a` for instance 0 is not a component/, [...items, alias('component', 0, 'a')]);
  rejects(/instance index out of bounds/, [alias('func', 0, 'a')]);
});

test('an export may be ascribed a supertype only', () => {
  const items = [type(instanceType(type(func()) as Bare<Declaration>, declared('a', F))), imports('i', I), type(instanceType())];
  const { type: t } = check(...items, exports_('j', at('instance', 0), { kind: 'instance', type: 1 }));
  const j = t.exports.get('j');
  assert.ok(j?.kind === 'instance' && j.type.exports.size === 0);
  rejects(/ascribed type of export is not compatible/, [
    type(func()),
    imports('f', F),
    type(func([['x', 'u8']])),
    exports_('g', at('func', 0), { kind: 'func', type: 1 }),
  ]);
});

// ---- canonical definitions

test('lifts need the core type that the signature flattens to', () => {
  const string = type(func([['s', 'string']], 'u32'));
  const base = core([['i32', 'i32'], ['i32']], REALLOC_TYPE, [[], []]);
  check(...base, string, lift(0, 0, MEMORY, realloc(1)));
  rejects(/canonical option `memory` is required/, [...base, string, lift(0, 0)]);
  rejects(/canonical option `realloc` is required/, [...base, string, lift(0, 0, MEMORY)]);
  rejects(/lowered parameter types `\[I32, I32\]` do not match parameter types `\[\]` of core function 2/, [
    ...base,
    string,
    lift(2, 0, MEMORY, realloc(1)),
  ]);
  rejects(/lowered result types `\[I32\]` do not match/, [...core([[], []]), type(func([], 'u32')), lift(0, 0)]);
  rejects(/type index 0 is not a function type/, [...base, type(list('u8')), lift(0, 0)]);
});

test('lowers need what their results take', () => {
  const base = core(REALLOC_TYPE);
  const imported = (t: TypeExpr): Item[] => [...base, type(t), imports('f', F)];
  check(...imported(func([['x', 'u8']], 'u8')), lower(0));
  rejects(/`memory` is required/, [...imported(func([['s', 'string']])), lower(0)]);
  check(...imported(func([['s', 'string']])), lower(0, MEMORY));
  rejects(/`realloc` is required/, [...imported(func([], 'string')), lower(0, MEMORY)]);
  rejects(/`post-return` cannot be specified for lowerings/, [...imported(func()), lower(0, { kind: 'post-return', func: 0 })]);
  rejects(/`async` canonical option requires an async function type/, [...imported(func()), lower(0, { kind: 'async' })]);
  check(...imported(func([], undefined, true)), lower(0, { kind: 'async' }));
  rejects(/`memory` is required/, [...imported(func([], 'u8', true)), lower(0, { kind: 'async' })]);
});

const badOptions: readonly (readonly [RegExp, CanonOption[]])[] = [
  [
    /`utf8` conflicts with option `latin1-utf16`/,
    [
      { kind: 'string-encoding', encoding: 'utf8' },
      { kind: 'string-encoding', encoding: 'latin1+utf16' },
    ],
  ],
  [/`memory` is specified more than once/, [MEMORY, MEMORY]],
  [/`realloc` is specified more than once/, [MEMORY, realloc(1), realloc(1)]],
  [
    /`post-return` is specified more than once/,
    [
      { kind: 'post-return', func: 0 },
      { kind: 'post-return', func: 0 },
    ],
  ],
  [/`async` is specified more than once/, [{ kind: 'async' }, { kind: 'async' }]],
  [/`realloc` requires `memory`/, [realloc(1)]],
  [/`realloc` uses a core function with an incorrect signature/, [MEMORY, realloc(0)]],
  [/`post-return` uses a core function with an incorrect signature/, [{ kind: 'post-return', func: 1 }]],
  [/memory index out of bounds/, [{ kind: 'memory', memory: 9 }]],
  [/shared flag for memories/, [{ kind: 'memory', memory: 1 }]],
  [/cannot specify callback without async/, [{ kind: 'callback', func: 0 }]],
  [/cannot specify post-return function in async/, [{ kind: 'async' }, { kind: 'post-return', func: 0 }]],
  [/`callback` uses a core function with an incorrect signature/, [{ kind: 'async' }, { kind: 'callback', func: 0 }]],
];
for (const [message, options] of badOptions) {
  test(`canonical options: ${message.source}`, () => {
    rejects(message, [...core([[], []], REALLOC_TYPE), type(func([], undefined, true)), lift(0, 0, ...options)]);
  });
}

test('built-ins on streams and futures', () => {
  const stream = [...core(REALLOC_TYPE), type({ kind: 'stream', element: 'string' })];
  check(...stream, canon({ kind: 'stream.new', type: 0 }), canon({ kind: 'stream.write', type: 0, options: [MEMORY] }));
  check(...stream, canon({ kind: 'stream.read', type: 0, options: [MEMORY, realloc(0)] }));
  rejects(/`realloc` is required/, [...stream, canon({ kind: 'stream.read', type: 0, options: [MEMORY] })]);
  rejects(/`memory` is required/, [...stream, canon({ kind: 'stream.write', type: 0, options: [] })]);
  rejects(/`future.new` requires a future type/, [...stream, canon({ kind: 'future.new', type: 0 })]);
  rejects(/cannot specify `realloc` option on `task.return`/, [
    ...stream,
    canon({ kind: 'task.return', result: undefined, options: [MEMORY, realloc(0)] }),
  ]);
  rejects(/immediate must be zero or one: 2/, [canon({ kind: 'context.get', type: 'i32', index: 2 })]);
  rejects(/requires the shared-everything-threads proposal/, [canon({ kind: 'thread.available-parallelism', shared: false })]);
});

test('core instances', () => {
  const base = core([[], []]);
  const bag = (...items: (readonly [string, 'func' | 'memory', number])[]): Item => ({
    kind: 'core instance',
    expr: { kind: 'exports', exports: items.map(([name, sort, index]) => ({ name, sort, index })) },
  });
  check(...base, bag(['a', 'func', 0], ['b', 'memory', 0]));
  rejects(/`a` already defined/, [...base, bag(['a', 'func', 0], ['a', 'memory', 0])]);
  rejects(/function index out of bounds/, [...base, bag(['a', 'func', 3])]);
  rejects(/core instance 0 has no export named `zz`/, [
    ...base,
    { kind: 'alias', alias: { kind: 'core export', sort: 'func', instance: 0, name: 'zz' } },
  ]);
  rejects(/export `m` for core instance 0 is not a function/, [
    ...base,
    { kind: 'alias', alias: { kind: 'core export', sort: 'func', instance: 0, name: 'm' } },
  ]);
});

// ---- hostile input: each of these is small, and would take a naive validator minutes or the memory of the machine

test('many instances of a huge type are too complex', () => {
  const wide = instanceType(declared('r', SUB), ...Array.from({ length: 2_000 }, (_, i) => declared(`t${i}`, eq(0))));
  rejects(/too complex to validate/, [type(wide), ...Array.from({ length: 1_000 }, (_, i) => imports(`i${i}`, I))], 'anywhere');
});

test('a long chain of instances in instances is refused before it overflows the stack', () => {
  const chain = Array.from(
    { length: 999 },
    (_, i): Item => ({
      kind: 'instance',
      expr: { kind: 'exports', exports: [{ name: { name: 'i' }, target: at('instance', i) }] },
    }),
  );
  rejects(/type nesting is too deep/, [inst, imports('i', I), ...chain], 201);
});

test('a thousand instances are the limit', () => {
  rejects(/instances count exceeds limit of 1000/, [inst, ...Array.from({ length: 1_001 }, (_, i) => imports(`i${i}`, I))]);
});

test('the core modules of a binary are counted over all its components', () => {
  const module = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
  const bytes = new Uint8Array(10_001 * module.length);
  for (let at = 0; at < bytes.length; at += module.length) bytes.set(module, at);
  const modules = (from: number, count: number): Item =>
    nested(
      ...Array.from(
        { length: count },
        (_, i): Item => ({ kind: 'core module', hasTags: false, start: 8 * (from + i), end: 8 * (from + i + 1) }),
      ),
    );
  const ten = Array.from({ length: 10 }, (_, i) => modules(1000 * i, 1000));
  validate(build(ten), bytes);
  assert.throws(() => validate(build([...ten, modules(10_000, 1)]), bytes), {
    code: 'TENON_UNSUPPORTED',
    message: /at most 10000 core modules/,
  });
});

test('messages and paths quote the beginning of long names', () => {
  const long = 'a'.repeat(99_000);
  const shown = `${'a'.repeat(100)}…`;
  rejects(
    new RegExp(`^import name \`${shown}\` conflicts with previous name \`${shown}\`$`),
    [type(instanceType()), imports(long, { kind: 'instance', type: 0 }), imports(long, { kind: 'instance', type: 0 })],
    2,
    `import "${shown}"`,
  );
  // A name with quotation marks of its own.
  assert.throws(
    () => check(imports('`'.repeat(99_000), { kind: 'instance', type: 0 })),
    (error: unknown) => error instanceof ComponentError && error.message.length < 3_000,
  );
});

test('names with hashes are unique as they are written', () => {
  const hash = (text: string): Item => imports(`integrity=<sha256-${text}>`, { kind: 'instance', type: 0 });
  check(type(instanceType()), hash('ABC='), hash('abc='));
  rejects(/conflicts with previous name/, [type(instanceType()), hash('ABC='), hash('ABC=')]);
});
