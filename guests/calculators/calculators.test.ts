/** The calculator of each language in one component with the consumer of each language, and the answer of the two. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Component, Linker } from '@tenon/component';
import { compose, type Part } from '@tenon/toolkit';
import { wasi } from '@tenon/wasi';
import { MissingToolchain } from '../recipes.ts';
import { type CalculatorLanguage, LANGUAGES, type Role, readCalculator } from './calculators.ts';

const parts = new Map<string, Promise<Part | MissingToolchain>>();

function part(language: CalculatorLanguage, role: Role): Promise<Part | MissingToolchain> {
  const name = `${language}-${role}`;
  let found = parts.get(name);
  if (found === undefined) {
    found = load(name, language, role);
    parts.set(name, found);
  }
  return found;
}

async function load(name: string, language: CalculatorLanguage, role: Role): Promise<Part | MissingToolchain> {
  try {
    const bytes = await readCalculator(language, role);
    return { name, bytes, component: await Component.compile(bytes) };
  } catch (error) {
    if (error instanceof MissingToolchain) return error;
    throw error;
  }
}

async function pair(context: TestContext, consumer: CalculatorLanguage, calculator: CalculatorLanguage): Promise<void> {
  const [socket, plug] = await Promise.all([part(consumer, 'consumer'), part(calculator, 'calculator')]);
  for (const each of [socket, plug]) {
    if (each instanceof MissingToolchain) return context.skip(each.message);
  }
  const composed = compose(socket as Part, [plug as Part]);
  assert.ok(composed.exports.includes('example:consumer/demo'));
  assert.ok(
    composed.imports.every((name) => name.startsWith('wasi:')),
    composed.imports.join(),
  );
  const system = wasi();
  try {
    const linker = new Linker();
    linker.use(system);
    const { exports } = await linker.instantiate(await Component.compile(composed.bytes));
    const { poly } = exports['example:consumer/demo'] as { poly(x: number, y: number): number | Promise<number> };
    assert.equal(await poly(7, 5), 54);
    assert.equal(await poly(65_536, -1), -1);
  } finally {
    system.close();
  }
}

for (const consumer of LANGUAGES) {
  for (const calculator of LANGUAGES) {
    test(`${consumer} uses the calculator in ${calculator}`, (context) => pair(context, consumer, calculator));
  }
}
