import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Component } from '@tenon/component';
import { describeExterns } from '../../test/described.ts';
import { assemble, binaryPackage, dummy, part } from '../../test/dummy.ts';
import { randomWit } from '../../test/random-wit.ts';
import { printWit } from './print.ts';

/** Each is printed as it stands here, in the order in which wasm-tools writes types; reads again, and then prints the same. */
const worlds: Record<string, string> = {
  interfaces: `package root:component;

world root {
  import example:log/sink@1.2.0;
  export example:calculator/math;
}

package example:log@1.2.0 {
  interface sink {
    write: func(message: string);
  }
}

package example:calculator {
  interface math {
    add: func(a: s32, b: s32) -> s32;

    multiply: func(a: s32, b: s32) -> s32;
  }
}
`,
  'keywords in names': `package root:component;

world root {
  import test:%list/%enum@1.0.0;
  export test:other/api;
}

package test:%list@1.0.0 {
  interface %enum {
    record %record {
      %type: u8,
    }
  }
}

package test:other {
  interface api {
    use test:%list/%enum@1.0.0.{%record};

    %import: func(%func: %record);
  }
}
`,
  'types, uses and resources': `package root:component;

world root {
  import a:b/types;
  import a:b/store;
  export c:d/api;
}

package a:b {
  interface types {
    resource blob {
      constructor(size: u64);
      read: func(at: u64) -> result<list<u8>, color>;
      merge: static func(a: blob, b: borrow<blob>) -> blob;
    }

    enum color {
      red,
      dark-blue,
    }

    record point {
      x: s32,
      %list: list<u8>,
    }

    variant shape {
      empty,
      circle(f64),
      at(point),
    }

    flags rights {
      read,
      write,
    }

    origin: func() -> point;

    none: func(a: option<shape>, b: result, c: result<_, string>, d: tuple<u8, rights>) -> result<u8>;
  }

  interface store {
    use types.{blob, point};

    put: func(value: blob, where: point);
  }
}

package c:d {
  interface api {
    use a:b/types.{blob};

    get: func() -> blob;
  }
}
`,
  'functions and types of the world': `package root:component;

world root {
  import inline: interface {
    f: func();
  }
  record pair {
    a: u8,
    b: u8,
  }
  import log: func(message: string);
  export run: func(p: pair) -> result<string, pair>;
}
`,
  'renamed uses, aliases and types that only look alike': `package root:component;

world root {
  import a:b/types;
  import a:b/user;
  export a:b/e1;
  export a:b/e2;
}

package a:b {
  interface types {
    resource r {
      m: func();
    }

    type size = u64;

    record inner {
      x: size,
    }

    record outer {
      i: inner,
    }

    variant choice {
      a,
      b(u32),
    }

    type choices = list<choice>;

    record owner {
      o: r,
    }

    get: func() -> outer;

    take: func(c: choices) -> owner;
  }

  interface user {
    use types.{outer as my-outer, size, owner as my-owner, choices};

    type length = size;

    type count = u64;

    f: func(x: my-outer, s: size, l: length, n: count, p: u64) -> my-owner;

    g: func(x: choices, y: list<my-outer>) -> choices;
  }

  interface e1 {
    record point {
      x: u32,
    }

    enum color {
      red,
    }

    f: func(p: point, c: color);
  }

  interface e2 {
    use e1.{point as p, color};

    record other {
      x: u32,
    }

    enum shade {
      red,
    }

    type q = p;

    g: func(a: p, b: other, c: color, d: shade, e: q);
  }
}
`,
};

for (const [name, wit] of Object.entries(worlds)) {
  test(`printWit: ${name}`, async () => {
    const { component } = await dummy('dummy', wit);
    const printed = printWit(component);
    assert.equal(printed, wit);
    assert.equal(printWit((await dummy('again', printed)).component), printed);
  });
}

test('printWit: made-up packages mean the same when they are read again', async () => {
  let made = 0;
  for (let seed = 0; seed < 60; seed++) {
    let component: Component;
    try {
      component = (await dummy('made', randomWit(seed))).component;
    } catch {
      // Some worlds export an interface of which another one wants the imported one: not every text is a world.
      continue;
    }
    made++;
    const text = printWit(component);
    const again = await dummy('again', text);
    assert.deepEqual(describeExterns(again.component), describeExterns(component), `seed ${seed}\n${text}`);
  }
  assert.ok(made > 30, `${made}`);
});

const PACKAGE = `package a:b@1.0.0;

interface types {
  record p {
    x: u32,
  }

  resource r {
    constructor();
    m: func();
  }

  f: func(a: p, b: borrow<r>);
}

interface user {
  use types.{p as q};

  h: func(a: q);
}

world w {
  import types;
  import user;
  import inline: interface {
    k: func();
  }
  record pair {
    a: u8,
    b: u8,
  }
  use user.{q};
  import log: func(a: q, b: pair);
  export run: func();
  export c:d/api@0.1.0;
}

package c:d@0.1.0 {
  interface api {
    record thing {
      x: u8,
    }

    get: func() -> thing;
  }
}
`;

test('printWit: a package in binary form', async () => {
  const bytes = await binaryPackage(PACKAGE);
  const text = printWit((await part('package', bytes)).component, bytes);
  // What only the world tells of is there too; the order is the binary's.
  assert.deepEqual(text.split('\n').sort(), PACKAGE.split('\n').sort());
  const again = await binaryPackage(text);
  assert.equal(printWit((await part('again', again)).component, again), text);
});

test('printWit: documentation and stability of a package', async () => {
  const docs = {
    docs: 'The package.',
    worlds: {
      w: {
        docs: 'The world.',
        interfaces: { inline: { docs: 'Inline.', funcs: { k: { docs: 'Kay.' } } } },
        types: { pair: { docs: 'Two.', items: { a: 'One of them.' } }, q: { stability: { unstable: { feature: 'quick' } } } },
        funcs: { log: { docs: 'Logs.' } },
        func_exports: { run: { docs: 'Runs.\nAgain.' } },
        interface_import_docs: { 'a:b/types@1.0.0': 'Types.' },
        interface_import_stability: { 'a:b/types@1.0.0': { stable: { since: '1.0.0', deprecated: '1.1.0' } } },
      },
    },
    interfaces: { types: { docs: 'not of this binary', types: { p: 7 }, funcs: 'nonsense' } },
  };
  const bytes = withSection(await binaryPackage(PACKAGE), 'package-docs', `\x01${JSON.stringify(docs)}`);
  const text = printWit((await part('package', bytes)).component, bytes);
  const world = text.slice(text.indexOf('/// The world.'), text.indexOf('package c:d'));
  assert.ok(text.startsWith('/// The package.\npackage a:b@1.0.0;'), text);
  for (const expected of [
    '/// The world.\nworld w {',
    '  /// Types.\n  @since(version = 1.0.0)\n  @deprecated(version = 1.1.0)\n  import types;',
    '  /// Inline.\n  import inline: interface {\n    /// Kay.\n    k: func();',
    '  /// Two.\n  record pair {\n    /// One of them.\n    a: u8,',
    '  @unstable(feature = quick)\n  use user.{q};',
    '  /// Logs.\n  import log:',
    '  /// Runs.\n  /// Again.\n  export run:',
  ]) {
    assert.ok(world.includes(expected), `${expected}\n--- in ---\n${world}`);
  }
  assert.deepEqual(
    text.split('\n').filter((line) => !/^ *(\/\/\/|@)/.test(line)),
    printWit((await part('plain', await binaryPackage(PACKAGE))).component).split('\n'),
  );
  for (const broken of ['', '\x01', '\x01{"docs":', '\x01[1]', '\x01null']) {
    const odd = withSection(await binaryPackage(PACKAGE), 'package-docs', broken);
    assert.ok(printWit((await part('package', odd)).component, odd).startsWith('package a:b@1.0.0;'));
  }
});

function withSection(bytes: Uint8Array, name: string, content: string): Uint8Array {
  const [title, body] = [new TextEncoder().encode(name), new TextEncoder().encode(content)];
  const size = 1 + title.length + body.length;
  const length = [(size & 0x7f) | 0x80, size >> 7];
  return new Uint8Array([...bytes, 0x00, ...length, title.length, ...title, ...body]);
}

const beyondWit: Record<string, { readonly text: string; readonly expected: RegExp }> = {
  'a function of the world that mentions a type of an interface': {
    text: `(component
      (import "a:b/types" (instance $types
        (type $e' (enum "p" "q")) (export "e" (type $e (eq $e')))
        (type $v' (variant (case "one" $e) (case "two"))) (export "v" (type $v (eq $v')))))
      (alias export $types "v" (type $v))
      (import "f" (func (param "o" $v))))`,
    expected: /use a:b\/types\.\{v\};\n {2}import a:b\/types;\n {2}import f: func\(o: v\);/,
  },
  'an interface that mentions a type of another and has a function of that name': {
    text: `(component
      (import "a:b/types" (instance $types (type $v' (enum "x")) (export "v" (type $v (eq $v')))))
      (alias export $types "v" (type $v))
      (import "a:b/user" (instance (alias outer 1 $v (type $v)) (export "v" (func (param "o" $v))))))`,
    expected: /use types\.\{v as v1\};\n\n {4}v: func\(o: v1\);/,
  },
  'a type of an interface without a path': {
    text: `(component
      (import "a" (instance $a (type $p' (record (field "x" u8))) (export "p" (type (eq $p'))) (export "r" (type (sub resource)))))
      (alias export $a "p" (type $p)) (alias export $a "r" (type $r))
      (import "b" (instance (alias outer 1 $p (type $p)) (alias outer 1 $r (type $r)) (export "f" (func (param "o" $p) (result (own $r)))))))`,
    expected:
      /import b: interface \{\n {4}\/\/ This is `p` of `a`.*\n {4}record p \{\n[^}]*\}\n\n {4}\/\/ This is `r` of `a`.*\n {4}resource r;\n\n {4}f: func\(o: p\) -> r;/,
  },
  'a type that only the world exports': {
    text: `(component
      (type $p' (record (field "x" u8))) (export $p "p" (type $p'))
      (core module $m (func (export "f") (param i32))) (core instance $i (instantiate $m))
      (func (export "f") (param "o" $p) (canon lift (core func $i "f"))))`,
    expected: /\/\/ This is exported\.\n {2}record p \{\n {4}x: u8,\n {2}\}\n {2}export f: func\(o: p\);/,
  },
};

for (const [name, { text, expected }] of Object.entries(beyondWit)) {
  test(`printWit: ${name}`, async () => {
    const printed = printWit((await assemble('made', text)).component);
    assert.match(printed, expected);
    // It is WIT, in any case.
    await dummy('again', printed);
  });
}
