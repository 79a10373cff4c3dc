import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Router } from './router.ts';

const ROUTES = [
  [{}, 'any'],
  [{ path: '/api' }, 'api'],
  [{ path: '/api/users/' }, 'users'],
  [{ host: 'shop.example.com' }, 'shop'],
  [{ host: '*.example.com', path: '/api' }, 'wild api'],
  [{ host: '*.shop.example.com' }, 'narrow'],
] as const;

const REQUESTS: readonly (readonly [authority: string | undefined, target: string, expected: string | undefined])[] = [
  ['x', '/', 'any'],
  [undefined, '/?a', 'any'],
  ['x', '*', 'any'],
  ['x', '/apix', 'any'],
  ['x', '/api', 'api'],
  ['x', '/api?q=/users', 'api'],
  ['x', '/api/users/7', 'users'],
  ['Shop.Example.Com:8080', '/api', 'shop'],
  ['other.example.com', '/api/1', 'wild api'],
  ['other.example.com', '/', 'any'],
  ['a.shop.example.com', '/api', 'narrow'],
  ['example.com', '/api', 'api'],
  ['[::1]:80', '/', 'any'],
];

for (const [authority, target, expected] of REQUESTS) {
  test(`${authority ?? 'no host'} ${target}: ${expected}`, () => {
    const router = new Router<string>();
    for (const [match, name] of ROUTES) assert.equal(router.add(match, name), undefined);
    assert.equal(router.find(authority, target), expected);
  });
}

test('the same route twice names who has it, and one that is removed is free again', () => {
  const router = new Router<string>();
  router.add({ host: 'a', path: '/b' }, 'first');
  assert.equal(router.add({ host: 'A', path: '/b/' }, 'second'), 'first');
  assert.equal(router.find('a', '/'), undefined);
  router.remove('first');
  assert.equal(router.empty, true);
  assert.equal(router.add({ host: 'a', path: '/b' }, 'second'), undefined);
  assert.equal(router.find('a', '/b/c'), 'second');
});
