import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from '@bytecodealliance/jco';
import { layoutOf } from './layout.ts';
import { rewrite } from './rewrite.ts';

const wat = async (text: string): Promise<Uint8Array<ArrayBuffer>> => (await parse(text)) as Uint8Array<ArrayBuffer>;

test('a rewritten module is valid', async () => {
  const bytes = rewrite(await wat('(module (memory 1) (func $f (export "f") (loop (br 0))) (func (call $f)))'));
  const module = new WebAssembly.Module(bytes);
  assert.equal(layoutOf(module)?.memories.length, 1);
});
