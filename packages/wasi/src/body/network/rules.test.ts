import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { describe, test } from 'node:test';
import { Rules } from './rules.ts';
import { isShielded } from './shield.ts';

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
    ['a.com.', 'a.com', 80, true],
    ['A.com', 'a.COM.', 80, true],
    ['*.a.com.', 'b.a.com', 80, true],
    ['bücher.example', 'xn--bcher-kva.example', 80, true],
    // What leads to this machine, to its neighbours or to many by another form of the address.
    ['*', '::127.0.0.1', 80, false],
    ['*', '::7f00:1', 80, false],
    ['*', '::ffff:0:127.0.0.1', 80, false],
    ['*', '64:ff9b::127.0.0.1', 80, false],
    ['*', '64:ff9b::a9fe:a9fe', 80, false],
    ['*', '64:ff9b:1::127.0.0.1', 80, false],
    ['*', '2002:7f00:1::', 80, false],
    ['*', '2002:a9fe:a9fe::1', 80, false],
    ['*', '64:ff9b::93.184.216.34', 80, true],
    ['*', '2002:5db8:d822::1', 80, true],
    ['*', 'fe80::1%eth0', 80, false],
    ['*', '224.0.0.251', 80, false],
    ['*', '239.255.255.250', 80, false],
    ['*', '255.255.255.255', 80, false],
    ['*', 'ff02::1', 80, false],
    ['*', '64:ff9b::224.0.0.1', 80, false],
    ['224.0.0.251', '224.0.0.251', 80, true],
    ['ff00::/8', 'ff02::1', 80, true],
    ['2002:7f00:1::/48', '2002:7f00:1::', 80, true],
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
    [['LocalHost.'], 'LocalHost.', '127.0.0.1', true],
    [['localhost'], 'localhost', '::1', true],
    [['localhost'], 'localhost', '169.254.169.254', false],
    [['example.com'], 'example.com', '64:ff9b::127.0.0.1', false],
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
    '10.0.0.0/8:80-90-100',
    'x:80-',
    'x:-80',
    'x: 80',
    'a..b',
    '.a',
    '*.',
    '**',
    '*.*',
    'a\u001b[0m',
  ]) {
    assert.throws(() => new Rules([rule]), RangeError, rule);
  }
});

test("this machine's own addresses are reached when they are named, and are as good as any to be reached at", () => {
  const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  assert.ok(own.length > 0);
  for (const { address, internal, netmask, family } of own) {
    assert.equal(new Rules(['*']).allowsHost(address, 80), false, address);
    assert.equal(new Rules(['example.com']).allowsAddress(address, 80, 'example.com'), false, address);
    assert.equal(new Rules(['localhost']).allowsAddress(address, 80, 'localhost'), internal, address);
    assert.equal(new Rules([address]).allowsHost(address, 80), true, address);
    const shieldedAnyway = internal || address.startsWith('fe80:') || address.startsWith('169.254.');
    assert.equal(new Rules(['*'], { here: true }).allowsHost(address, 80), !shieldedAnyway, address);
    if (family !== 'IPv4') continue;
    assert.equal(new Rules(['*']).allowsHost(`64:ff9b::${address}`, 80), false, address);
    const mask = netmask.split('.').map(Number);
    const broadcast = address.split('.').map((part, index) => Number(part) | (~(mask[index] ?? 0) & 255));
    assert.equal(new Rules(['*']).allowsHost(broadcast.join('.'), 80), false, broadcast.join('.'));
  }
});

test('metadata services are shielded', () => {
  for (const address of ['169.254.169.254', 'fe80::1', 'fd00:ec2::254', '100.100.100.200'])
    assert.equal(isShielded(address), true, address);
});
