/** What every implementation of `example:calculator` does. */
import assert from 'node:assert/strict';
import { type Component, Linker } from '@tenon/component';

interface Math32 {
  add(a: number, b: number): number;
  multiply(a: number, b: number): number;
}

export async function checkCalculator(component: Component): Promise<void> {
  const { exports } = await new Linker().instantiate(component);
  const math = exports['example:calculator/math'] as Math32;
  assert.equal(math.add(2, 3), 5);
  assert.equal(math.add(2 ** 31 - 1, 1), -(2 ** 31));
  assert.equal(math.multiply(6, -7), -42);
  assert.equal(math.multiply(2 ** 30, 4), 0);
}
