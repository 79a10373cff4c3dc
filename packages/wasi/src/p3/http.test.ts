import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ComponentError } from '@tenon/component';
import { Fields } from './http-fields.ts';
import { Request, RequestOptions, Response } from './http-messages.ts';
import { OK } from './result.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const none = { tag: 'ok', val: undefined } as const;
const request = (headers = new Fields(), options?: RequestOptions): Request =>
  Request.new(headers, undefined, Promise.resolve(none), options)[0];

/** The error case that an operation ends in. */
function refusal(operation: () => unknown): unknown {
  try {
    operation();
  } catch (error) {
    assert.ok(error instanceof ComponentError && error.code === 'TENON_RESULT', String(error));
    return error.payload;
  }
  return 'no error';
}

describe('fields', () => {
  test('keep the spelling of names, and find them in any', () => {
    const fields = Fields.fromList([
      ['X-Name', bytes('1')],
      ['x-other', bytes('2')],
    ]);
    fields.append('x-NAME', bytes('3'));
    assert.deepEqual(
      fields.copyAll().map(([name]) => name),
      ['X-Name', 'x-other', 'X-Name'],
    );
    assert.equal(fields.get('X-NAME').length, 2);
    assert.deepEqual(
      fields
        .clone()
        .copyAll()
        .map(([name]) => name),
      ['X-Name', 'x-other', 'X-Name'],
    );
    assert.equal(fields.getAndDelete('x-name').length, 2);
    assert.equal(fields.has('X-Name'), false);
    assert.deepEqual(fields.getAndDelete('x-name'), []);
  });

  for (const [what, operation, tag] of [
    ['a name that is none', (fields) => fields.append('a b', bytes('1')), 'invalid-syntax'],
    ['a value with a line break', (fields) => fields.set('a', [bytes('1\r\n2')]), 'invalid-syntax'],
    ['a name that is the host’s', (fields) => fields.set('Transfer-Encoding', []), 'forbidden'],
    ['more than a message may have', (fields) => fields.append('a', bytes('x'.repeat(200_000))), 'size-exceeded'],
    ['a change of the fields of a message', (fields) => request(fields).getHeaders().append('a', bytes('1')), 'immutable'],
    ['to delete from the fields of a message', (fields) => request(fields).getHeaders().getAndDelete('a'), 'immutable'],
  ] as [string, (fields: Fields) => unknown, string][]) {
    test(`refuse ${what}`, () =>
      assert.deepEqual(
        refusal(() => operation(new Fields())),
        { tag },
      ));
  }
});

describe('requests', () => {
  for (const [what, operation] of [
    ['a method', () => request().setMethod({ tag: 'other', val: 'a b' })],
    ['a target', () => request().setPathWithQuery('no slash')],
    ['a scheme', () => request().setScheme({ tag: 'other', val: '1:' })],
    ['an authority', () => request().setAuthority('a/b')],
    ['a status', () => Response.new(new Fields(), undefined, Promise.resolve(none))[0].setStatusCode(1000)],
  ] as [string, () => unknown][]) {
    test(`refuse what is not ${what}`, () => assert.equal(refusal(operation), undefined));
  }

  test('begin with GET and nothing else', () => {
    const made = request();
    assert.deepEqual(made.getMethod(), { tag: 'get' });
    for (const part of [made.getPathWithQuery(), made.getScheme(), made.getAuthority(), made.getOptions()]) assert.equal(part, undefined);
  });

  test('have options that cannot be changed, but copied', () => {
    const options = new RequestOptions();
    options.setConnectTimeout(5n);
    const kept = request(new Fields(), options).getOptions();
    options.setConnectTimeout(6n);
    assert.equal(kept?.getConnectTimeout(), 5n);
    assert.deepEqual(
      refusal(() => kept?.setConnectTimeout(7n)),
      { tag: 'immutable' },
    );
    const copy = kept?.clone();
    copy?.setFirstByteTimeout(undefined);
    assert.equal(copy?.getConnectTimeout(), 5n);
  });

  test('tell who made them what the one who consumed them says', async () => {
    const [made, sent] = Request.new(new Fields(), undefined, Promise.resolve(none), undefined);
    const failure = { tag: 'err', val: { tag: 'HTTP-protocol-error' } } as const;
    const [, trailers] = Request.consumeBody(made, Promise.resolve(failure));
    assert.deepEqual(await sent, failure);
    assert.deepEqual(await trailers, none);
  });

  test('that are dropped end well', async () => {
    const [made, sent] = Request.new(new Fields(), undefined, Promise.resolve(none), undefined);
    made[Symbol.dispose]();
    assert.deepEqual(await sent, OK);
  });
});
