import assert from 'node:assert/strict';
import { test } from 'node:test';
import { camelCase, interfaceName, parseFunctionName, pascalCase } from './names.ts';

test('kebab-case names become JavaScript names', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['a', 'a', 'A'],
    ['blocking-read', 'blockingRead', 'BlockingRead'],
    ['get-JSON', 'getJson', 'GetJson'],
    ['HTTP-request', 'httpRequest', 'HttpRequest'],
    ['ipv6-address', 'ipv6Address', 'Ipv6Address'],
  ];
  for (const [kebab, camel, pascal] of cases) {
    assert.equal(camelCase(kebab), camel);
    assert.equal(pascalCase(kebab), pascal);
  }
});

test('interfaces have a short name', () => {
  assert.equal(interfaceName('wasi:io/streams@0.2.0'), 'streams');
  assert.equal(interfaceName('wasi:http/outgoing-handler@0.2.0'), 'outgoingHandler');
  assert.equal(interfaceName('my-api'), 'myApi');
  assert.equal(interfaceName('a:b/c/d-e@1.0.0-rc.1+x'), 'dE');
});

test('names of functions say what they are', () => {
  assert.deepEqual(parseFunctionName('[method]input-stream.blocking-read'), {
    kind: 'method',
    resource: 'input-stream',
    name: 'blocking-read',
  });
  assert.deepEqual(parseFunctionName('[static]fields.from-list'), { kind: 'static', resource: 'fields', name: 'from-list' });
  assert.deepEqual(parseFunctionName('[constructor]fields'), { kind: 'constructor', resource: 'fields' });
  assert.deepEqual(parseFunctionName('run'), { kind: 'plain', name: 'run' });
});
