/** A guest that makes the host hold much for it, or work without end, is ended alone. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { before, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Component, type Instance, Linker, type Prepared, Trap } from '@tenon/component';
import { guestPath } from '../../../guests/guests.ts';
import { createIncomingHandler, type Handle, type StandardOutput, wasi } from './index.ts';
import type { GivenLimits } from './limits.ts';

const MIB = 1024 * 1024;
const HANDLER = 'wasi:http/incoming-handler@0.2.4';

let component: Component;
before(async () => {
  component = await Component.compile(readFileSync(guestPath('rust-greedy')));
});

function prepare(limits: GivenLimits = {}, stdout?: StandardOutput): Prepared {
  const linker = new Linker();
  linker.use(wasi({ limits, stdout }));
  return linker.prepareSync(component);
}

interface Answered {
  readonly status: number;
  readonly body: string;
  readonly error: unknown;
}

/** Answers one request with an instance. */
async function ask(instance: Instance, path: string): Promise<Answered> {
  const { handle } = instance.exports[HANDLER] as { readonly handle: Handle };
  const handler = createIncomingHandler(handle);
  let error: unknown;
  let done: Promise<void> | undefined;
  const server = createServer((request, response) => {
    done = handler(request, response).catch((reason: unknown) => {
      error = reason;
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  try {
    const response = await fetch(`http://127.0.0.1:${(server.address() as { port: number }).port}${path}`, {
      headers: { connection: 'close' },
    });
    const body = await response.text();
    await done;
    return { status: response.status, body, error };
  } finally {
    server.close();
  }
}

describe('what the host holds for an instance', () => {
  const rows: readonly (readonly [path: string, answer: string | RegExp])[] = [
    ['/fields/20', '20 fields\n'],
    ['/fields/60', /trap.*no room for a header field|no room for a header field/s],
    ['/list/1000', '1000 pairs\n'],
    ['/list/1000000', /takes more of the host than it may hold for this instance/],
    ['/bodies/100', '100 bodies\n'],
    ['/bodies/1000', /the guest waits for room in a body, and nobody can make any: the host holds as much as it may/],
  ];
  for (const [path, answer] of rows) {
    test(`${path}: ${typeof answer === 'string' ? 'fits' : 'ends the instance, and the next has as much again'}`, async () => {
      const prepared = prepare({ hostBytes: 8 * MIB, instanceHostBytes: 8 * MIB });
      for (let each = 0; each < 3; each++) {
        const { status, body, error } = await ask(prepared.instantiateSync(), path);
        if (typeof answer === 'string') {
          assert.deepEqual([status, body, error], [200, answer, undefined]);
        } else {
          assert.ok(error instanceof Trap, String(error));
          assert.match(error.message, answer);
          assert.equal(status, 500);
        }
      }
    });
  }

  test('is one budget for all, and another has what is left of it', async () => {
    const prepared = prepare({ hostBytes: 24 * MIB, instanceHostBytes: 22 * MIB });
    const holding = ask(prepared.instantiateSync(), '/hold/200');
    while (true) {
      await turn();
      const { error } = await ask(prepared.instantiateSync(), '/fields/50');
      if (error === undefined) continue;
      assert.match(String(error), /no room for a header field/);
      break;
    }
    assert.equal((await ask(prepared.instantiateSync(), '/')).body, 'hello\n');
    assert.equal((await holding).body, '100 fields\n');
    assert.equal((await ask(prepared.instantiateSync(), '/fields/50')).body, '50 fields\n');
  });

  test('is given back when an instance goes on and drops it', async () => {
    const instance = prepare({ hostBytes: 8 * MIB, instanceHostBytes: 8 * MIB }).instantiateSync();
    for (let each = 0; each < 10; each++) {
      assert.equal((await ask(instance, '/fields/30')).body, '30 fields\n');
      assert.equal((await ask(instance, '/bodies/100')).body, '100 bodies\n');
    }
  });
});

describe('a body before its response', () => {
  const rows: readonly (readonly [path: string, length: number | RegExp])[] = [
    ['/early/1048576', 1_048_576],
    ['/crumbs/20000', 20_000],
    ['/wait-early/1048576', 1_048_576],
    [
      '/early/1048577',
      /the guest waits for room in a body, and nobody can make any: the body holds as much as it may until the response is set/,
    ],
    ['/wait-early/2000000', /nobody can make any/],
    ['/race-early/2000000', 1_048_576],
  ];
  for (const [path, length] of rows) {
    test(`${path} ${typeof length === 'number' ? `is an answer of ${length} bytes` : 'ends the guest at once, and says why'}`, async () => {
      const { status, body, error } = await ask(prepare().instantiateSync(), path);
      if (typeof length === 'number') {
        assert.equal(error, undefined);
        assert.deepEqual([status, body.length], [200, length]);
        assert.match(body, /^x*$/);
        return;
      }
      assert.equal(status, 500);
      assert.match(String(error), length);
    });
  }
});

describe('work without end', () => {
  for (const path of ['/hold/3600000', '/poll/3600000']) {
    test(`${path}: a wait ends with the instance, and nothing is left of it`, async () => {
      const instance = prepare().instantiateSync();
      const asked = ask(instance, path);
      const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
      const before = timers();
      while (timers() === before) await turn();
      instance.end('it is enough');
      assert.match(String((await asked).error), /it is enough/);
      assert.ok(timers() <= before);
    });
  }

  test('for output ends with the instance, and lets others work until then', async () => {
    let bytes = 0;
    const started = Promise.withResolvers<void>();
    const instance = prepare({}, (part) => {
      assert.ok(part.every((byte) => byte === 0));
      bytes += part.length;
      if (bytes > 4 * MIB) started.resolve();
    }).instantiateSync();
    const asked = ask(instance, '/zeroes');
    await started.promise;
    const before = bytes;
    for (let turns = 0; turns < 10; turns++) await turn();
    assert.ok(bytes - before < 2 * MIB, 'others have a turn after each part');
    instance.end('it is enough');
    await turn();
    const atEnd = bytes;
    for (let turns = 0; turns < 100; turns++) await turn();
    assert.equal(bytes, atEnd);
    assert.match(String((await asked).error), /it is enough/);
  });

  test('for a body ends with the client', { timeout: 60_000 }, async (context) => {
    const instance = prepare().instantiateSync();
    const { handle } = instance.exports[HANDLER] as { readonly handle: Handle };
    const handler = createIncomingHandler(handle);
    const gone = Promise.withResolvers<void>();
    const server = createServer((request, response) => void handler(request, response).then(gone.resolve, gone.resolve));
    context.after(() => server.close());
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    const aborter = new AbortController();
    const url = `http://127.0.0.1:${(server.address() as { port: number }).port}/zeroes-body`;
    const response = await fetch(url, { signal: aborter.signal });
    await response.body?.getReader().read();
    aborter.abort();
    await gone.promise;
  });
});
