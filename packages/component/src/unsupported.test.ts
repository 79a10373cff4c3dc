import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Component } from './index.ts';

const CORE = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** A component with one core module. */
const holding = (...sections: readonly number[]): Uint8Array => {
  const core = [...CORE, ...sections];
  return new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00, 0x01, core.length, ...core]);
};

for (const [name, bytes, message] of [
  ['a memory with pages of a size of its own', holding(5, 4, 1, 0x08, 1, 0), /custom page sizes, a proposal/],
  ['a shared type', holding(1, 5, 1, 0x65, 0x60, 0, 0), /shared types, a proposal/],
] as const) {
  test(`${name} is a proposal and no fault of the bytes`, async () => {
    await assert.rejects(Component.compile(bytes), { code: 'TENON_UNSUPPORTED', message });
  });
}
