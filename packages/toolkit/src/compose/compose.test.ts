import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assemble, dummy, part, referenceWit } from '../../test/dummy.ts';
import { ToolkitError } from '../errors.ts';
import { compose } from './compose.ts';

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
  'two plugs for one import': {
    socket: world('import example:math/math; export run: func();', mathPackage('')),
    plugs: { one: world('export example:math/math;', mathPackage('')), two: world('export example:math/math;', mathPackage('')) },
    code: 'TENON_COMPOSE_AMBIGUOUS',
    message: /`one` and `two`/,
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
    message: /import `a:b\/c` with different types: a:b\/c > f > param a: expected u16, found u8|expected u8, found u16/,
  },
  'an import that needs a resource of a plug': {
    socket: world('import wasi:cli/stdout@0.2.0; export run: func();', CLI('0.2.0'), IO('0.2.0')),
    plugs: { io: world('export wasi:io/error@0.2.0; export wasi:io/streams@0.2.0;', IO('0.2.0')) },
    code: 'TENON_COMPOSE_IMPORT',
    message:
      /`socket` imports `wasi:cli\/stdout@0\.2\.0`, which uses a resource of `wasi:io\/streams@0\.2\.0`, which the plug `io` provides/,
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
