import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assemble, dummy, part } from '../../test/dummy.ts';
import { compose } from '../compose/compose.ts';
import { readComponentNames, readProducers } from './binary.ts';
import { capabilities } from './capabilities.ts';
import { graphSvg } from './graph.ts';
import { inspect } from './inspect.ts';
import { seamGraph } from './seams.ts';
import { sizeText } from './size.ts';

const MATH = 'package example:math { interface math { add: func(a: s32, b: s32) -> s32; } }';

async function composed(): Promise<Awaited<ReturnType<typeof part>>> {
  const socket = await dummy(
    'web & co',
    `package root:component; world root { import example:math/math; import log: func(); export run: func(); } ${MATH}`,
  );
  const plug = await dummy('calculator', `package root:component; world root { export example:math/math; } ${MATH}`);
  return part('composed', compose(socket, [plug]).bytes);
}

test('inspect tells imports, exports, parts, sizes and producers', async () => {
  const { bytes, component } = await composed();
  const found = inspect(bytes, component);
  assert.deepEqual(found.imports, [{ name: 'log', kind: 'func', signature: 'func()' }]);
  assert.deepEqual(found.exports, [{ name: 'run', kind: 'func', signature: 'func()' }]);
  assert.equal(found.size, bytes.length);
  assert.deepEqual(
    found.tree.parts.map((p) => [p.kind, p.name]),
    [
      ['component', 'calculator'],
      ['component', 'web & co'],
    ],
  );
  for (const p of found.tree.parts) assert.ok(p.size > 0 && p.offset + p.size <= bytes.length);
  assert.ok(found.producers.some((producer) => producer.field === 'processed-by' && producer.name === 'tenon'));
  assert.ok(found.producers.some((producer) => producer.name === 'wit-component'));
});

test('an inspected interface names the types of its functions', async () => {
  const { bytes, component } = await dummy(
    'c',
    'package root:component; world root { export a:b/c; } package a:b { interface c { record r { x: u8 } resource f; g: func(a: r, b: borrow<f>) -> list<f>; } }',
  );
  assert.deepEqual(inspect(bytes, component).exports, [
    { name: 'a:b/c', kind: 'interface', functions: [{ name: 'g', signature: 'func(a: r, b: borrow<f>) -> list<f>' }] },
  ]);
});

for (const [name, imports, kinds] of [
  ['nothing', '', []],
  ['files', 'import wasi:filesystem/types@0.2.0;', ['files']],
  ['types only', 'import wasi:clocks/types@0.2.0;', []],
  ['means, not ends', 'import wasi:io/poll@0.2.0;', []],
  ['its own', 'import example:math/math;', ['other']],
] as const) {
  test(`capabilities: ${name}`, async () => {
    const packages = `package wasi:filesystem@0.2.0 { interface types { f: func(); } }
      package wasi:clocks@0.2.0 { interface types { type d = u64; } }
      package wasi:io@0.2.0 { interface poll { poll: func(); } } ${MATH}`;
    const { component } = await dummy('c', `package root:component; world root { ${imports} } ${packages}`);
    assert.deepEqual(
      capabilities(component.imports).map((capability) => capability.kind),
      kinds,
    );
  });
}

test('the seams of a composition', async () => {
  const { bytes, component } = await composed();
  const { nodes, edges } = seamGraph(component.definition, inspect(bytes, component).tree);
  const label = (id: number): string => nodes[id]?.label ?? '?';
  assert.deepEqual(edges.map((edge) => `${label(edge.from)} -> ${label(edge.to)}: ${edge.names.join()}`).sort(), [
    'calculator -> web & co: example:math/math',
    'log -> web & co: log',
    'web & co -> run: run',
  ]);
});

test('the seams inside a component follow core modules, aliases, lifts and lowers', async () => {
  const { bytes, component } = await assemble(
    'c',
    `(component
      (import "f" (func $f))
      (core func $lowered (canon lower (func $f)))
      (core module $A (import "host" "f" (func)) (func (export "g")))
      (core module $B (import "a" "g" (func)) (func (export "h")))
      (core instance $a (instantiate $A (with "host" (instance (export "f" (func $lowered))))))
      (core instance $b (instantiate $B (with "a" (instance $a))))
      (func (export "h") (canon lift (core func $b "h"))))`,
  );
  const { nodes, edges } = seamGraph(component.definition, inspect(bytes, component).tree);
  assert.deepEqual(
    edges.map((edge) => [nodes[edge.from]?.label, nodes[edge.to]?.label, edge.names]),
    [
      ['f', 'A', ['host']],
      ['A', 'B', ['a']],
      ['B', 'h', ['h']],
    ],
  );
});

test('the graph is well-formed, escaped, and keeps everything inside', async () => {
  const { bytes, component } = await composed();
  const svg = graphSvg(component.definition, inspect(bytes, component).tree, 'a <b>.wasm');
  const [, width = '', height = ''] = /^<svg [^>]*width="(\d+)" height="(\d+)"/.exec(svg) ?? [];
  assert.ok(svg.includes('a &lt;b&gt;.wasm') && svg.includes('web &amp; co') && !svg.includes('NaN') && !svg.includes('undefined'));
  for (const [, x, y, w, h] of svg.matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g)) {
    assert.ok(Number(x) + Number(w) <= Number(width) && Number(y) + Number(h) <= Number(height));
  }
  const open = [...svg.matchAll(/<(\w+)[^>]*[^/]>/g)].length;
  assert.equal(open, [...svg.matchAll(/<\/\w+>/g)].length);
});

test('custom sections that lie are read as far as they go', () => {
  const huge = new Uint8Array([0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3]);
  assert.deepEqual(readProducers(huge, 0, huge.length), []);
  assert.deepEqual([...readComponentNames(huge, 0, huge.length).components], []);
  const endless = new Uint8Array([1, 8, 4, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 1]);
  assert.deepEqual([...readComponentNames(endless, 0, endless.length).components], []);
});

test('sizeText', () => {
  assert.deepEqual([0, 999, 1000, 17_585, 999_949, 999_950, 12_345_678].map(sizeText), [
    '0 B',
    '999 B',
    '1.0 KB',
    '17.6 KB',
    '999.9 KB',
    '1.0 MB',
    '12.3 MB',
  ]);
});
