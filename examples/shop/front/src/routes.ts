import { all, place } from 'shop:api/orders';
import { items, price } from 'shop:api/prices';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const HELP = {
  'GET /items': 'what there is, with its price in cents',
  'POST /orders?item=tea&count=2': 'orders something',
  'GET /orders': 'all orders, and how far they are',
  'PUT /images/NAME': 'keeps an image; GET gives it',
};

/** Answers a request by its path and query. */
export function route(method: string, target: string): Answer {
  const [path = '/', query = ''] = target.split('?', 2);
  const reads = method === 'get' || method === 'head';
  if (path === '/healthz') return { status: 200, body: 'well' };
  if (path === '/' && reads) return { status: 200, body: HELP };
  if (path === '/items' && reads) return { status: 200, body: items().map((item) => ({ item, cents: price(item) })) };
  if (path === '/orders' && reads) return { status: 200, body: all() };
  if (path === '/orders' && method === 'post') return order(parameters(query));
  return { status: 404, body: { error: `nothing is at ${path}; try /` } };
}

function order(query: ReadonlyMap<string, string>): Answer {
  const item = query.get('item') ?? '';
  const count = Number(query.get('count') ?? 1);
  const cents = price(item);
  if (typeof cents !== 'number') return { status: 404, body: { error: `there is no ${item || 'item without a name'} here; try /items` } };
  if (!Number.isInteger(count) || count < 1 || count > 1000) return { status: 400, body: { error: 'count is 1 to 1000' } };
  try {
    return { status: 201, body: { id: place(item, count, cents * count), cents: cents * count } };
  } catch (error) {
    return { status: 500, body: { error: `the order was not kept: ${words(error)}` } };
  }
}

/** What a call across a seam throws has the error as its payload. */
function words(error: unknown): string {
  return error !== null && typeof error === 'object' && 'payload' in error ? String(error.payload) : String(error);
}

function parameters(query: string): ReadonlyMap<string, string> {
  return new Map(
    query.split('&').map((pair): [string, string] => {
      const [name = '', value = ''] = pair.split('=', 2);
      return [decodeURIComponent(name), decodeURIComponent(value)];
    }),
  );
}
