// What a small instance costs, in a process of its own. Arguments: `alone`, `beside` or `dropped`, the component. Prints microseconds.
import { readFileSync } from 'node:fs';
import { Component, Linker } from '@tenon/component';

const [, , way, file] = process.argv;
const prepared = await new Linker().prepare(await Component.compile(readFileSync(file)));
const make = () => prepared.instantiateSync().exports;
const kept = [];
const live = way === 'beside' ? 5000 : 0;
for (let i = 0; i < 100; i++) make();
for (let i = 0; i < live; i++) kept.push(make());
const count = way === 'dropped' ? 10_000 : 1000;
const since = performance.now();
for (let i = 0; i < count; i++) {
  const exports = make();
  if (way !== 'dropped') kept.push(exports);
}
console.log(((performance.now() - since) * 1000) / count);
