import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ExternDescription, type ExternType, Linker, originOf } from '@tenon/component';
import { assemble, dummy, part, referenceWit } from '../../test/dummy.ts';
import { ToolkitError } from '../errors.ts';
import { compose, type Part } from './compose.ts';

const MATH = 'interface math { add: func(a: s32, b: s32) -> s32; }';
const mathPackage = (version: string): string => `package example:math${version} { ${MATH} }`;
const world = (items: string, ...packages: string[]): string => `package root:component; world root { ${items} } ${packages.join(' ')}`;

const IO = (version: string): string => `package wasi:io@${version} {
  interface error { resource error { to-debug-string: func() -> string; } }
  interface streams {
    use error.{error};
    variant stream-error { last-operation-failed(error), closed }
    resource output-stream {
      check-write: func() -> result<u64, stream-error>;
      write: func(contents: list<u8>) -> result<_, stream-error>;
    }
  }
}`;
const CLI = (version: string): string => `package wasi:cli@${version} {
  interface stdout { use wasi:io/streams@${version}.{output-stream}; get-stdout: func() -> output-stream; }
}`;

interface Case {
  readonly socket: string;
  readonly plugs: Record<string, string>;
  readonly imports: readonly string[];
  readonly exports: readonly string[];
  readonly connections: readonly string[];
}

const cases: Record<string, Case> = {
  'the same name': {
    socket: world('import example:math/math; export run: func();', mathPackage('')),
    plugs: { math: world('export example:math/math;', mathPackage('')) },
    imports: [],
    exports: ['run'],
    connections: ['socket example:math/math <- math example:math/math'],
  },
  'a compatible version': {
    socket: world(
      'import example:math/math@1.2.0; export example:app/api;',
      mathPackage('@1.2.0'),
      'package example:app { interface api { f: func(); } }',
    ),
    plugs: { math: world('export example:math/math@1.10.1;', mathPackage('@1.10.1')) },
    imports: [],
    exports: ['example:app/api'],
    connections: ['socket example:math/math@1.2.0 <- math example:math/math@1.10.1'],
  },
  'plugs that use each other, given in any order': {
    socket: world('import a:x/one; export run: func();', 'package a:x { interface one { f: func() -> string; } }'),
    plugs: {
      one: world(
        'import a:y/two; export a:x/one;',
        'package a:x { interface one { f: func() -> string; } } package a:y { interface two { g: func() -> u8; } }',
      ),
      two: world('export a:y/two;', 'package a:y { interface two { g: func() -> u8; } }'),
    },
    imports: [],
    exports: ['run'],
    connections: ['one a:y/two <- two a:y/two', 'socket a:x/one <- one a:x/one'],
  },
  'imports that are left are merged over shared resources': {
    socket: world(
      'import wasi:cli/stdout@0.2.0; import example:math/math; export run: func();',
      CLI('0.2.0'),
      IO('0.2.0'),
      mathPackage(''),
    ),
    plugs: { math: world('import wasi:cli/stdout@0.2.6; export example:math/math;', CLI('0.2.6'), IO('0.2.6'), mathPackage('')) },
    imports: ['wasi:io/error@0.2.6', 'wasi:io/streams@0.2.6', 'wasi:cli/stdout@0.2.6'],
    exports: ['run'],
    connections: ['socket example:math/math <- math example:math/math'],
  },
  'resources and types that go through the seam': {
    socket: world(
      'import a:b/store; import a:b/user; export c:d/api;',
      `package a:b {
        interface store { record item { name: string } resource bag { constructor(); put: func(i: item); } }
        interface user { use store.{bag, item}; fill: func(b: borrow<bag>) -> list<item>; }
      } package c:d { interface api { use a:b/store.{bag}; make: func() -> bag; } }`,
    ),
    plugs: {
      bags: world(
        'export a:b/store; export a:b/user;',
        `package a:b {
          interface store { record item { name: string } resource bag { constructor(); put: func(i: item); size: func() -> u32; } }
          interface user { use store.{bag, item}; fill: func(b: borrow<bag>) -> list<item>; }
        }`,
      ),
    },
    imports: [],
    exports: ['c:d/api'],
    connections: ['socket a:b/store <- bags a:b/store', 'socket a:b/user <- bags a:b/user'],
  },
  'types of the world itself': {
    socket: world(
      'record pair { a: u8, b: u8 } import log: func(p: pair); import example:math/math; export run: func(p: pair) -> pair;',
      mathPackage(''),
    ),
    plugs: { math: world('export example:math/math;', mathPackage('')) },
    imports: ['pair', 'log'],
    exports: ['run'],
    connections: ['socket example:math/math <- math example:math/math'],
  },
};

for (const [name, { socket, plugs, imports, exports, connections }] of Object.entries(cases)) {
  test(`compose: ${name}`, async () => {
    const parts = await Promise.all(Object.entries(plugs).map(([plug, wit]) => dummy(plug, wit)));
    const composed = compose(await dummy('socket', socket), parts);
    assert.deepEqual(
      composed.connections.map((c) => `${c.importer} ${c.import} <- ${c.exporter} ${c.export}`),
      connections,
    );
    assert.deepEqual([composed.imports, composed.exports], [imports, exports]);
    const { component } = await part('composed', composed.bytes);
    assert.deepEqual(
      component.imports.map((item) => item.name),
      imports,
    );
    assert.deepEqual(
      component.exports.map((item) => item.name),
      exports,
    );
    // An independent validator agrees.
    await referenceWit(composed.bytes);
  });
}

/** The functions of a calculator, lifted: `$add` and `$double`. */
const MATH_CODE = `
  (core module $m
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
  (core instance $i (instantiate $m))
  (func $add (param "a" s32) (param "b" s32) (result s32) (canon lift (core func $i "add")))
  (instance $math (export "add" (func $add)))
  (export "example:math/math" (instance $math))`;
const USER = `(component
  (import "example:math/math" (instance $math (export "add" (func (param "a" s32) (param "b" s32) (result s32)))))
  (alias export $math "add" (func $add))
  (core func $add' (canon lower (func $add)))
  (core module $m
    (import "" "add" (func $add (param i32 i32) (result i32)))
    (func (export "run") (result i32) (call $add (i32.const 40) (i32.const 2))))
  (core instance $i (instantiate $m (with "" (instance (export "add" (func $add'))))))
  (func (export "run") (result s32) (canon lift (core func $i "run"))))`;
const TYPES = `
  (import "a:b/types" (instance $types
    (type $inner' (record (field "x" u32))) (export "inner" (type $inner (eq $inner')))
    (type $outer' (record (field "i" $inner))) (export "outer" (type $outer (eq $outer')))))
  (alias export $types "outer" (type $outer))`;

/** Plugs whose imports use types of types that they do not name, as sockets and HTTP of WASI do. */
const remaining: Record<string, { readonly plug: string; readonly imports: readonly string[] }> = {
  'a type of a type of another interface': {
    plug: `(component ${TYPES}
      (import "a:b/api" (instance
        (alias outer 1 $outer (type $o')) (export "outer" (type $o (eq $o')))
        (export "f" (func (param "o" $o)))))
      ${MATH_CODE})`,
    imports: ['a:b/types', 'a:b/api'],
  },
  'a type of an interface in a function of the world': {
    plug: `(component ${TYPES} (import "f" (func (param "o" $outer))) ${MATH_CODE})`,
    imports: ['a:b/types', 'f'],
  },
  'aliases, and types that only look alike': {
    plug: `(component
      (import "a:b/types" (instance $types
        (type $size' u64) (export "size" (type $size (eq $size')))
        (type $p' (record (field "x" $size))) (export "p" (type $p (eq $p')))
        (type $q' (record (field "x" $size))) (export "q" (type $q (eq $q')))
        (type $l' (list $q)) (export "qs" (type (eq $l')))))
      (alias export $types "size" (type $size)) (alias export $types "q" (type $q)) (alias export $types "qs" (type $qs))
      (import "a:b/api" (instance
        (alias outer 1 $size (type $s')) (export "length" (type $s (eq $s')))
        (alias outer 1 $q (type $q'))  (export "q" (type $q (eq $q')))
        (alias outer 1 $qs (type $qs)) (alias outer 1 $size (type $size))
        (export "f" (func (param "q" $q) (param "qs" $qs) (param "s" $size) (result $s)))))
      ${MATH_CODE})`,
    imports: ['a:b/types', 'a:b/api'],
  },
};

for (const [name, { plug, imports }] of Object.entries(remaining)) {
  test(`compose: what is left keeps ${name}`, async () => {
    const math = await assemble('math', plug);
    const { bytes } = compose(await assemble('user', USER), [math]);
    const { component } = await part('composed', bytes);
    assert.deepEqual(
      component.imports.map((item) => item.name),
      imports,
    );
    // The names in the binary are those of the part.
    assert.deepEqual(nameLinks(component.imports), nameLinks(math.component.imports));
    await referenceWit(bytes);
    const host = new Proxy({}, { get: () => () => 0n });
    const linker = new Linker();
    for (const item of imports) linker.define(item, item === 'f' ? () => {} : host);
    const { exports } = await linker.instantiate(component);
    assert.equal((exports.run as () => number)(), 42);
  });
}

/** Each named type with the name that it was made from, and each parameter with the name of its type. */
function nameLinks(items: readonly ExternDescription[]): string[] {
  const names = new Map<object, string>();
  const links: string[] = [];
  const visit = (path: string, type: ExternType): void => {
    if (type.kind === 'instance') for (const [name, item] of type.type.exports) visit(`${path}.${name}`, item);
    if (type.kind === 'type' && type.type.kind === 'value') {
      names.set(type.type.type, path);
      const origin = originOf(type.type.type);
      links.push(`${path} = ${(origin && names.get(origin)) ?? type.type.type.kind}`);
    }
    if (type.kind === 'func') {
      for (const param of type.type.params) links.push(`${path} ${param.name}: ${names.get(param.type) ?? param.type.kind}`);
    }
  };
  for (const { name, type } of items) visit(name, type);
  return links;
}

test('compose: a resource that the world uses comes from the plug that has its interface', async () => {
  const socket = await assemble(
    'socket',
    `(component
      (import "a:b/t" (instance $t (export "r" (type (sub resource)))))
      (alias export $t "r" (type $r))
      (import "r" (type $r2 (eq $r)))
      (import "make" (func $make (result (own $r2))))
      (core func $make' (canon lower (func $make)))
      (core func $drop (canon resource.drop $r2))
      (core module $m (import "" "make" (func $make (result i32))) (import "" "drop" (func $drop (param i32)))
        (func (export "run") (result i32) (local i32) (local.set 0 (call $make)) (call $drop (local.get 0)) (local.get 0)))
      (core instance $i (instantiate $m (with "" (instance (export "make" (func $make')) (export "drop" (func $drop))))))
      (func (export "run") (result u32) (canon lift (core func $i "run"))))`,
  );
  const plug = await assemble(
    'plug',
    `(component
      (type $r (resource (rep i32)))
      (component $T (import "r" (type $r (sub resource))) (export "r" (type $r)))
      (instance $t (instantiate $T (with "r" (type $r))))
      (export $te "a:b/t" (instance $t))
      (alias export $te "r" (type $re))
      (core func $new (canon resource.new $r))
      (core module $m (import "" "new" (func $new (param i32) (result i32))) (func (export "make") (result i32) (call $new (i32.const 7))))
      (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
      (func (export "make") (result (own $re)) (canon lift (core func $i "make"))))`,
  );
  const composed = compose(socket, [plug]);
  assert.deepEqual(
    composed.connections.map((c) => `${c.import} <- ${c.export}`),
    ['a:b/t <- a:b/t', 'r <- a:b/t.r', 'make <- make'],
  );
  assert.deepEqual(composed.imports, []);
  const { component } = await part('composed', composed.bytes);
  const { exports } = await new Linker().instantiate(component);
  assert.equal((exports.run as () => number)(), 1);
  await referenceWit(composed.bytes);
});

test('compose: an interface of a plug is exported when an export uses its types', async () => {
  const wit = `package a:b {
    interface types { record inner { x: u32 } record outer { i: inner } resource r; record owner { o: r } }
    interface api { use types.{outer, owner}; f: func(a: outer) -> owner; }
  }`;
  const socket = await dummy(
    'socket',
    world(
      'import a:b/types; import a:b/more; export a:b/api;',
      `${wit.slice(0, -1)}
    interface more { use types.{r}; make: func() -> r; } }`,
    ),
  );
  const plug = await dummy(
    'plug',
    world(
      'export a:b/types; export a:b/more;',
      `${wit.slice(0, -1)}
    interface more { use types.{r}; make: func() -> r; } }`,
    ),
  );
  const composed = compose(socket, [plug]);
  assert.deepEqual(composed.imports, []);
  assert.deepEqual(composed.exports, ['a:b/types', 'a:b/api']);
  await referenceWit(composed.bytes);
});

test('compose: plain types of a plug are imported when an import that is left uses them', async () => {
  const wit = `package a:b {
    interface types { record inner { x: u32 } record outer { i: inner } get: func() -> outer; }
    interface log { use types.{outer}; write: func(o: outer); }
  }`;
  const socket = await dummy('socket', world('import a:b/types; import a:b/log; export run: func();', wit));
  const composed = compose(socket, [await dummy('plug', world('export a:b/types;', wit))]);
  assert.deepEqual(composed.imports, ['a:b/types', 'a:b/log']);
  const { component } = await part('composed', composed.bytes);
  const [types] = component.imports;
  assert.ok(types?.type.kind === 'instance');
  assert.deepEqual([...types.type.type.exports.keys()], ['inner']);
  await referenceWit(composed.bytes);
});

test('compose: functions of the world are of the types that it exports', async () => {
  const socket = await assemble(
    'socket',
    `(component
      (import "f" (func $f))
      (type $p' (record (field "x" u32)))
      (export $p "p" (type $p'))
      (type $r (resource (rep i32)))
      (export $re "r" (type $r))
      (core module $m (func (export "get") (result i32) (i32.const 7)) (func (export "keep") (param i32)))
      (core instance $i (instantiate $m))
      (func (export "get") (result $p) (canon lift (core func $i "get")))
      (func (export "keep") (param "r" (own $re)) (canon lift (core func $i "keep"))))`,
  );
  const plug = await assemble(
    'plug',
    `(component (core module $m (func (export "f"))) (core instance $i (instantiate $m))
    (func (export "f") (canon lift (core func $i "f"))))`,
  );
  const composed = compose(socket, [plug]);
  assert.deepEqual(composed.exports, ['p', 'r', 'get', 'keep']);
  const { exports } = await new Linker().instantiate((await part('composed', composed.bytes)).component);
  assert.deepEqual((exports.get as () => unknown)(), { x: 7 });
});

interface Failure {
  readonly socket: string;
  readonly plugs: Record<string, string>;
  readonly code: string;
  readonly message: RegExp;
}

const failures: Record<string, Failure> = {
  'a plug that nothing uses': {
    socket: world('import example:math/math; export run: func();', mathPackage('')),
    plugs: { other: world('export example:maths/math;', 'package example:maths { interface math { f: func(); } }') },
    code: 'TENON_COMPOSE_NOTHING',
    message:
      /nothing uses `other`[\s\S]*example:maths\/math[\s\S]*example:math\/math[\s\S]*`example:maths\/math` is close to `example:math\/math`/,
  },
  'an incompatible version': {
    socket: world('import example:math/math@1.2.0; export run: func();', mathPackage('@1.2.0')),
    plugs: { math: world('export example:math/math@2.0.0;', mathPackage('@2.0.0')) },
    code: 'TENON_COMPOSE_NOTHING',
    message: /nothing uses `math`/,
  },
  'another type of a parameter': {
    socket: world('import example:math/math; export run: func();', mathPackage('')),
    plugs: { math: world('export example:math/math;', 'package example:math { interface math { add: func(a: s32, b: u32) -> s32; } }') },
    code: 'TENON_COMPOSE_TYPE',
    message:
      /`math` exports `example:math\/math`, but not as `socket` imports it\n {2}example:math\/math > add > param b: expected s32, found u32/,
  },
  'a missing function': {
    socket: world('import example:math/math; export run: func();', mathPackage('')),
    plugs: { math: world('export example:math/math;', 'package example:math { interface math { sub: func(); } }') },
    code: 'TENON_COMPOSE_TYPE',
    message: /math > add: expected a func, found nothing/,
  },
  'a type deep inside': {
    socket: world('import a:b/c; export run: func();', 'package a:b { interface c { record r { x: list<u8> } f: func() -> option<r>; } }'),
    plugs: { c: world('export a:b/c;', 'package a:b { interface c { record r { x: list<s8> } f: func() -> option<r>; } }') },
    code: 'TENON_COMPOSE_TYPE',
    message: /a:b\/c > r > field x > element: expected u8, found s8/,
  },
  'types of other names': {
    socket: world(
      'import a:b/c; export run: func();',
      'package a:b { interface c { record point { x: u8 } resource bag; f: func(p: point, b: borrow<bag>) -> u8; } }',
    ),
    plugs: {
      c: world(
        'export a:b/c;',
        'package a:b { interface c { record point { x: u8 } variant shape { at(point) } resource bag; f: func(p: shape, b: borrow<bag>) -> u8; } }',
      ),
    },
    code: 'TENON_COMPOSE_TYPE',
    message:
      /`c` exports `a:b\/c`, but not as `socket` imports it\n {2}a:b\/c > f > param p: expected point \(record \{ x: u8 \}\), found shape \(variant \{ at\(point\) \}\)/,
  },
  'two plugs for one import': {
    socket: world('import example:math/math; export run: func();', mathPackage('')),
    plugs: { one: world('export example:math/math;', mathPackage('')), two: world('export example:math/math;', mathPackage('')) },
    code: 'TENON_COMPOSE_AMBIGUOUS',
    message: /`one` and `two`/,
  },
  'middleware and what it stands in front of': {
    socket: world('import example:math/math; export run: func();', mathPackage('')),
    plugs: {
      logger: world('import example:math/math; export example:math/math;', mathPackage('')),
      inner: world('export example:math/math;', mathPackage('')),
    },
    code: 'TENON_COMPOSE_AMBIGUOUS',
    message: /`logger` imports it too, so compose `inner` into it first/,
  },
  'a resource of another import': {
    socket: world(
      'import a:b/t; import a:b/u; export run: func();',
      'package a:b { interface t { resource bag; } interface u { use t.{bag}; f: func(b: bag); } }',
    ),
    plugs: {
      t: world('export a:b/t;', 'package a:b { interface t { resource bag; } }'),
      u: world('export a:b/u;', 'package a:b { interface u { resource bag; f: func(b: bag); } }'),
    },
    code: 'TENON_COMPOSE_TYPE',
    message: /`u` exports `a:b\/u`, but not as `socket` imports it\n {2}a:b\/u > bag: expected the resource that another import/,
  },
  'plugs in a circle': {
    socket: world('import a:x/one; export run: func();', 'package a:x { interface one { f: func(); } }'),
    plugs: {
      one: world(
        'import a:y/two; export a:x/one;',
        'package a:x { interface one { f: func(); } } package a:y { interface two { g: func(); } }',
      ),
      two: world(
        'import a:x/one; export a:y/two;',
        'package a:x { interface one { f: func(); } } package a:y { interface two { g: func(); } }',
      ),
    },
    code: 'TENON_COMPOSE_CYCLE',
    message: /`one` needs `two` needs `one`|`two` needs `one` needs `two`/,
  },
  'imports that cannot be merged': {
    socket: world(
      'import a:b/c; import a:x/one; export run: func();',
      'package a:b { interface c { f: func(a: u8); } } package a:x { interface one { f: func(); } }',
    ),
    plugs: {
      one: world(
        'import a:b/c; export a:x/one;',
        'package a:b { interface c { f: func(a: u16); } } package a:x { interface one { f: func(); } }',
      ),
    },
    code: 'TENON_COMPOSE_IMPORT',
    message: /`one` and `socket` import `a:b\/c` with different types\n {2}a:b\/c > f > param a: expected u16, found u8/,
  },
  'an import that needs a resource of a plug': {
    socket: world('import wasi:cli/stdout@0.2.0; export run: func();', CLI('0.2.0'), IO('0.2.0')),
    plugs: { io: world('export wasi:io/error@0.2.0; export wasi:io/streams@0.2.0;', IO('0.2.0')) },
    code: 'TENON_COMPOSE_IMPORT',
    message:
      /`socket` imports `wasi:cli\/stdout@0\.2\.0`, which uses the resource `output-stream` of `wasi:io\/streams@0\.2\.0`, which the plug `io` provides/,
  },
};

for (const [name, { socket, plugs, code, message }] of Object.entries(failures)) {
  test(`compose fails: ${name}`, async () => {
    const parts = await Promise.all(Object.entries(plugs).map(([plug, wit]) => dummy(plug, wit)));
    const main = await dummy('socket', socket);
    assert.throws(
      () => compose(main, parts),
      (error) => {
        assert.ok(error instanceof ToolkitError, String(error));
        assert.equal(error.code, code, error.message);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

test('compose: imports of modules and components are passed through', async () => {
  const socket = await assemble(
    'socket',
    `(component
      (import "m" (core module (import "env" "f" (func (param i32))) (export "memory" (memory 1 2)) (export "g" (global i32)) (export "t" (table 1 funcref))))
      (import "c" (component (import "f" (func)) (export "g" (func (param "x" (list string))))))
      (import "plugged" (instance (export "f" (func)))))`,
  );
  const plug = await assemble(
    'plug',
    '(component (import "f" (func $f)) (instance $i (export "f" (func $f))) (export "plugged" (instance $i)))',
  );
  const composed = compose(socket, [plug]);
  assert.deepEqual(composed.imports, ['f', 'm', 'c']);
  assert.deepEqual(
    (await part('composed', composed.bytes)).component.imports.map((item) => item.type.kind),
    ['func', 'module', 'component'],
  );
});

/** Exports `run`, which counts what it reads of the stream that it gets, and hands it on through `pipe` where it has one. */
const asyncMiddleware = (name: string, inner: string): Promise<Part> =>
  assemble(
    name,
    `(component
      (type $s (stream u8))
      (import "a:b/${inner}" (instance $inner (export "handle" (func async (param "in" (stream u8)) (result (stream u8))))))
      (core module $memory (memory (export "mem") 1))
      (core instance $memory (instantiate $memory))
      (alias core export $memory "mem" (core memory $mem))
      (core func $handle (canon lower (func $inner "handle") (memory $mem)))
      (core func $return (canon task.return (result $s)))
      (core module $m
        (import "" "handle" (func $handle (param i32) (result i32)))
        (import "" "return" (func $return (param i32)))
        (func (export "handle") (param i32) (call $return (call $handle (local.get 0)))))
      (core instance $i (instantiate $m (with "" (instance (export "handle" (func $handle)) (export "return" (func $return))))))
      (func $f async (param "in" $s) (result $s) (canon lift (core func $i "handle") async (memory $mem)))
      (instance $out (export "handle" (func $f)))
      (export "a:b/${name}" (instance $out)))`,
  );

test('compose: a chain of async components with streams', async () => {
  const composed = compose(await asyncMiddleware('outer', 'middle'), [await asyncMiddleware('middle', 'inner')]);
  const { component } = await part('composed', composed.bytes);
  const linker = new Linker().define('a:b/inner', {
    async handle(stream: ReadableStream<Uint8Array>) {
      return stream;
    },
  });
  const { exports } = await linker.instantiate(component);
  const { handle } = exports['a:b/outer'] as { handle(stream: unknown): Promise<AsyncIterable<Uint8Array>> };
  let text = '';
  for await (const chunk of await handle([Buffer.from('through three')])) text += Buffer.from(chunk).toString();
  assert.equal(text, 'through three');
});
