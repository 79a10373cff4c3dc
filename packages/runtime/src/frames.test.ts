import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  BURST,
  bytesOf,
  DATA,
  type Data,
  DONE,
  END,
  FrameSender,
  type Frames,
  HEAD,
  joined,
  RESPONSE,
  receiveFrames,
  SHORT,
  split,
} from './frames.ts';

class Port {
  readonly messages: { readonly frames: Frames; readonly transfer: readonly ArrayBuffer[] }[] = [];
  postMessage(frames: unknown, transfer: ArrayBuffer[] = []): void {
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

function taken({ messages }: Port): (readonly [number, number, string, Data])[] {
  const frames: [number, number, string, Data][] = [];
  for (const message of messages) receiveFrames(message.frames, (...frame) => frames.push(frame));
  return frames;
}

test('many frames are several messages, each with the bytes that belong to it', () => {
  const port = new Port();
  const sender = new FrameSender(port);
  const count = 2 * BURST + 1;
  for (let id = 0; id < count; id++) sender.send(id, DATA, undefined, sender.bytes(bytes(SHORT + 1 + id), true));
  assert.equal(port.messages.length, 2);
  sender.flush();
  assert.equal(port.messages.length, 3);
  assert.deepEqual(
    taken(port).map(([id, , , data]) => [id, bytesOf(data)]),
    Array.from({ length: count }, (_, id) => [id, Buffer.from(bytes(SHORT + 1 + id))]),
  );
});

test('that a guest is done may go with its response, and arrives behind it', () => {
  const port = new Port();
  const sender = new FrameSender(port);
  const sent: readonly (readonly [number, number, string, Data])[] = [
    [1, RESPONSE, '200', 'a'],
    [1, DONE, '', undefined],
    [2, RESPONSE, '200', 'b'],
    [3, DONE, '', undefined],
    [2, DONE, '', undefined],
    [4, HEAD, '200', undefined],
    [4, DONE, '', undefined],
  ];
  for (const frame of sent) sender.send(...frame);
  sender.flush();
  sender.send(5, DONE);
  sender.flush();
  assert.deepEqual(taken(port), [...sent, [5, DONE, '', undefined]]);
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
