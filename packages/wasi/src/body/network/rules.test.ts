import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isShielded, Rules } from './rules.ts';

describe('hosts', () => {
  const cases: readonly (readonly [rule: string, host: string, port: number, allowed: boolean])[] = [
    ['example.com', 'example.com', 443, true],
    ['example.com', 'EXAMPLE.com.', 80, true],
    ['example.com', 'www.example.com', 80, false],
    ['example.com', 'example.com.evil.net', 80, false],
    ['example.com', 'evilexample.com', 80, false],
    ['example.com:443', 'example.com', 443, true],
    ['example.com:443', 'example.com', 80, false],
    ['*.example.com', 'a.b.example.com', 80, true],
    ['*.example.com', 'example.com', 80, false],
    ['*.example.com', 'evilexample.com', 80, false],
    ['*', 'anything.net', 1, true],
    ['*:443', 'anything.net', 80, false],
    ['*', '93.184.216.34', 80, true],
    ['*', '127.0.0.1', 80, false],
    ['*', '::1', 80, false],
    ['*', '169.254.169.254', 80, false],
    ['*', '::ffff:127.0.0.1', 80, false],
    ['*', '0.0.0.0', 80, false],
    ['127.0.0.1', '127.0.0.1', 80, true],
    ['127.0.0.1', '127.0.0.2', 80, false],
    ['127.0.0.1:8000-8010', '127.0.0.1', 8010, true],
    ['127.0.0.1:8000-8010', '127.0.0.1', 8011, false],
    ['10.0.0.0/8:5432', '10.200.3.4', 5432, true],
    ['10.0.0.0/8', '11.0.0.1', 5432, false],
    ['::1', '::1', 80, true],
    ['[::1]:80', '::1', 80, true],
    ['[::1]:80', '::1', 81, false],
    ['fd00::/8', 'fd12::1', 80, true],
    ['localhost', 'localhost', 80, true],
    ['127.0.0.1', '::ffff:127.0.0.1', 80, true],
  ];
  for (const [rule, host, port, allowed] of cases) {
    test(`${rule} ${allowed ? 'allows' : 'denies'} ${host} port ${port}`, () =>
      assert.equal(new Rules([rule]).allowsHost(host, port), allowed));
  }

  test('no rules allow nothing', () => assert.equal(new Rules([]).allowsHost('example.com', 80), false));
});

describe('addresses that a name led to', () => {
  const cases: readonly (readonly [rules: readonly string[], host: string, address: string, allowed: boolean])[] = [
    [['example.com'], 'example.com', '93.184.216.34', true],
    [['example.com'], 'example.com', '10.0.0.1', true],
    [['example.com'], 'example.com', '127.0.0.1', false],
    [['example.com'], 'example.com', '169.254.169.254', false],
    [['example.com'], 'example.com', '::1', false],
    [['example.com', '127.0.0.0/8'], 'example.com', '127.0.0.1', true],
    [['*'], 'example.com', '127.0.0.1', false],
    [['localhost'], 'localhost', '127.0.0.1', true],
    [['example.com'], 'other.com', '93.184.216.34', false],
  ];
  for (const [rules, host, address, allowed] of cases) {
    test(`${rules.join(' ')}: ${host} at ${address} is ${allowed ? 'allowed' : 'denied'}`, () => {
      assert.equal(new Rules(rules).allowsAddress(address, 80, host), allowed);
    });
  }
});

test('what is no rule is refused', () => {
  for (const rule of [
    '',
    'http://x',
    'a b',
    'x:y',
    'x:1-0',
    'x:70000',
    '1.2.3.4/33',
    '1.2.3.4/',
    '1.2.3.4/8/8',
    '1.2.3.4/x',
    '::1/129',
    'x/8',
  ]) {
    assert.throws(() => new Rules([rule]), RangeError, rule);
  }
});

test('metadata services are shielded', () => {
  for (const address of ['169.254.169.254', 'fe80::1', 'fd00:ec2::254', '100.100.100.200'])
    assert.equal(isShielded(address), true, address);
});
