import { add, multiply } from 'example:calculator/math';

export interface Answer {
  readonly status: number;
  readonly text: string;
}

const HELP = `A web handler in TypeScript. It calls a calculator in Rust, across a component seam.

  GET /add?a=2&b=3        5
  GET /multiply?a=6&b=7   42

a and b are whole numbers of 32 bits.`;

const OPERATIONS = new Map([
  ['/add', add],
  ['/multiply', multiply],
]);

/** Answers a request by its path and query. */
export function route(method: string, target: string): Answer {
  const [path = '/', query = ''] = target.split('?', 2);
  const operation = OPERATIONS.get(path);
  if (path !== '/' && operation === undefined) return { status: 404, text: `Nothing is at ${path}; try /` };
  if (method !== 'get' && method !== 'head') return { status: 405, text: 'Only GET is answered here.' };
  if (operation === undefined) return { status: 200, text: HELP };

  const parameters = new Map(query.split('&').map((pair) => pair.split('=', 2) as [string, string | undefined]));
  const a = readInteger(parameters.get('a'));
  const b = readInteger(parameters.get('b'));
  if (a === undefined || b === undefined) {
    return { status: 400, text: `Give two whole numbers of 32 bits, for example ${path}?a=2&b=3` };
  }
  return { status: 200, text: String(operation(a, b)) };
}

function readInteger(text: string | undefined): number | undefined {
  if (text === undefined || !/^-?\d{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value === (value | 0) ? value : undefined;
}
