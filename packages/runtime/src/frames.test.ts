import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bytesOf, DATA, type Data, END, FrameSender, type Frames, joined, receiveFrames, SHORT, split } from './frames.ts';

class Port {
  readonly messages: { readonly frames: Frames; readonly transfer: readonly ArrayBuffer[] }[] = [];
  postMessage(frames: unknown, transfer: ArrayBuffer[]): void {
    this.messages.push(structuredClone({ frames: frames as Frames, transfer: [...transfer] }, { transfer }));
  }
}

const turn = (): Promise<void> => new Promise((settle) => setImmediate(settle));

test('frames of one turn of the event loop are one message', async () => {
  const port = new Port();
  const sender = new FrameSender(port);
  sender.send(1, DATA, undefined, 'abc');
  sender.send(2, END, 'a\nb');
  assert.equal(port.messages.length, 0);
  await turn();
  sender.send(1, END);
  sender.flush();
  sender.flush();
  await turn();
  const taken: unknown[] = [];
  for (const { frames } of port.messages) receiveFrames(frames, (...frame) => taken.push(frame));
  assert.equal(port.messages.length, 2);
  assert.deepEqual(taken, [
    [1, DATA, '', 'abc'],
    [2, END, 'a\nb', undefined],
    [1, END, '', undefined],
  ]);
});

const bytes = (length: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length }, (_, index) => index * 7);
const cases: readonly (readonly [what: string, bytes: Uint8Array<ArrayBuffer>, owned: boolean, left: boolean])[] = [
  ['none', bytes(0), true, true],
  ['few', bytes(300), true, true],
  ['many that are handed over', bytes(SHORT + 1), true, false],
  ['many that belong to someone else', bytes(SHORT + 1), false, true],
  ['many that share a buffer with others', bytes(3 * SHORT).subarray(5, 2 * SHORT), true, true],
];
describe('bytes arrive as they are', () => {
  for (const [what, sent, owned, left] of cases) {
    test(what, () => {
      const port = new Port();
      const sender = new FrameSender(port);
      const expected = Buffer.from(sent);
      sender.send(1, DATA, undefined, sender.bytes(sent, owned));
      sender.flush();
      const [, , , data] = port.messages[0]?.frames ?? [];
      assert.deepEqual(bytesOf(data as Data), expected);
      assert.equal(sent.length > 0 || expected.length === 0, left, 'the sender still has them');
    });
  }
});

test('strings travel as one', () => {
  for (const strings of [[], ['a', ''], ['', '', 'b'], ['a', 'b c', '\xff', '']])
    assert.deepEqual(split(joined('200', strings), 4), strings);
});
