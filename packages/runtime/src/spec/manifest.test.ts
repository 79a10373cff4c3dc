import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_LIMITS, LIMIT_RANGES } from '../config.ts';
import { RuntimeError } from '../errors.ts';
import { parseManifest } from './manifest.ts';
import schema from './tenon.schema.json' with { type: 'json' };
import { nearest } from './validate.ts';

const parse = (text: string, environment: Record<string, string> = {}) => parseManifest(text, '/apps/My Shop/tenon.yaml', environment);

const FULL = `
# a comment
namespace: shops
listeners:
  default:
    port: \${PORT:-8080}
  secure: { host: 0.0.0.0, port: 8443, tls: { cert: a.pem, key: b.pem } }
workloads:
  front:
    components:
      main: ./front.wasm
      prices: { from: ./prices.wasm }
    interfaces:
      wasi:keyvalue:
        default: { backend: sqlite }
        cache: { backend: memory, ttlMs: 1000 }
    links: { "shop:stock/stock": { workload: stock } }
    environment: { GREETING: "costs $$5 in \${CURRENCY}" }
    limits: { maxInstances: 8 }
    triggers:
      http:
        - { host: shop.example.com, path: /api/* }
        - { path: "/users/:id", methods: [GET] }
      cron:
        - { schedule: "@daily", timezone: Europe/Zurich, export: "shop:jobs/nightly#run" }
  stock:
    component: stock.wasm
`;

test('a whole manifest is read, with variables and defaults', () => {
  const { application, folder } = parse(FULL, { CURRENCY: 'CHF' });
  assert.equal(application.name, 'my-shop');
  assert.equal(folder, '/apps/My Shop');
  assert.equal(application.listeners?.default?.port, 8080);
  assert.equal(application.listeners?.default?.host, '127.0.0.1');
  const { front, stock } = application.workloads;
  assert.deepEqual(front?.components?.prices, { from: './prices.wasm' });
  assert.equal(front?.environment?.GREETING, 'costs $5 in CHF');
  assert.equal(front?.reuse, 'reset');
  assert.equal(front?.triggers?.http?.[1]?.listener, 'default');
  assert.equal(front?.triggers?.cron?.[0]?.catchUp, false);
  assert.equal(stock?.restart, 'always');
});

const one = (lines: string): string => `workloads:\n  w:\n    component: w.wasm\n${lines.replaceAll(/^(?=.)/gm, '    ')}`;

const faults: readonly [what: string, text: string, message: RegExp][] = [
  ['nothing', '', /expected a mapping, found null/],
  ['a list', '[]', /expected a mapping, found a list/],
  ['no workloads', 'name: x', /"workloads" is missing/],
  ['workloads that are none', 'workloads: {}', /workloads: must not be empty/],
  [
    'a misspelt key',
    one('enviroment: {}'),
    /tenon\.yaml:4:\d+: workloads\.w\.enviroment: unknown key "enviroment"; did you mean "environment"\?/,
  ],
  ['a key that is like none', one('zzz: 1'), /unknown key "zzz"$/m],
  ['a key of a limit', one('limits: { maxInstance: 1 }'), /did you mean "maxInstances"/],
  ['a limit out of range', one('limits: { maxInstances: 0 }'), /limits\.maxInstances: expected 1 to 100000, found 0/],
  ['a fraction', one('limits: { maxInstances: 1.5 }'), /expected a whole number, found 1.5/],
  ['text for a number', one('limits: { maxInstances: many }'), /expected a whole number, found "many"/],
  ['a value that is none', one('reuse: rest'), /expected one of "reset", "keep", "fresh", found "rest"; did you mean "reset"\?/],
  ['no component', 'workloads: { w: {} }', /workloads\.w: one of "component", "components" is missing/],
  ['both kinds of component', one('components: { a: a.wasm }'), /only one of "component", "components" can be there/],
  ['a component that is a number', 'workloads: { w: { component: 5 } }', /workloads\.w\.component: expected text, found 5/],
  ['a component with a misspelt key', 'workloads: { w: { component: { form: a.wasm } } }', /"form"; did you mean "from"|"from" is missing/],
  ['a name with capitals', 'workloads: { Web: { component: a.wasm } }', /"Web" cannot be a name here/],
  ['a key twice', one('reuse: keep\nreuse: fresh'), /tenon\.yaml:5:\d+: .*unique/i],
  ['bad YAML', 'workloads: [', /tenon\.yaml:1:\d+:/],
  [
    'a variable that is not set',
    one(`environment: { A: "$\{NOT_THERE}" }`),
    /4:\d+: workloads\.w\.environment\.A: the environment variable NOT_THERE is not set/,
  ],
  ['a variable that is none', one('environment: { A: "$' + '{1}" }'), /"\$\{1\}" is not a variable/],
  ['a listener that is not there', one('triggers: { http: [{ listener: secur }] }'), /there is no listener "secur"/],
  [
    'two routes alike',
    one('triggers: { http: [{ path: "/a/:x" }, { path: "/a/:y" }] }'),
    /http\.1: the route is the same as one of workload "w"/,
  ],
  ['a link to itself', one('links: { "a:b/c": { workload: w } }'), /cannot be linked to itself/],
  [
    'a link to a misspelt workload',
    'workloads: { store: { component: a }, w: { component: b, links: { "a:b/c": { workload: stroe } } } }',
    /did you mean "store"/,
  ],
  [
    'links in a circle',
    'workloads: { a: { component: x, links: { "a:b/c": { workload: b } } }, b: { component: x, links: { "a:b/c": { workload: a } } } }',
    /links go round: a → b → a/,
  ],
  ['an unknown tag of a cron job', one('triggers: { cron: [{ schedul: "* * * * *" }] }'), /did you mean "schedule"/],
];
for (const [what, text, message] of faults) {
  test(`refuses ${what}`, () => {
    assert.throws(
      () => parse(text),
      (error) => {
        assert.ok(error instanceof RuntimeError && error.code === 'TENON_MANIFEST');
        assert.match(error.message, message);
        assert.ok(error.message.length < 2000);
        return true;
      },
    );
  });
}

test('every fault is told at once', () => {
  assert.throws(
    () => parse(one('reuse: no\nlimits: { maxInstances: 0, x: 1 }')),
    (error) => (error as Error).message.split('\n').length === 3,
  );
});

test('what could grow without bound is refused', () => {
  const aliases = `a: &a [x,x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 9 }, (_, n) => `a${n}: &a${n} [${Array(10).fill(n === 0 ? '*a' : `*a${n - 1}`)}]`).join('\n')}`;
  assert.throws(() => parse(aliases));
  assert.throws(() => parse(`name: ${'x'.repeat(2 ** 20)}`), /larger than/);
  assert.throws(() => parse('['.repeat(100_000)));
});

test('limits are those of the configuration in TypeScript', () => {
  const properties: Readonly<Record<string, { minimum: number; maximum: number; default: number }>> = schema.$defs.Limits.properties;
  for (const [name, { minimum, maximum, default: value }] of Object.entries(properties)) {
    assert.deepEqual([minimum, maximum], LIMIT_RANGES[name as keyof typeof LIMIT_RANGES], name);
    assert.equal(value, DEFAULT_LIMITS[name as keyof typeof DEFAULT_LIMITS], name);
  }
});

test('the nearest word', () => {
  const words = ['component', 'components', 'limits'];
  assert.equal(nearest('compnent', words), 'component');
  assert.equal(nearest('Limits', words), 'limits');
  assert.equal(nearest('ilmits', words), 'limits');
  assert.equal(nearest('xyz', words), undefined);
});
