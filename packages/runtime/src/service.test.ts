import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CallLimits } from '@tenon/component';
import type { ReceivedRequest, Responder } from '@tenon/wasi';
import { guestPath } from '../../../guests/guests.ts';
import { Runtime, WorkloadConfig } from './index.ts';
import { Service, type SharedInstance } from './service.ts';

const REQUEST = {} as ReceivedRequest;
const RESPONDER = {} as Responder;

/** An instance whose requests end when they are told to. */
class Instance implements SharedInstance {
  readonly requests: PromiseWithResolvers<void>[] = [];
  resets = 0;
  ended = false;

  respond(_request: ReceivedRequest, _responder: Responder, _limits: CallLimits, signal: AbortSignal): Promise<void> {
    const request = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => request.reject(signal.reason));
    this.requests.push(request);
    return request.promise;
  }

  call(): unknown {
    return 1;
  }

  reset(): boolean {
    this.resets++;
    return true;
  }

  end(): void {
    this.ended = true;
  }
}

function service(maxConcurrency: number, maxRequestsPerInstance = 1000, resets = false): { service: Service; made: Instance[] } {
  const made: Instance[] = [];
  const make = (): Instance => {
    const instance = new Instance();
    made.push(instance);
    return instance;
  };
  return { service: new Service(make, { maxConcurrency, maxRequestsPerInstance }, resets), made };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('instances of a service', () => {
  test('serve as many requests at the same time as they may, and one more makes another', () => {
    const { service: shared, made } = service(2);
    for (let i = 0; i < 3; i++) void shared.slot().respond(REQUEST, RESPONDER, {});
    assert.deepEqual(
      made.map(({ requests }) => requests.length),
      [2, 1],
    );
  });

  test('are made as new when they have nothing to do', async () => {
    const { service: shared, made } = service(2, 1000, true);
    const slot = shared.slot();
    const done = slot.respond(REQUEST, RESPONDER, {});
    made[0]?.requests[0]?.resolve();
    await done;
    await turn();
    assert.equal(made[0]?.resets, 1);
    assert.equal(slot.reset(), true);
  });

  test('get no more requests when they fail, and end with the last of those that they have', async () => {
    const { service: shared, made } = service(2);
    const first = shared.slot().respond(REQUEST, RESPONDER, {});
    const second = shared.slot().respond(REQUEST, RESPONDER, {});
    made[0]?.requests[0]?.reject(new Error('a trap'));
    await assert.rejects(first, /a trap/);
    void shared.slot().respond(REQUEST, RESPONDER, {});
    assert.equal(made.length, 2);
    assert.equal(made[0]?.ended, false);
    made[0]?.requests[1]?.resolve();
    await second;
    assert.equal(made[0]?.ended, true);
  });

  test('are replaced after so many requests', async () => {
    const { service: shared, made } = service(2, 1);
    const done = shared.slot().respond(REQUEST, RESPONDER, {});
    made[0]?.requests[0]?.resolve();
    await done;
    void shared.slot().respond(REQUEST, RESPONDER, {});
    assert.equal(made.length, 2);
    assert.equal(made[0]?.ended, true);
  });

  test('live on when one request takes too long and honours its cancellation', async () => {
    const { service: shared, made } = service(2);
    await assert.rejects(shared.slot().respond(REQUEST, RESPONDER, { timeoutMs: 1 }), { code: 'TENON_DEADLINE' });
    void shared.slot().respond(REQUEST, RESPONDER, {});
    assert.equal(made.length, 1);
  });

  test('end with the last place', () => {
    const { service: shared, made } = service(2);
    const [one, other] = [shared.slot(), shared.slot()];
    one.end();
    assert.equal(made[0]?.ended, false);
    other.end();
    assert.equal(made[0]?.ended, true);
  });
});

test('a workload of WASI 0.3 serves requests at the same time in one instance', async () => {
  const config = new WorkloadConfig(guestPath('rust-async-http'))
    .withInterface('wasi:http/incoming-handler')
    .withLimits({ maxInstances: 1, maxConcurrency: 8 })
    .withReuse('keep');
  const runtime = await Runtime.create({ threads: 1 });
  try {
    const { url } = await runtime.startWorkload(config);
    const answers = await Promise.all(Array.from({ length: 8 }, () => fetch(`${url}/wait/200`)));
    for (const answer of answers) assert.equal(await answer.text(), 'waited\n');
    assert.match(await (await fetch(`${url}/most`)).text(), /^8 at a time/);
  } finally {
    await runtime.stop();
  }
});
