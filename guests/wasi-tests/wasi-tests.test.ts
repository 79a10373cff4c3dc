import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { expectedPath, parse, runOnTenon, runOnWasmtime, unexpected, WASI_TEST_NAMES, wasiTestPath } from './wasi-tests.ts';

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
}
