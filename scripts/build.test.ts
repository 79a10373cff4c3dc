import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { guestPath } from '../guests/guests.ts';
import { build } from './build.ts';
import { output, ROOT } from './workspace.ts';

const folder = mkdtempSync(join(tmpdir(), 'tenon-packages-'));
after(() => rmSync(folder, { recursive: true }));

before(async () => {
  const tarballs = await build();
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  await output('npm', ['install', '--offline', '--loglevel=error', ...tarballs], folder);
  cpSync(guestPath('rust-calculator'), join(folder, 'calculator.wasm'));
  cpSync(guestPath('rust-http'), join(folder, 'web.wasm'));
});

function write(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return name;
}

const node = (...args: string[]): Promise<string> => output(process.execPath, args, folder);

test('the engine runs a component from plain JavaScript', async () => {
  const script = write(
    'engine.js',
    `import { readFile } from 'node:fs/promises';
     import { Component, Linker } from '@tenon/component';
     const component = await Component.compile(await readFile('calculator.wasm'));
     const { exports } = await new Linker().instantiate(component);
     console.log(exports.math.add(2, 3));`,
  );
  assert.equal(await node(script), '5\n');
});

test('the runtime serves a component from plain JavaScript', async () => {
  const script = write(
    'serve.js',
    `import { Runtime, WorkloadConfig } from '@tenon/runtime';
     const runtime = await Runtime.create();
     const workload = await runtime.startWorkload(new WorkloadConfig('web.wasm').withInterface('wasi:http/incoming-handler'));
     process.stdout.write(await (await fetch(workload.url)).text());
     await runtime.stop();`,
  );
  assert.equal(await node(script), 'Hello from Rust!\n');
});

test('the command line is installed, and so are the module hooks', async () => {
  const bin = join(folder, 'node_modules/.bin/tenon');
  assert.equal(await node(bin, 'run', '--invoke', 'add(2, 3)', 'calculator.wasm'), '5\n');
  const script = write('hooks.js', `import { math } from './calculator.wasm'; console.log(math.multiply(6, 7));`);
  assert.equal(await node('--import', 'tenon/register', script), '42\n');
});

test('the declarations stand on their own', async () => {
  write(
    'use.ts',
    `import { Component, ComponentError, Linker, Trap } from '@tenon/component';
     import { Runtime, type Workload, WorkloadConfig } from '@tenon/runtime';
     import { compose } from '@tenon/toolkit';
     import { wasi } from '@tenon/wasi';
     export async function use(bytes: Uint8Array): Promise<string> {
       const component = await Component.compile(bytes);
       const linker = new Linker();
       linker.use(wasi({ args: ['x'] }));
       const { exports } = await linker.instantiate(component);
       const runtime = await Runtime.create();
       const workload: Workload = await runtime.startWorkload(new WorkloadConfig(bytes).withInterface('wasi:http/incoming-handler', { port: 0 }));
       // @ts-expect-error a port is a number
       new WorkloadConfig(bytes).withInterface('wasi:http/incoming-handler', { port: '0' });
       return [Object.keys(exports).length, ComponentError.name, Trap.name, compose.name, workload.url].join();
     }`,
  );
  const compilerOptions = { strict: true, noEmit: true, module: 'nodenext', target: 'esnext', types: ['node'] };
  const typeRoots = [join(ROOT, 'node_modules/@types')];
  write('tsconfig.json', JSON.stringify({ compilerOptions: { ...compilerOptions, typeRoots }, files: ['use.ts'] }));
  assert.equal(await node(join(ROOT, 'node_modules/typescript/bin/tsc'), '--project', 'tsconfig.json'), '');
  write(
    'engine.ts',
    `import { Component, Linker } from '@tenon/component';\nexport const link = (c: Component) => new Linker().instantiate(c);`,
  );
  const bare = { ...compilerOptions, types: [], lib: ['esnext'], skipLibCheck: false };
  write('tsconfig.json', JSON.stringify({ compilerOptions: bare, files: ['engine.ts'] }));
  assert.equal(await node(join(ROOT, 'node_modules/typescript/bin/tsc'), '--project', 'tsconfig.json'), '');
});
