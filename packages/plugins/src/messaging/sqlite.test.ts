import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { type Delivery, MessagingError, type MessagingProblem, type Outcome } from './backend.ts';
import { SqliteBroker } from './sqlite.ts';
import { matches, subjectProblem } from './subjects.ts';

const folder = mkdtempSync(join(tmpdir(), 'tenon-messages-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array): string => new TextDecoder().decode(value);
const refused = (problem: MessagingProblem) => (error: unknown) => error instanceof MessagingError && error.problem === problem;
const DONE: Outcome = { kind: 'done' };

let brokers = 0;
const place = (): { memory: string } => ({ memory: `broker-${process.pid}-${++brokers}` });

/** Collects what a listener gets; `until(n)` resolves when it has n. */
function collector(outcome: (delivery: Delivery) => Outcome = () => DONE) {
  const got: string[] = [];
  let wake = (): void => {};
  return {
    got,
    async handle(delivery: Delivery): Promise<Outcome> {
      got.push(`${delivery.message.subject}:${text(delivery.message.body)}#${delivery.attempt}`);
      wake();
      return outcome(delivery);
    },
    async until(count: number): Promise<string[]> {
      while (got.length < count) await new Promise<void>((resolve) => (wake = resolve));
      return got;
    },
  };
}

const patterns: readonly [pattern: string, subject: string, fits: boolean][] = [
  ['a.b', 'a.b', true],
  ['a.b', 'a.b.c', false],
  ['a.b', 'a', false],
  ['a.*', 'a.b', true],
  ['a.*', 'a', false],
  ['a.*', 'a.b.c', false],
  ['*.b', 'a.b', true],
  ['a.>', 'a.b.c', true],
  ['a.>', 'a', false],
  ['>', 'a', true],
  ['*', 'a.b', false],
  ['a.*.c', 'a.b.c', true],
  ['a.*.c', 'a.b.d', false],
];
for (const [pattern, subject, fits] of patterns) {
  test(`${subject} ${fits ? 'fits' : 'does not fit'} ${pattern}`, () => assert.equal(matches(pattern, subject), fits));
}

test('what is no subject', () => {
  for (const bad of ['', '.', 'a.', '.a', 'a..b', 'a b', 'a\n', 'a.*', '>', 'x'.repeat(257)]) assert.ok(subjectProblem(bad), bad);
  for (const good of ['a', 'a.b-c_d.1', 'ü.🙂', '$SYS.x']) assert.equal(subjectProblem(good), undefined, good);
  assert.ok(subjectProblem('a.>.b', true));
  assert.equal(subjectProblem('a.*.>', true), undefined);
});

test('each group gets a message once, and one of its listeners handles it', async () => {
  const broker = new SqliteBroker({ place: place() });
  const [first, second, other] = [collector(), collector(), collector()];
  for (const pattern of ['orders.*', 'orders.new']) await broker.addConsumer({ name: 'billing', pattern });
  await broker.addConsumer({ name: 'audit', pattern: '>' });
  broker.listen({ name: 'billing', pattern: 'orders.*' }, first.handle);
  broker.listen({ name: 'billing', pattern: 'orders.new' }, second.handle);
  broker.listen({ name: 'audit', pattern: '>' }, other.handle);
  for (let n = 0; n < 20; n++) await broker.publish({ subject: 'orders.new', body: bytes(`${n}`) });
  await broker.publish({ subject: 'orders.old', body: bytes('x') });
  await broker.publish({ subject: 'else', body: bytes('y') });
  await other.until(22);
  await broker.close();
  assert.equal(first.got.length + second.got.length, 21);
  assert.equal(new Set([...first.got, ...second.got]).size, 21);
});

test('messages wait for a consumer that does not listen yet, in their order', async () => {
  const broker = new SqliteBroker({ place: place() });
  await broker.publish({ subject: 'a', body: bytes('before anyone consumed') });
  await broker.addConsumer({ name: 'c', pattern: 'a' });
  for (const body of ['1', '2', '3']) await broker.publish({ subject: 'a', body: bytes(body) });
  assert.deepEqual(await broker.backlog(), [{ consumer: 'c', waiting: 3, dead: 0 }]);
  const listener = collector();
  broker.listen({ name: 'c', pattern: 'a' }, listener.handle, { concurrency: 1 });
  assert.deepEqual(await listener.until(3), ['a:1#1', 'a:2#1', 'a:3#1']);
  await broker.close();
});

test('what fails comes again, and is set aside after the last attempt', async () => {
  const broker = new SqliteBroker({ place: place() });
  await broker.addConsumer({ name: 'c', pattern: 'a' });
  let failures = 0;
  const listener = collector(({ message, attempt }) => {
    if (text(message.body) === 'never') return { kind: 'reject', reason: 'not for us' };
    if (text(message.body) === 'always') throw new Error('broken');
    return attempt < 3 && ++failures > 0 ? { kind: 'retry', reason: 'later' } : DONE;
  });
  broker.listen({ name: 'c', pattern: 'a' }, listener.handle, { backoffMs: 1, maxAttempts: 4 });
  for (const body of ['third', 'never', 'always']) await broker.publish({ subject: 'a', body: bytes(body), replyTo: 'r' });
  await listener.until(3 + 1 + 4);
  while ((await broker.deadLetters('c', 10)).length < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(failures, 2);
  const dead = await broker.deadLetters(undefined, 10);
  assert.deepEqual(
    dead.map(({ message, attempts, reason }) => [text(message.body), message.replyTo, attempts, reason]),
    [
      ['always', 'r', 4, 'broken'],
      ['never', 'r', 1, 'not for us'],
    ],
  );
  const [always] = dead;
  assert.equal(await broker.revive(always?.id ?? 0n), true);
  assert.equal(await broker.revive(always?.id ?? 0n), false);
  await listener.until(3 + 1 + 4 + 4);
  await broker.close();
});

test('requests get their answers, or time out', async () => {
  const broker = new SqliteBroker({ place: place() });
  await broker.addConsumer({ name: 'echo', pattern: 'echo.*' });
  broker.listen({ name: 'echo', pattern: 'echo.*' }, async ({ message }) => {
    if (message.replyTo)
      await broker.publish({ ...message, subject: message.replyTo, replyTo: undefined, body: bytes(`re: ${text(message.body)}`) });
    return DONE;
  });
  const answers = await Promise.all(
    ['a', 'b', 'c'].map((each) => broker.request({ subject: `echo.${each}`, body: bytes(each), headers: [['n', each]] }, 10_000)),
  );
  assert.deepEqual(
    answers.map(([answer]) => [text(answer?.body ?? new Uint8Array()), answer?.headers]),
    ['a', 'b', 'c'].map((each) => [`re: ${each}`, [['n', each]]]),
  );
  await assert.rejects(broker.request({ subject: 'nobody', body: bytes('x') }, 1), refused('timeout'));
  await broker.addConsumer({ name: 'echo-too', pattern: 'echo.*' });
  broker.listen({ name: 'echo-too', pattern: 'echo.*' }, async ({ message }) => {
    if (message.replyTo) await broker.publish({ subject: message.replyTo, body: bytes('second') });
    return DONE;
  });
  const both = await broker.request({ subject: 'echo.x', body: bytes('x') }, 10_000, 2);
  assert.deepEqual(new Set(both.map(({ body }) => text(body))), new Set(['re: x', 'second']));
  await broker.close();
});

test('limits: size, subjects, how many wait', async () => {
  const broker = new SqliteBroker({ place: place(), limits: { maxMessageBytes: 10, maxWaiting: 2, maxDead: 3 } });
  await broker.addConsumer({ name: 'c', pattern: 'a' });
  await assert.rejects(broker.publish({ subject: 'a', body: bytes('x'.repeat(11)) }), refused('message-too-large'));
  await assert.rejects(broker.publish({ subject: 'a.*', body: bytes('') }), refused('subject-invalid'));
  await assert.rejects(broker.publish({ subject: 'a', body: bytes(''), replyTo: 'a b' }), refused('subject-invalid'));
  await assert.rejects(broker.addConsumer({ name: 'c', pattern: 'a..b' }), refused('subject-invalid'));
  await broker.publish({ subject: 'a', body: bytes('1') });
  await broker.publish({ subject: 'a', body: bytes('2') });
  await assert.rejects(broker.publish({ subject: 'a', body: bytes('3') }), refused('quota-exceeded'));
  const listener = collector(() => ({ kind: 'reject', reason: 'no' }));
  const stop = broker.listen({ name: 'c', pattern: 'a' }, listener.handle);
  for (let n = 3; n <= 7; n++) {
    await listener.until(n - 1);
    while ((await broker.backlog())[0]?.waiting !== 0) await new Promise((resolve) => setImmediate(resolve));
    await broker.publish({ subject: 'a', body: bytes(`${n}`) });
  }
  await listener.until(7);
  await stop();
  assert.deepEqual(
    (await broker.deadLetters('c', 10)).map(({ message }) => text(message.body)),
    ['7', '6', '5'],
  );
  await broker.removeConsumer({ name: 'c', pattern: 'a' });
  assert.deepEqual(await broker.backlog(), []);
  await broker.close();
});

test('a message whose listener vanished comes again when its lease has run out', async () => {
  const where = place();
  const broker = new SqliteBroker({ place: where, leaseMs: 50 });
  await broker.addConsumer({ name: 'c', pattern: 'a' });
  await broker.publish({ subject: 'a', body: bytes('x') });
  const code = `
    import { SqliteBroker } from ${JSON.stringify(new URL('./sqlite.ts', import.meta.url).href)};
    import { parentPort } from 'node:worker_threads';
    const broker = new SqliteBroker({ place: ${JSON.stringify(where)}, leaseMs: 50 });
    broker.listen({ name: 'c', pattern: 'a' }, () => { parentPort.postMessage('has it'); return new Promise(() => {}); });
    setInterval(() => {}, 1000);`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  await once(worker, 'message');
  await worker.terminate();
  const listener = collector();
  broker.listen({ name: 'c', pattern: 'a' }, listener.handle);
  assert.deepEqual(await listener.until(1), ['a:x#2']);
  await broker.close();
});

test('threads share the work of one consumer, and answer across threads', async () => {
  const where = place();
  const broker = new SqliteBroker({ place: where });
  await broker.addConsumer({ name: 'c', pattern: 'a' });
  const code = `
    import { SqliteBroker } from ${JSON.stringify(new URL('./sqlite.ts', import.meta.url).href)};
    import { parentPort } from 'node:worker_threads';
    const broker = new SqliteBroker({ place: ${JSON.stringify(where)} });
    broker.listen({ name: 'c', pattern: 'a' }, async ({ message }) => {
      await broker.publish({ subject: message.replyTo, body: message.body });
      return { kind: 'done' };
    });
    parentPort.on('message', () => broker.close().then(() => parentPort.close()));
    parentPort.postMessage('ready');`;
  const workers = [1, 2].map(() => new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`)));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => broker.request({ subject: 'a', body: bytes(`${n}`) }, 30_000)));
  assert.deepEqual(
    answers.map(([answer]) => text(answer?.body ?? new Uint8Array())),
    Array.from({ length: 100 }, (_, n) => `${n}`),
  );
  await Promise.all(
    workers.map((worker) => {
      worker.postMessage('stop');
      return once(worker, 'exit');
    }),
  );
  await broker.close();
});

test('what a killed process had accepted is delivered by the next one', async () => {
  const file = join(folder, 'killed.db');
  const code = `
    import { SqliteBroker } from ${JSON.stringify(new URL('./sqlite.ts', import.meta.url).href)};
    const broker = new SqliteBroker({ place: { file: ${JSON.stringify(file)} } }, true);
    await broker.addConsumer({ name: 'c', pattern: 'a' });
    broker.listen({ name: 'c', pattern: 'a' }, () => new Promise(() => {}), { concurrency: 3 });
    for (let n = 0; ; n++) { await broker.publish({ subject: 'a', body: Buffer.from(String(n)) }); console.log(n); await null; }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  let accepted = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    accepted = Number(line) + 1;
    if (accepted === 30) child.kill('SIGKILL');
  }
  assert.ok(accepted >= 30);
  const broker = new SqliteBroker({ place: { file } }, true);
  const listener = collector();
  broker.listen({ name: 'c', pattern: 'a' }, listener.handle);
  await listener.until(accepted);
  const got = new Set(listener.got.map((each) => each.replace(/^a:|#\d$/g, '')));
  for (let n = 0; n < accepted; n++) assert.ok(got.has(String(n)), `message ${n}`);
  await broker.close();
});
