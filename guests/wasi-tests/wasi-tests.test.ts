import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { MissingToolchain } from '../recipes.ts';
import { buildWasiTest, expectedPath, parse, runOnTenon, runOnWasmtime, unexpected, WASI_TEST_NAMES, wasiTestPath } from './wasi-tests.ts';

for (const name of WASI_TEST_NAMES) {
  test(`${name}: as expected`, async () => {
    const output = await runOnTenon(name, new Uint8Array(readFileSync(wasiTestPath(name))));
    assert.equal(output, readFileSync(expectedPath(name), 'utf8'));
    const lines = output.trim().split('\n');
    assert.equal(parse(output).size, lines.length, 'no two checks have one name');
  });

  test(`${name}: as on Wasmtime, but for the differences that are listed`, async (context) => {
    const wasmtime = await runOnWasmtime(name, (why) => context.skip(why));
    if (wasmtime === undefined) return;
    assert.deepEqual(unexpected(name, parse(readFileSync(expectedPath(name), 'utf8')), parse(wasmtime)), []);
  });

  test(`${name}: built again with the Rust of this machine, it observes the same`, async (context) => {
    let built: Uint8Array<ArrayBuffer>;
    try {
      built = await buildWasiTest(name);
    } catch (error) {
      if (!(error instanceof MissingToolchain)) throw error;
      context.skip(error.message);
      return;
    }
    assert.equal(await runOnTenon(name, built), readFileSync(expectedPath(name), 'utf8'));
  });
}
