import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FromWorker } from './messages.ts';
import { Output } from './output.ts';

const MIB = 1024 * 1024;

function output(): { readonly out: Output; readonly posted: number[] } {
  const posted: number[] = [];
  const out = new Output('stdout', (message: FromWorker) => {
    if ('type' in message && message.type === 'output') posted.push(message.bytes.length);
  });
  return { out, posted };
}

test('what a guest writes leaves at once', () => {
  const { out, posted } = output();
  for (let i = 0; i < 3; i++) out.write('line\n');
  assert.deepEqual(posted, [5, 5, 5]);
});

test('a guest that floods has to wait until what is on its way was taken', () => {
  const { out, posted } = output();
  assert.equal(out.write(new Uint8Array(MIB)), false);
  assert.equal(out.write(new Uint8Array(7)), false);
  assert.deepEqual(posted, [MIB]);
  out.acknowledge(1);
  assert.deepEqual(posted, [MIB, 7]);
  out.acknowledge(MIB + 6);
  out.write('more');
  assert.deepEqual(posted, [MIB, 7, 4]);
});

test('bytes that were written are the receiver’s: their buffer may be used again', () => {
  const messages: FromWorker[] = [];
  const out = new Output('stderr', (message) => messages.push(message));
  const buffer = Buffer.from('one');
  out.write(buffer);
  buffer.fill('x');
  const [message] = messages;
  assert.ok(message !== undefined && 'type' in message && message.type === 'output');
  assert.equal(Buffer.from(message.bytes).toString(), 'one');
  assert.equal(message.stream, 'stderr');
});
