import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Output } from './messages.ts';
import { Activity, activities, OutputLines } from './output.ts';

const MIB = 1024 * 1024;

interface Collected {
  readonly out: OutputLines;
  readonly got: Output[];
  /** What of it came, as `request: text`. */
  readonly lines: () => string[];
  readonly taken: () => void;
}

function collect(wait = false): Collected {
  const got: Output[] = [];
  const pending: (() => void)[] = [];
  const out = new OutputLines('shop', 'stdout', (output) => {
    got.push(output);
    return wait ? new Promise((settle) => pending.push(settle)) : undefined;
  });
  return {
    out,
    got,
    lines: () => got.splice(0).map(({ request, bytes }) => `${request}: ${Buffer.from(bytes).toString()}`),
    taken: () => pending.shift()?.(),
  };
}

const turn = (): Promise<void> => new Promise((settle) => setImmediate(settle));

test('whole lines leave at once, with the request that they were written for', () => {
  const { out, got, lines } = collect();
  const [one, two] = [new Activity('GET /1'), new Activity('GET /2')];
  activities.run(one, () => out.write(Buffer.from('first\nsec')));
  activities.run(two, () => out.write(Buffer.from('other')));
  activities.run(one, () => out.write(Buffer.from('ond\n')));
  out.write(Buffer.from('outside\n'));
  assert.deepEqual([got[0]?.workload, got[0]?.stream], ['shop', 'stdout']);
  assert.deepEqual(lines(), ['GET /1: first\n', 'GET /1: second\n', 'undefined: outside\n']);
  out.finish(two);
  out.finish(one);
  assert.deepEqual(lines(), ['GET /2: other']);
});

test('a line without an end leaves before it takes much', () => {
  const { out, got } = collect();
  for (let i = 0; i < 70; i++) out.write(Buffer.alloc(1024, 'x'));
  assert.equal(got.length, 1);
  assert.ok((got[0]?.bytes.length ?? 0) > 64 * 1024);
});

test('a guest that floods has to wait until what is on its way was taken', async () => {
  const { out, got, taken } = collect(true);
  const line = Buffer.alloc(MIB, '\n');
  assert.equal(out.write(line), false);
  out.write(Buffer.from('next\n'));
  assert.equal(got.length, 1);
  taken();
  await turn();
  assert.equal(got.length, 2);
});

test('bytes that were handed on are the receiver’s', () => {
  const { out, got } = collect();
  const buffer = Buffer.from('one\n');
  out.write(buffer);
  buffer.fill('x');
  assert.equal(Buffer.from(got[0]?.bytes ?? []).toString(), 'one\n');
});
