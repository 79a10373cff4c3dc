import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dummy } from '../../test/dummy.ts';
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
    use types.{blob};
    use types.{point};

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
};

for (const [name, wit] of Object.entries(worlds)) {
  test(`printWit: ${name}`, async () => {
    const { component } = await dummy('dummy', wit);
    const printed = printWit(component);
    assert.equal(printed, wit);
    assert.equal(printWit((await dummy('again', printed)).component), printed);
  });
}
