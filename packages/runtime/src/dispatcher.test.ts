/** The main thread's side of requests, with threads that answer as each test says. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { afterEach, test } from 'node:test';
import { DEFAULT_LIMITS, type Limits } from './config.ts';
import { type Backend, Dispatcher } from './dispatcher.ts';
import { Exchange } from './exchange.ts';
import {
  bytesOf,
  CANCEL,
  CREDIT,
  DATA,
  type Data,
  DONE,
  END,
  FAILED,
  FrameSender,
  type Frames,
  GONE,
  HEAD,
  KIND,
  REQUEST,
  RESPONSE,
  receiveFrames,
  WHOLE,
  WINDOW,
} from './frames.ts';
import type { LogEntry } from './log.ts';

interface Frame {
  readonly id: number;
  readonly kind: number;
  readonly text: string;
  readonly data: Data;
}

/** A thread whose frames the test reads, and in whose place it answers. */
class FakeThread implements Backend {
  readonly frames: FrameSender;
  silent = false;
  readonly got: Frame[] = [];
  private readonly dispatcher: Dispatcher;
  private wake: () => void = () => {};

  constructor(dispatcher: Dispatcher) {
    this.dispatcher = dispatcher;
    this.frames = new FrameSender({
      postMessage: (frames) => {
        receiveFrames(frames as Frames, (id, kind, text, data) => this.got.push({ id, kind, text, data }));
        this.wake();
      },
    });
    dispatcher.add(this);
  }

  /** The next frame of these kinds that was not given yet. */
  async next(...kinds: readonly number[]): Promise<Frame> {
    for (;;) {
      const index = this.got.findIndex((frame) => kinds.includes(frame.kind & KIND));
      const [frame] = index < 0 ? [] : this.got.splice(index, 1);
      if (frame !== undefined) return frame;
      await new Promise<void>((wake) => {
        this.wake = wake;
      });
    }
  }

  say(...frames: (number | string | Data)[]): void {
    this.dispatcher.receive(this, frames);
  }

  /** Answers the next request with its own number. */
  async respond(): Promise<void> {
    const { id } = await this.next(REQUEST);
    this.say(id, RESPONSE, '200\nx-id\n1', String(id), id, DONE, undefined, undefined);
  }
}

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

interface Served {
  readonly dispatcher: Dispatcher;
  readonly log: Omit<LogEntry, 'workload' | 'time'>[];
  /** Resolves with the head of the response. */
  readonly ask: (path: string, body?: Uint8Array) => { readonly answered: Promise<IncomingMessage>; readonly leave: () => void };
  readonly status: (path: string) => Promise<number>;
}

async function serve(limits: Partial<Limits> = {}): Promise<Served> {
  const all = { ...DEFAULT_LIMITS, ...limits };
  const log: Served['log'] = [];
  const dispatcher = new Dispatcher(all, (entry) => log.push(entry));
  let id = 1;
  const server = createServer((incoming, response) => {
    const exchange = new Exchange({ id: id++, request: incoming, response, secure: false, waits: false }, all, dispatcher.giveUp);
    response.on('close', () => exchange.close());
    setImmediate(() => dispatcher.submit([exchange]));
  });
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { readonly port: number };
  const ask: Served['ask'] = (path, body) => {
    const outgoing = request({ host: '127.0.0.1', port, path, agent: false, method: body === undefined ? 'GET' : 'POST' });
    outgoing.on('error', () => {});
    outgoing.end(body);
    return { answered: once(outgoing, 'response').then(([response]) => response), leave: () => outgoing.destroy() };
  };
  return {
    dispatcher,
    log,
    ask,
    status: async (path) => {
      const response = await ask(path).answered;
      response.resume();
      return response.statusCode ?? 0;
    },
  };
}

async function read(response: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return body;
}

test('a request is one frame with its head, a response too', async () => {
  const { dispatcher, ask } = await serve();
  const thread = new FakeThread(dispatcher);
  const { answered } = ask('/a?b');
  const { id, kind, text } = await thread.next(REQUEST);
  assert.equal(kind, REQUEST | WHOLE);
  assert.match(text, /^GET\n\/a\?b\n127\.0\.0\.1:\d+\nHost\n127\.0\.0\.1:\d+\nConnection\nclose$/);
  thread.say(id, RESPONSE, '201\nx-a\nb\nset-cookie\nc\nset-cookie\nd', 'h\xe9', id, DONE, undefined, undefined);
  const response = await answered;
  assert.equal(response.statusCode, 201);
  assert.deepEqual([response.headers['x-a'], response.headers['set-cookie']], ['b', ['c', 'd']]);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  assert.equal(Buffer.concat(chunks).toString('latin1'), 'h\xe9');
});

test('requests wait for a thread, and go to the one that has the fewest and is not silent', async () => {
  const { dispatcher, status } = await serve();
  const early = status('/early');
  const first = new FakeThread(dispatcher);
  const { id } = await first.next(REQUEST);
  const second = new FakeThread(dispatcher);
  const other = status('/other');
  await second.respond();
  assert.equal(await other, 200);
  first.say(id, RESPONSE, '200', undefined, id, DONE, undefined, undefined);
  assert.equal(await early, 200);
  first.silent = true;
  const third = [status('/a'), status('/b'), status('/c')];
  for (const _ of third) await second.respond();
  assert.deepEqual(await Promise.all(third), [200, 200, 200]);
});

test('more than instances and queue hold gets 503', async () => {
  const { dispatcher, status, log } = await serve({ maxInstances: 1, maxQueue: 1 });
  const thread = new FakeThread(dispatcher);
  const under = [status('/a'), status('/b')];
  const ids = [(await thread.next(REQUEST)).id, (await thread.next(REQUEST)).id];
  assert.equal(await status('/c'), 503);
  assert.deepEqual(
    log.map(({ event }) => event),
    ['busy'],
  );
  for (const id of ids) thread.say(id, RESPONSE, '200', undefined, id, DONE, undefined, undefined);
  assert.deepEqual(await Promise.all(under), [200, 200]);
});

test('a thread that is taken out leaves no request without an answer', async () => {
  const { dispatcher, ask } = await serve();
  const thread = new FakeThread(dispatcher);
  const begun = ask('/begun');
  const { id } = await thread.next(REQUEST);
  thread.say(id, HEAD, '200', undefined, id, DATA, undefined, 'half');
  const half = await begun.answered;
  const waiting = ask('/waiting');
  await thread.next(REQUEST);
  assert.equal(dispatcher.remove(thread), 0);
  const { statusCode, headers } = await waiting.answered;
  assert.deepEqual([statusCode, headers['retry-after']], [503, '1']);
  await assert.rejects(read(half), { code: 'ECONNRESET' });
  // What a thread still says when it was taken out is of no interest.
  thread.say(id, DATA, undefined, 'more');
});

test('a body goes as fast as the thread takes it', async () => {
  const { dispatcher, ask } = await serve();
  const thread = new FakeThread(dispatcher);
  const body = Buffer.from(Array.from({ length: 3 * WINDOW }, (_, index) => index % 251));
  const { answered } = ask('/upload', body);
  const { id } = await thread.next(REQUEST);
  const got: Buffer[] = [];
  let most = 0;
  let open = 0;
  for (;;) {
    const frame = await thread.next(DATA, END);
    if (frame.kind === END) break;
    const bytes = bytesOf(frame.data);
    got.push(bytes);
    open += bytes.length;
    most = Math.max(most, open);
    if (open < WINDOW) continue;
    thread.say(id, CREDIT, undefined, open);
    open = 0;
  }
  assert.ok(most < 2 * WINDOW, `${most} bytes under way`);
  assert.deepEqual(Buffer.concat(got), body);
  thread.say(id, RESPONSE, '204', undefined, id, DONE, undefined, undefined);
  assert.equal((await answered).statusCode, 204);
});

test('what a slow client has not taken is not credited', async () => {
  const { dispatcher, ask } = await serve();
  const thread = new FakeThread(dispatcher);
  const { answered } = ask('/stream');
  const { id } = await thread.next(REQUEST);
  thread.say(id, HEAD, '200', undefined);
  const response = await answered;
  const piece = new Uint8Array(WINDOW / 4);
  let credited = 0;
  // As much as sockets hold.
  for (let sent = 0; sent < 200 * piece.length; sent += piece.length) thread.say(id, DATA, undefined, piece.slice());
  await new Promise((settle) => setImmediate(settle));
  for (const frame of thread.got) if (frame.kind === CREDIT) credited += frame.data as number;
  assert.ok(credited < 150 * piece.length, `${credited} bytes`);
  thread.say(id, END, undefined, undefined, id, DONE, undefined, undefined);
  let received = 0;
  for await (const chunk of response) received += (chunk as Buffer).length;
  assert.equal(received, 200 * piece.length);
});

test('a client that goes away is told to the thread', async () => {
  const { dispatcher, ask } = await serve();
  const thread = new FakeThread(dispatcher);
  const { answered, leave } = ask('/');
  answered.catch(() => {});
  const { id } = await thread.next(REQUEST);
  leave();
  assert.equal((await thread.next(GONE)).id, id);
  // The guest goes on; what it says is dropped.
  thread.say(id, RESPONSE, '200', 'late', id, DONE, undefined, undefined);
  await dispatcher.idle();
});

test('a guest that takes too long is ended and its client gets 504; while the thread is silent neither happens', async () => {
  const { dispatcher, status, log } = await serve({ requestTimeoutMs: 10 });
  const thread = new FakeThread(dispatcher);
  const late = status('/late');
  const { id } = await thread.next(REQUEST);
  const since = performance.now();
  while (performance.now() - since < 10);
  thread.silent = true;
  dispatcher.tick();
  assert.deepEqual(log, []);
  thread.silent = false;
  dispatcher.tick();
  assert.equal(await late, 504);
  assert.equal((await thread.next(CANCEL)).id, id);
  assert.deepEqual(
    log.map(({ code }) => code),
    ['TENON_RUNTIME_TIMEOUT'],
  );
});

test('a guest that fails: 500, and the log says why', async () => {
  const { dispatcher, status, log } = await serve();
  const thread = new FakeThread(dispatcher);
  const failed = status('/fails');
  const { id } = await thread.next(REQUEST);
  thread.say(id, FAILED, undefined, { event: 'trap', message: 'unreachable', code: 'TENON_TRAP', func: 'f' });
  assert.equal(await failed, 500);
  assert.deepEqual(log, [{ level: 'error', event: 'trap', message: 'GET /fails: unreachable', code: 'TENON_TRAP', func: 'f' }]);
});

test('requests for which there will be no thread get 503', async () => {
  const { dispatcher, status } = await serve();
  const refused = status('/');
  const idle = dispatcher.idle();
  let answered = false;
  const done = refused.then((code) => {
    answered = true;
    return code;
  });
  while (!answered) {
    dispatcher.dismiss();
    await new Promise((settle) => setImmediate(settle));
  }
  assert.equal(await done, 503);
  await idle;
});
