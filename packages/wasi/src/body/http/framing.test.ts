import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HttpError } from './error.ts';
import { FieldList } from './fields.ts';
import { checkInformational, checkTrailers, Framing } from './framing.ts';

type Pairs = readonly (readonly [name: string, value: string])[];

const length = (value: string): Pairs => [['content-length', value]];
const announced: Pairs = [['trailer', 'x-sum']];

/** Bytes of the body where it is known to its end, `more` where it follows, both with `+` where trailers do. */
type Body = number | `${number}+` | 'more';

interface Row {
  readonly of: string;
  readonly fields?: Pairs;
  readonly body: Body;
  /** The head that goes out, or the error. */
  readonly to: Pairs | string;
}

const TABLE: readonly Row[] = [
  // Responses that have a body.
  { of: 'GET 200', body: 0, to: length('0') },
  { of: 'GET 200', body: 5, to: length('5') },
  { of: 'GET 200', body: 'more', to: [] },
  { of: 'GET 200', fields: length('5'), body: 5, to: length('5') },
  { of: 'GET 200', fields: length('5'), body: 'more', to: length('5') },
  { of: 'GET 200', fields: length('77'), body: 0, to: 'HTTP-response-body-size' },
  { of: 'GET 200', fields: length('5'), body: 4, to: 'HTTP-response-body-size' },
  { of: 'GET 200', fields: length('5'), body: 6, to: 'HTTP-response-body-size' },
  { of: 'POST 404', fields: length('0'), body: 1, to: 'HTTP-response-body-size' },
  // Lengths that are none.
  { of: 'GET 200', fields: [...length('5'), ...length('5')], body: 5, to: 'HTTP-protocol-error' },
  { of: 'GET 200', fields: [...length('5'), ...length('6')], body: 5, to: 'HTTP-protocol-error' },
  ...['+3', '-3', '03', '0x3', '3.0', '3, 3', '', 'abc', '9007199254740993'].map(
    (text): Row => ({ of: 'GET 200', fields: length(text), body: 3, to: 'HTTP-protocol-error' }),
  ),
  { of: 'POST', fields: length('+3'), body: 3, to: 'HTTP-protocol-error' },
  { of: 'HEAD 200', fields: length('03'), body: 0, to: 'HTTP-protocol-error' },
  { of: 'GET 304', fields: length('03'), body: 0, to: 'HTTP-protocol-error' },
  // Trailers.
  { of: 'GET 200', body: '5+', to: [] },
  { of: 'GET 200', fields: length('5'), body: '5+', to: [] },
  { of: 'GET 200', fields: [...length('5'), ...announced], body: '5+', to: announced },
  { of: 'GET 200', fields: [...length('5'), ...announced], body: 'more', to: announced },
  { of: 'GET 200', fields: announced, body: 5, to: length('5') },
  { of: 'GET 200', fields: [...length('5'), ...announced], body: '4+', to: 'HTTP-response-body-size' },
  { of: 'GET', fields: announced, body: 0, to: [] },
  { of: 'POST', fields: announced, body: 5, to: length('5') },
  { of: 'POST', fields: announced, body: '5+', to: announced },
  { of: 'POST', body: '0+', to: [] },
  // Statuses that no response ends with.
  ...[0, 99, 100, 101, 103, 199, 600].map((status): Row => ({ of: `GET ${status}`, body: 0, to: 'HTTP-protocol-error' })),
  // Responses without a body.
  { of: 'GET 204', body: 0, to: [] },
  { of: 'GET 204', body: 'more', to: [] },
  { of: 'GET 204', fields: length('0'), body: 0, to: [] },
  { of: 'GET 204', fields: length('5'), body: 0, to: 'HTTP-response-body-size' },
  { of: 'GET 204', body: 5, to: 'HTTP-response-body-size' },
  { of: 'GET 205', body: 0, to: length('0') },
  { of: 'GET 205', body: 'more', to: length('0') },
  { of: 'GET 205', fields: length('5'), body: 5, to: 'HTTP-response-body-size' },
  { of: 'GET 205', body: 5, to: 'HTTP-response-body-size' },
  { of: 'GET 304', body: 0, to: [] },
  { of: 'GET 304', fields: length('5'), body: 0, to: length('5') },
  { of: 'GET 304', body: 5, to: 'HTTP-response-body-size' },
  { of: 'GET 204', body: '0+', to: [] },
  // Responses to HEAD say what those to GET would.
  { of: 'HEAD 200', body: 0, to: [] },
  { of: 'HEAD 200', body: 5, to: length('5') },
  { of: 'HEAD 200', body: 'more', to: [] },
  { of: 'HEAD 200', fields: length('5'), body: 0, to: length('5') },
  { of: 'HEAD 200', fields: length('5'), body: 5, to: length('5') },
  { of: 'HEAD 200', fields: announced, body: '5+', to: length('5') },
  { of: 'HEAD 204', fields: length('0'), body: 0, to: [] },
  { of: 'HEAD 304', fields: length('5'), body: 0, to: length('5') },
  { of: 'HEAD 199', body: 0, to: 'HTTP-protocol-error' },
  // Requests.
  ...['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE'].map((of): Row => ({ of, body: 0, to: [] })),
  ...['POST', 'PUT', 'PATCH', 'PROPFIND', 'PURGE'].map((of): Row => ({ of, body: 0, to: length('0') })),
  { of: 'GET', body: 5, to: length('5') },
  { of: 'GET', body: 'more', to: [] },
  { of: 'GET', fields: length('0'), body: 0, to: length('0') },
  { of: 'GET', fields: length('5'), body: 0, to: 'HTTP-request-body-size' },
  { of: 'POST', fields: length('5'), body: 4, to: 'HTTP-request-body-size' },
  { of: 'POST', fields: length('5'), body: 6, to: 'HTTP-request-body-size' },
  { of: 'POST', fields: [...length('5'), ...length('5')], body: 5, to: 'HTTP-protocol-error' },
];

function head({ of, fields = [], body }: Row): string[] {
  const [method = '', status] = of.split(' ');
  const list = FieldList.of([...fields, ['x-other', 'y']]);
  const framing = status === undefined ? Framing.request(method, list) : Framing.response(method, Number(status), list);
  if (body === 'more') return framing.streamed();
  const written = Number.parseInt(String(body), 10);
  framing.check(written, true);
  return framing.whole(written, String(body).endsWith('+'));
}

describe('a message and the head that it goes out with', () => {
  for (const row of TABLE) {
    const name = `${row.of}, ${(row.fields ?? []).map((field) => field.join(': ')).join(', ') || 'no fields'}, body ${row.body}`;
    test(name, () => {
      if (typeof row.to === 'string') {
        assert.throws(
          () => head(row),
          (error) => error instanceof HttpError && error.problem === row.to,
        );
        return;
      }
      const expected = [...row.to, ['x-other', 'y']];
      const pairs = head(row);
      const entries = Array.from({ length: pairs.length / 2 }, (_, at) => pairs.slice(2 * at, 2 * at + 2));
      assert.deepEqual(entries.sort(), expected.sort());
    });
  }
});

test('a body that follows may not become longer than its length, and says so early', () => {
  const framing = Framing.response('GET', 200, FieldList.of(length('5')));
  framing.check(4, false);
  framing.check(5, false);
  assert.throws(() => framing.check(6, false), { problem: 'HTTP-response-body-size', detail: 6 });
  assert.throws(() => framing.check(4, true), { problem: 'HTTP-response-body-size', detail: 4 });
});

describe('trailers', () => {
  for (const name of ['content-length', 'trailer', 'content-encoding', 'content-type', 'authorization', 'set-cookie', 'te'])
    test(`${name} is refused`, () => assert.throws(() => checkTrailers(FieldList.of([[name, '3']])), { problem: 'HTTP-protocol-error' }));
  for (const name of ['x-sum', 'grpc-status', 'etag', 'server-timing'])
    test(`${name} is sent`, () => checkTrailers(FieldList.of([[name, '3']])));
});

describe('responses ahead of the final one', () => {
  for (const [status, fields] of [
    [99, []],
    [101, []],
    [200, []],
    [103, length('0')],
    [103, announced],
  ] as const)
    test(`${status} with ${fields.length} fields is refused`, () =>
      assert.throws(() => checkInformational(status, FieldList.of(fields)), { problem: 'HTTP-protocol-error' }));
  for (const status of [100, 102, 103, 199]) test(`${status} is sent`, () => checkInformational(status, FieldList.of([['link', '</a>']])));
});
