import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Component, EpochClock, Linker } from '@tenon/component';
import { compose } from '@tenon/toolkit';
import { checkResources, checkValues } from './behaviour/abi.ts';
import { checkAsyncCommand } from './behaviour/async-command.ts';
import { checkAsyncHttp } from './behaviour/async-http.ts';
import { checkCalculator } from './behaviour/calculator.ts';
import { checkBench, checkCli, checkHello, checkIntruder } from './behaviour/command.ts';
import { checkCompute } from './behaviour/compute.ts';
import { checkGreedy, checkHelloAndEcho, checkRustHttp, checkRustMessages, checkRustSockets, checkWeb } from './behaviour/http.ts';
import { checkStores } from './behaviour/stores.ts';
import { build } from './build.ts';
import { CACHE_FOLDER, ensureGuest, GUEST_NAMES, GUESTS, type GuestName, guestPath, readGuest } from './guests.ts';
import { MissingToolchain } from './recipes.ts';

/** The main job: TypeScript that calls Rust across a component seam; and the same with the calculator behind the host. */
async function checkWebWithCalculator(component: Component): Promise<void> {
  const bytes = await readGuest('rust-calculator');
  const calculator = await Component.compile(bytes);
  const instance = await new Linker().instantiate(calculator);
  await checkWeb(component, { 'example:calculator/math': instance.exports['example:calculator/math'] as object });

  const socket = { name: 'ts-web', bytes: await readGuest('ts-web'), component };
  const composed = await Component.compile(compose(socket, [{ name: 'calculator', bytes, component: calculator }]).bytes);
  assert.ok(composed.imports.every(({ name }) => name.startsWith('wasi:')));
  await checkWeb(composed, {});
}

async function checkAbi(component: Component): Promise<void> {
  await checkValues(component);
  await checkResources(component);
}

const BEHAVIOUR: Readonly<Record<GuestName, (component: Component) => Promise<void>>> = {
  'rust-hello': checkHello,
  'rust-cli': checkCli,
  'rust-async-cli': checkAsyncCommand,
  'rust-async-http': checkAsyncHttp,
  'rust-greedy': checkGreedy,
  'rust-http': checkRustHttp,
  'rust-messages': checkRustMessages,
  'rust-sockets': checkRustSockets,
  'rust-bench': checkBench,
  'rust-intruder': checkIntruder,
  'rust-calculator': checkCalculator,
  'rust-compute': (component) => checkCompute(component, { fibonacci: 150_050n, interpret: 606n, scan: 504n }),
  'js-compute': (component) => checkCompute(component, { fibonacci: 288n }),
  'rust-abi': checkAbi,
  'rust-stores': checkStores,
  'c-abi': checkAbi,
  'ts-web': checkWebWithCalculator,
  'qjs-http': (component) => checkHelloAndEcho(component, 'QuickJS'),
  'js-http': (component) => checkHelloAndEcho(component, 'StarlingMonkey'),
  'python-http': (component) => checkHelloAndEcho(component, 'Python'),
};

/** Does `work`, or skips the test where a guest's language is not installed. */
async function whereInstalled<T>(context: TestContext, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MissingToolchain)) throw error;
    context.skip(error.message);
    return undefined;
  }
}

/** A component's interfaces as the manifest writes them: those of WASI by package. */
function summarise(component: Component): { imports: string[]; exports: string[] } {
  const byPackage = (name: string) => name.replace(/^(wasi:[a-z]+)\/[a-z-]+@/, '$1/*@');
  return {
    imports: [...new Set(component.imports.map(({ name }) => byPackage(name)))].sort(),
    exports: component.exports.map(({ name }) => name).sort(),
  };
}

for (const name of GUEST_NAMES) {
  const { imports, exports, committed, language } = GUESTS[name];

  test(`${name} has the imports and exports that the manifest names, and behaves`, async (context) => {
    const path = await whereInstalled(context, () => ensureGuest(name));
    if (path === undefined) return;
    const component = await Component.compile(readFileSync(path));
    assert.deepEqual(summarise(component), { imports: [...imports].sort(), exports: [...exports].sort() });
    await BEHAVIOUR[name](component);
  });

  test(`${name}, interrupted whenever it looks up, behaves the same`, async (context) => {
    const path = await whereInstalled(context, () => ensureGuest(name));
    if (path === undefined) return;
    const component = await Component.compile(readFileSync(path), { interruptible: true });
    const ticking = setInterval(() => EpochClock.ofThread.tick(), 1);
    try {
      await BEHAVIOUR[name](component);
    } finally {
      clearInterval(ticking);
    }
  });

  if (!committed) continue;
  test(`${name}, built again with the ${language} of this machine, behaves as the one in git`, async (context) => {
    const output = join(CACHE_FOLDER, `${name}.again.wasm`);
    try {
      const built = await whereInstalled(context, () => build(name, { force: true, output }).then(() => true));
      if (built === undefined) return;
      const again = await Component.compile(readFileSync(output));
      const kept = await Component.compile(readFileSync(guestPath(name)));
      assert.deepEqual(summarise(again), summarise(kept));
      await BEHAVIOUR[name](again);
    } finally {
      rmSync(output, { force: true });
    }
  });
}
