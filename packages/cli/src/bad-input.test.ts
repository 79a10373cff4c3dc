import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, guest, tenon } from '../test/tenon.ts';

const calculator = guest('rust-calculator');
const hello = guest('rust-hello');
const invoke = (call: string): string[] => ['run', '--invoke', call, calculator];

/** `$` stands for a folder with the files below. */
const cases: { args: readonly string[]; code: number; error: string; message: RegExp }[] = [
  { args: ['run', '$/nowhere.wasm'], code: 2, error: 'TENON_FILE', message: /cannot read .*nowhere\.wasm: no such file/ },
  { args: ['run', '$'], code: 2, error: 'TENON_FILE', message: /it is a folder/ },
  { args: ['serve', '$/nowhere.wasm'], code: 2, error: 'TENON_FILE', message: /no such file/ },
  { args: ['run', '$/text.wasm'], code: 2, error: 'TENON_NOT_WASM', message: /./ },
  { args: ['run', '$/empty.wasm'], code: 2, error: 'TENON_NOT_WASM', message: /./ },
  { args: ['inspect', '$/text.wasm'], code: 2, error: 'TENON_NOT_WASM', message: /./ },
  { args: ['run', '$/core.wasm'], code: 2, error: 'TENON_CORE_MODULE', message: /core module.*make it a component/ },
  { args: ['serve', '$/core.wasm'], code: 2, error: 'TENON_CORE_MODULE', message: /core module/ },
  { args: ['run', '$/half.wasm'], code: 2, error: 'TENON_MALFORMED', message: /offset/ },
  { args: ['run', calculator], code: 2, error: 'TENON_RUN_EXPORT', message: /example:calculator\/math[\s\S]*--invoke/ },
  { args: ['run', guest('rust-http')], code: 2, error: 'TENON_RUN_EXPORT', message: /tenon serve/ },
  { args: ['serve', hello], code: 2, error: 'TENON_RUNTIME_EXPORT', message: /wasi:http\/incoming-handler[\s\S]*wasi:cli\/run/ },
  { args: invoke('ad(1, 2)'), code: 2, error: 'TENON_INVOKE_UNKNOWN', message: /nearest is `example:calculator\/math\.add`/ },
  { args: invoke('add(1)'), code: 2, error: 'TENON_INVOKE_ARGUMENTS', message: /takes 2 arguments, 1 given[\s\S]*\^/ },
  {
    args: invoke('add(1, "2")'),
    code: 2,
    error: 'TENON_WAVE',
    message: /argument 2 `b: s32`: expected s32, found `"2"`\n {2}add\(1, "2"\)\n {9}\^/,
  },
  { args: invoke('add(1, 2'), code: 2, error: 'TENON_INVOKE_SYNTAX', message: /does not end with/ },
  { args: ['run', '--dir', '$/missing::/', hello], code: 2, error: 'TENON_PREOPEN', message: /missing/ },
  { args: ['run', '--dir', 'a::b::c', hello], code: 2, error: 'TENON_USAGE', message: /--dir takes HOST::GUEST/ },
  { args: ['run', '--env', '=x', hello], code: 2, error: 'TENON_USAGE', message: /--env takes NAME=VALUE/ },
  { args: ['run', '--connect', 'a b', hello], code: 2, error: 'TENON_NETWORK_RULE', message: /"a b"/ },
  { args: ['run'], code: 2, error: 'TENON_USAGE', message: /FILE is missing[\s\S]*tenon run --help/ },
  { args: ['run', '--bogus', hello], code: 2, error: 'TENON_USAGE', message: /--bogus/ },
  { args: ['rnu'], code: 2, error: 'TENON_USAGE', message: /did you mean `tenon run`/ },
  { args: ['serve', '--addr', 'nonsense', guest('rust-http')], code: 2, error: 'TENON_USAGE', message: /--addr takes HOST:PORT/ },
  { args: ['serve', '--addr', 'localhost:70000', guest('rust-http')], code: 2, error: 'TENON_USAGE', message: /--addr takes HOST:PORT/ },
  { args: ['serve', '--timeout', 'soon', guest('rust-http')], code: 2, error: 'TENON_USAGE', message: /--timeout takes a whole number/ },
  { args: ['serve', '--threads', '0', guest('rust-http')], code: 2, error: 'TENON_USAGE', message: /--threads takes .* from 1 to 256/ },
  ...['run', 'serve'].map((command) => ({
    args: [command, '--max-memory', '1', hello],
    code: 2,
    error: 'TENON_USAGE',
    message: /: --max-memory takes a whole number from 65536 to 17179869184, not `1`\n/,
  })),
  { args: ['run', '--timeout', '0', hello], code: 2, error: 'TENON_USAGE', message: /--timeout takes a whole number from 1/ },
  { args: ['compose', calculator, '--plug', calculator], code: 2, error: 'TENON_USAGE', message: /-o OUT is missing/ },
  {
    args: ['compose', '-o', '$/out.wasm', hello, '--plug', calculator],
    code: 1,
    error: 'TENON_COMPOSE_NOTHING',
    message: /nothing uses `rust-calculator`/,
  },
  { args: ['inspect', '--wit', '--json', calculator], code: 2, error: 'TENON_USAGE', message: /exclude each other/ },
  { args: ['types', '-o', '$/no/such/folder.ts', calculator], code: 2, error: 'TENON_FILE', message: /cannot write/ },
];

for (const { args, code, error, message } of cases) {
  test(`tenon ${args.map((arg) => arg.replace(/.*\/guests\/.*\//, '')).join(' ')}`, async (t) => {
    const files = folder(t);
    const component = readFileSync(calculator);
    writeFileSync(join(files, 'text.wasm'), 'this is no wasm');
    writeFileSync(join(files, 'empty.wasm'), '');
    writeFileSync(join(files, 'core.wasm'), new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
    writeFileSync(join(files, 'half.wasm'), component.subarray(0, component.length >> 1));
    const result = await tenon(args.map((arg) => arg.replace('$', files)));
    assert.equal(result.stdout, '');
    assert.match(result.stderr, message);
    assert.equal(/error\[(\w+)\]/.exec(result.stderr)?.[1], error, result.stderr);
    assert.equal(result.code, code);
  });
}

test('every missing import is listed, with how to grant it', async () => {
  const result = await tenon(['run', '--invoke', 'pass(1)', guest('rust-abi')]);
  assert.equal(result.code, 2, result.stderr);
  const values = await tenon(['run', '--invoke', 'values.add(1, 2)', guest('rust-abi')]);
  assert.equal(values.code, 1, values.stderr);
  assert.match(
    values.stderr,
    /error\[TENON_IMPORT_MISSING\]: nothing provides this import:\n {2}example:abi\/host.*\n {4}plug in a component that exports it: tenon compose -o/,
  );
});

test('a port that is taken', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const result = await tenon(['serve', '--addr', `127.0.0.1:${address.port}`, guest('rust-http')]);
  assert.equal(result.code, 1, result.stderr);
  assert.match(result.stderr, /error\[TENON_RUNTIME_ADDRESS\]: .*127\.0\.0\.1/);
});

test('colours only where they are wanted', async () => {
  const args = ['run', join(tmpdir(), 'nowhere.wasm')];
  const control = String.fromCharCode(27);
  assert.ok(!(await tenon(args)).stderr.includes(control));
  assert.ok((await tenon(args, { env: { FORCE_COLOR: '1' } })).stderr.includes(control));
});
