/** The WIT that `tenon inspect --wit` prints of each guest, read by wasm-tools, is what the guest's binary says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { componentWit } from '@bytecodealliance/jco-transpile/wasm-tools';
import { Component } from '@tenon/component';
import { printWit } from '@tenon/toolkit';
import { describeExterns } from '../packages/toolkit/test/described.ts';
import { readWorld } from '../packages/toolkit/test/dummy.ts';
import { GUEST_NAMES, readGuest } from './guests.ts';
import { MissingToolchain } from './recipes.ts';

for (const name of GUEST_NAMES) {
  test(`the WIT of ${name} is what its binary says`, async (context) => {
    let bytes: Uint8Array;
    try {
      bytes = await readGuest(name);
    } catch (error) {
      if (!(error instanceof MissingToolchain)) throw error;
      context.skip(error.message);
      return;
    }
    const component = await Component.compile(bytes);
    const text = printWit(component, bytes);
    assert.deepEqual(describeExterns(await readWorld(text)), describeExterns(component));
    // wasm-tools itself prints the world, and nothing of other packages.
    const [world = ''] = text.split(/^package .* \{$/m);
    assert.deepEqual(lines(world), lines(await componentWit(bytes)));
  });
}

const lines = (wit: string): string[] =>
  wit
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .sort();
