import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Traffic } from './http2-traffic.ts';

const HEAD = [':method', 'GET', ':path', '/', ':scheme', 'http', ':authority', 'x'];

/** A connection whose client sends so many bytes in each of so many steps of 100 ms; the first excess, in steps. */
function excessAfter(
  steps: number,
  bytes: number,
  does: (traffic: Traffic, connection: { bytesWritten: number }) => void,
): number | undefined {
  const connection = { bytesRead: 0, bytesWritten: 0 };
  const traffic = new Traffic(connection, 0);
  for (let step = 1; step <= steps; step++) {
    connection.bytesRead += bytes;
    does(traffic, connection);
    if (traffic.excess(step * 100) > 0) return step;
  }
  return undefined;
}

const many = (times: number, work: () => void): void => {
  for (let time = 0; time < times; time++) work();
};

test('what belongs to no request is in excess soon', () => {
  assert.equal(
    excessAfter(100, 1_000_000, () => {}),
    1,
  );
  assert.equal(
    excessAfter(100, 200_000, () => {}),
    4,
  );
});

test('heads, bodies in small pieces, acknowledgements and now and then a ping are no excess', () => {
  assert.equal(
    excessAfter(1000, 1000 * 70, (traffic) => many(1000, () => traffic.head(HEAD))),
    undefined,
  );
  assert.equal(
    excessAfter(1000, 1000 * 10, (traffic) => many(1000, () => traffic.body(1))),
    undefined,
  );
  assert.equal(
    excessAfter(1000, 26 * 1000, (_traffic, connection) => {
      connection.bytesWritten += 16_384 * 1000;
    }),
    undefined,
  );
  assert.equal(
    excessAfter(1000, 17, () => {}),
    undefined,
  );
});

test('what a client did not use up while it was quiet is not saved for a flood', () => {
  let step = 0;
  const bytes = (): number => (step++ < 500 ? 0 : 1_000_000);
  const connection = { bytesRead: 0, bytesWritten: 0 };
  const traffic = new Traffic(connection, 0);
  const first = Array.from({ length: 600 }, (_, at) => at + 1).find((at) => {
    connection.bytesRead += bytes();
    return traffic.excess(at * 100) > 0;
  });
  assert.equal(first, 501);
});
