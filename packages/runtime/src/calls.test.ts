/** A worker thread's side of requests, with guests that do as each test says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReceivedRequest, Responder } from '@tenon/wasi';
import { Calls } from './calls.ts';
import {
  bytesOf,
  CANCEL,
  CONTINUE,
  CREDIT,
  DATA,
  type Data,
  DONE,
  END,
  FAILED,
  type Failure,
  FrameSender,
  type Frames,
  GONE,
  HEAD,
  REQUEST,
  RESPONSE,
  receiveFrames,
  SECURE,
  WAITS,
  WHOLE,
  WINDOW,
} from './frames.ts';
import { Pool } from './pool.ts';

type Serve = (request: ReceivedRequest, responder: Responder) => Promise<void>;

interface Served {
  readonly receive: (...frames: (number | string | Data)[]) => void;
  /** What the main thread has got so far. */
  readonly got: () => readonly (readonly [id: number, kind: number, text: string, data: Data])[];
  readonly ended: () => number;
}

function serving(respond: Serve): Served {
  const got: [number, number, string, Data][] = [];
  const frames = new FrameSender({
    postMessage: (message) => receiveFrames(message as Frames, (...frame) => got.push(frame)),
  });
  let ended = 0;
  const end = (): void => {
    ended++;
  };
  const pool = new Pool(
    () => ({ respond, end }),
    { maxInstances: 2, maxQueue: 0, maxRequestsPerInstance: 9 },
    (guest) => guest.end(),
  );
  const calls = new Calls(pool, frames);
  return {
    receive: (...message) => calls.receive(message),
    got: () => {
      frames.flush();
      return got.splice(0);
    },
    ended: () => ended,
  };
}

const turn = (): Promise<void> => new Promise((settle) => setImmediate(settle));
const HELLO = 'GET\n/a?b\nhost:1\nHost\nhost:1\nA\n';

test('a head, and a response in one frame', async () => {
  const seen: unknown[] = [];
  const { receive, got } = serving(async ({ method, target, authority, secure, rawHeaders }, responder) => {
    seen.push([method, target, authority, secure, rawHeaders]);
    responder.respond(200, ['b', 'c'], Buffer.from('hi'));
  });
  receive(1, REQUEST | WHOLE | SECURE, HELLO, undefined, 2, REQUEST | WHOLE, 'GET\n/\n', undefined);
  await turn();
  assert.deepEqual(seen, [
    ['GET', '/a?b', 'host:1', true, ['Host', 'host:1', 'A', '']],
    ['GET', '/', undefined, false, []],
  ]);
  assert.deepEqual(got(), [
    [1, RESPONSE, '200\nb\nc', 'hi'],
    [2, RESPONSE, '200\nb\nc', 'hi'],
    [1, DONE, '', undefined],
    [2, DONE, '', undefined],
  ]);
});

test('a short body that came along, a body in pieces with trailers, and one that breaks off', async () => {
  const seen: unknown[] = [];
  const { receive, got } = serving(async ({ message }) => {
    let body = '';
    try {
      for await (const chunk of message) body += String(chunk);
      seen.push([body, message.rawTrailers]);
    } catch (error) {
      seen.push([body, (error as NodeJS.ErrnoException).code]);
    }
  });
  receive(1, REQUEST | WHOLE, HELLO, 'short');
  await turn();
  receive(2, REQUEST, HELLO, undefined, 2, DATA, undefined, 'one ', 2, DATA, undefined, Buffer.from('two'));
  await turn();
  receive(2, END, 'x-sum\n7', undefined);
  await turn();
  receive(3, REQUEST, HELLO, undefined, 3, DATA, undefined, 'half');
  await turn();
  receive(3, GONE, undefined, undefined);
  await turn();
  assert.deepEqual(seen, [
    ['short', []],
    ['one two', ['x-sum', '7']],
    ['half', 'ECONNRESET'],
  ]);
  assert.deepEqual(
    got().map(([id, kind]) => [id, kind]),
    [1, 2, 3].map((id) => [id, DONE]),
  );
});

test('what a guest has read is credited', async () => {
  const reading = Promise.withResolvers<void>();
  const { receive, got } = serving(async ({ message }) => {
    await reading.promise;
    for await (const _ of message);
  });
  receive(1, REQUEST, HELLO, undefined);
  for (let i = 0; i < 8; i++) receive(1, DATA, undefined, new Uint8Array(WINDOW / 8));
  await turn();
  assert.deepEqual(got(), []);
  reading.resolve();
  await turn();
  receive(1, END, undefined, undefined);
  await turn();
  const frames = got();
  assert.equal(frames.at(-1)?.[1], DONE);
  const credited = frames.reduce((sum, [, kind, , data]) => (kind === CREDIT ? sum + (data as number) : sum), 0);
  assert.ok(credited > WINDOW / 2, `${credited} bytes`);
});

test('a response in pieces has room until the main thread has taken them', async () => {
  let responder: Responder | undefined;
  let woken = 0;
  const done = Promise.withResolvers<void>();
  const { receive, got } = serving((_request, given) => {
    responder = given;
    return done.promise;
  });
  receive(1, REQUEST | WHOLE, HELLO, undefined);
  await turn();
  assert.ok(responder);
  responder.begin(200, ['a', 'b']);
  responder.write(new Uint8Array(WINDOW), () => woken++);
  assert.equal(responder.writableHighWaterMark - responder.writableLength, 0);
  receive(1, CREDIT, undefined, WINDOW / 2);
  assert.deepEqual([woken, responder.writableHighWaterMark - responder.writableLength], [1, WINDOW / 2]);
  responder.end(undefined);
  assert.equal(responder.gone, true);
  done.resolve();
  await turn();
  const frames = got();
  assert.deepEqual(
    frames.map(([, kind, text]) => [kind, text]),
    [
      [HEAD, '200\na\nb'],
      [DATA, ''],
      [END, ''],
      [DONE, ''],
    ],
  );
  assert.equal(bytesOf(frames[1]?.[3]).length, WINDOW);
});

test('a client that waits is told to send once the guest reads, and only then', async () => {
  for (const [reads, kinds] of [
    [true, [CONTINUE, RESPONSE, DONE]],
    [false, [RESPONSE, DONE]],
  ] as const) {
    const { receive, got } = serving(async ({ message }, responder) => {
      if (reads) message.read();
      responder.respond(200, [], new Uint8Array());
    });
    receive(1, REQUEST | WAITS, HELLO, undefined);
    await turn();
    assert.deepEqual(
      got().map(([, kind]) => kind),
      kinds,
    );
  }
});

test('cancelled: the guest is ended, and nothing more is said', async () => {
  const { receive, got, ended } = serving((_request, responder) => {
    responder.watch(() => {});
    return new Promise(() => {});
  });
  receive(1, REQUEST | WHOLE, HELLO, undefined, 2, REQUEST | WHOLE, HELLO, undefined);
  await turn();
  receive(1, CANCEL, undefined, undefined, 1, CREDIT, undefined, 5);
  await turn();
  assert.deepEqual([got(), ended()], [[], 1]);
});

test('a guest that fails, and a pool that is full', async () => {
  const { receive, got, ended } = serving(async ({ target }) => {
    if (target === '/wait') await new Promise(() => {});
    throw new Error('broken');
  });
  const events = (): unknown[] => got().map(([id, kind, , data]) => [id, kind, (data as Failure).event, (data as Failure).message]);
  receive(1, REQUEST | WHOLE, HELLO, undefined);
  await turn();
  assert.deepEqual([events(), ended()], [[[1, FAILED, 'error', 'broken']], 1]);
  for (const id of [2, 3, 4]) receive(id, REQUEST | WHOLE, 'GET\n/wait\n', undefined);
  await turn();
  assert.deepEqual(events(), [[4, FAILED, 'busy', 'all 2 instances are busy and 0 requests wait already']]);
});
