import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Match, Router } from './router.ts';

const routes: Readonly<Record<string, Match>> = {
  any: {},
  shop: { host: 'shop.example.com' },
  wild: { host: '*.example.com' },
  deep: { host: '*.a.example.com' },
  api: { host: 'shop.example.com', path: '/api/*' },
  users: { host: 'shop.example.com', path: '/api/users/:id' },
  me: { host: 'shop.example.com', path: '/api/users/me' },
  orders: { host: 'shop.example.com', path: '/api/users/:id/orders/*' },
  exact: { host: 'shop.example.com', path: '/exact' },
  post: { host: 'shop.example.com', path: '/exact', methods: ['POST', 'put'] },
};

const cases: readonly [host: string | undefined, url: string, method: string, expected: string][] = [
  ['other.org', '/', 'GET', 'any'],
  [undefined, '/x', 'GET', 'any'],
  ['shop.example.com', '/', 'GET', 'shop'],
  ['SHOP.example.com:8080', '/x', 'GET', 'shop'],
  ['shop.example.com.', '/', 'GET', 'shop'],
  ['b.example.com', '/', 'GET', 'wild'],
  ['x.a.example.com', '/', 'GET', 'deep'],
  ['a.example.com', '/', 'GET', 'wild'],
  ['example.com', '/', 'GET', 'any'],
  ['shop.example.com', '/api', 'GET', 'api'],
  ['shop.example.com', '/api/', 'GET', 'api'],
  ['shop.example.com', '/api/anything/else?x=/api/users/me', 'GET', 'api'],
  ['shop.example.com', '/apix', 'GET', 'shop'],
  ['shop.example.com', '/api/users', 'GET', 'api'],
  ['shop.example.com', '/api/users/7', 'GET', 'users'],
  ['shop.example.com', '/api/users/me?x', 'GET', 'me'],
  ['shop.example.com', '/api/users/7/orders', 'GET', 'orders'],
  ['shop.example.com', '/api/users/7/orders/1/2', 'GET', 'orders'],
  ['shop.example.com', '/api/users/me/orders', 'GET', 'orders'],
  ['shop.example.com', '/api/users/me/else', 'GET', 'api'],
  ['shop.example.com', '/exact', 'GET', 'exact'],
  ['shop.example.com', '/exact', 'POST', 'post'],
  ['shop.example.com', '/exact', 'PUT', 'post'],
  ['shop.example.com', '/exact/more', 'POST', 'shop'],
  ['x', '*', 'OPTIONS', 'any'],
  ['[::1]:80', '/', 'GET', 'any'],
];

const router = new Router<string>();
for (const [name, match] of Object.entries(routes)) assert.equal(router.add(match, name), undefined);

for (const [host, url, method, expected] of cases) {
  test(`${method} ${host ?? 'nowhere'}${url} is for ${expected}`, () => assert.equal(router.find(host, url, method), expected));
}

test('the same route twice is told by its owner; nothing is added', () => {
  const mine = new Router<string>();
  mine.add({ path: '/users/:id' }, 'first');
  assert.equal(mine.add({ path: '/users/:name/' }, 'second'), 'first');
  assert.equal(mine.add({ path: '/users/:name', methods: ['GET'] }, 'third'), undefined);
  assert.equal(mine.add({ path: '/users/:x', methods: ['PUT', 'GET'] }, 'fourth'), 'third');
  assert.equal(mine.find('h', '/users/1', 'PUT'), 'first');
});

test('one takes the place of another, with routes of its own, or nothing changes', () => {
  const mine = new Router<string>();
  mine.add({ path: '/a/*' }, 'old');
  mine.add({ path: '/b/*' }, 'other');
  assert.equal(mine.replace('old', [{ path: '/c/*' }, { path: '/b/*' }], 'new'), 'other');
  assert.equal(mine.find('h', '/a'), 'old');
  assert.equal(mine.find('h', '/c'), undefined);
  assert.equal(mine.replace('old', [{ path: '/c/*' }, { path: '/a' }], 'new'), undefined);
  assert.deepEqual(
    ['/a', '/a/x', '/c/x', '/b'].map((url) => mine.find('h', url)),
    ['new', undefined, 'new', 'other'],
  );
  mine.remove('new');
  mine.remove('other');
  assert.equal(mine.empty, true);
  assert.equal(mine.find('h', '/b'), undefined);
});
