import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateTypes } from './generate.ts';
import { readWorld } from './read-world.ts';

const WIT = `package example:plug;
interface host { resource db { constructor(name: string); get: func(k: string) -> option<string>; } log: func(m: string); }
world plugin { import host; export run: func(a: u32) -> result<string, string>; }
world other { export other: func(); }
`;

test('types come from WIT alone', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-wit-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'world.wit'), WIT);
  const text = generateTypes(await readWorld(folder, 'plugin'), { file: 'wit', world: 'plugin', values: false });
  assert.match(text, /export interface Plugin \{\n {2}readonly imports: Imports;\n {2}readonly exports: Exports;\n\}/);
  assert.match(text, /'example:plug\/host': typeof ExamplePlugHost;/);
  assert.match(text, /run: \(a: number\) => string;/);
  assert.doesNotMatch(text, /declare const run/);
  assert.match(generateTypes(await readWorld(join(folder, 'world.wit'), 'other'), { file: 'world.wit' }), /other: \(\) => void/);
  await assert.rejects(readWorld(folder, 'plugn'), { code: 'TENON_WIT', message: /`plugn` not found/ });
  await assert.rejects(readWorld(join(folder, 'nowhere')), { code: 'TENON_WIT' });
});
