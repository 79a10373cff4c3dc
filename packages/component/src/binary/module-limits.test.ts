import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ComponentError } from '../errors.ts';
import { limitModule } from './module-limits.ts';

const PAGE = 65_536;
const section = (id: number, ...content: number[]): number[] => [id, content.length, ...content];
const name = (text: string): number[] => [text.length, ...new TextEncoder().encode(text)];
const module = (...sections: number[][]): Uint8Array<ArrayBuffer> =>
  Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, ...sections.flat()]);

/** A function `grow` of a module with one memory of this type. */
const growing = (...memory: number[]): Uint8Array<ArrayBuffer> =>
  module(
    section(1, 1, 0x60, 1, 0x7f, 1, 0x7f),
    section(3, 1, 0),
    section(5, 1, ...memory),
    section(7, 1, ...name('grow'), 0, 0),
    section(10, 1, 6, 0, 0x20, 0, 0x40, 0, 0x0b),
  );

for (const [what, memory, limit, grown] of [
  ['without a maximum', [0, 1], 3 * PAGE, 3],
  ['with a higher one', [1, 1, 9], 3 * PAGE, 3],
  ['with a lower one', [1, 1, 2], 3 * PAGE, 2],
  ['that is shared', [3, 1, 9], 3 * PAGE, 3],
  ['and a limit that is no whole page', [0, 1], 4 * PAGE - 1, 3],
  ['and no limit to speak of', [0, 1], 2 ** 40, 300],
] as const) {
  test(`a memory ${what} grows as far as it may`, () => {
    const compiled = new WebAssembly.Module(limitModule(growing(...memory), { maxMemoryBytes: limit }));
    const { grow } = new WebAssembly.Instance(compiled).exports as { grow(pages: number): number };
    let pages = 1;
    while (pages < 300 && grow(1) !== -1) pages++;
    assert.equal(pages, grown);
  });
}

test('memories of 64 bits and several of them are bounded too', () => {
  const bytes = limitModule(module(section(5, 2, 4, 1, 0, 1), section(7, 2, ...name('a'), 2, 0, ...name('b'), 2, 1)), {
    maxMemoryBytes: 2 * PAGE,
  });
  const { a, b } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Record<'a' | 'b', WebAssembly.Memory>;
  assert.throws(() => a.grow(2n as unknown as number), RangeError);
  a.grow(1n as unknown as number);
  assert.throws(() => b.grow(2), RangeError);
  b.grow(1);
});

test('bytes that need no change are the same bytes, and what is no module is left to V8', () => {
  for (const bytes of [growing(1, 1, 2), module(), module(section(5, 1)), module([5, 0xff]), module(section(5, 1, 0x70, 1))]) {
    assert.equal(limitModule(bytes, { maxMemoryBytes: 2 * PAGE }), bytes);
  }
});

test('a memory that begins above the limit is refused', () => {
  assert.throws(
    () => limitModule(growing(0, 3), { maxMemoryBytes: 2 * PAGE }, 17),
    (error) => error instanceof ComponentError && error.code === 'TENON_MEMORY_LIMIT' && error.offset === 17,
  );
});
