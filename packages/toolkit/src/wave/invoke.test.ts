import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ExternDescription, type FuncType, resultError, type ValType } from '@tenon/component';
import { dummy } from '../../test/dummy.ts';
import { ToolkitError } from '../errors.ts';
import {
  type ExportedFunction,
  findFunction,
  functionPath,
  type InvokeOutcome,
  invoke,
  parseArguments,
  parseInvoke,
  signature,
} from './invoke.ts';

const s32: ValType = { kind: 's32' };
const string: ValType = { kind: 'string' };
const func = (params: Record<string, ValType>, result?: ValType): FuncType => ({
  params: Object.entries(params).map(([name, type]) => ({ name, type })),
  result,
  async: false,
});
const add = func({ a: s32, b: s32 }, s32);
const instance = (functions: Record<string, FuncType>): ExternDescription['type'] => ({
  kind: 'instance',
  type: { exports: new Map(Object.entries(functions).map(([name, type]) => [name, { kind: 'func', type }])), resources: [] },
});

const exports: ExternDescription[] = [
  { name: 'example:calculator/math@1.2.3', type: instance({ add, multiply: add }) },
  { name: 'other:pkg/text', type: instance({ join: func({ items: { kind: 'list', element: string, length: undefined } }, string), add }) },
  { name: 'greet', type: { kind: 'func', type: func({ name: string, times: { kind: 'option', type: s32 } }, string) } },
];

for (const [name, path] of [
  ['multiply', 'example:calculator/math@1.2.3.multiply'],
  ['math.add', 'example:calculator/math@1.2.3.add'],
  ['example:calculator/math.add', 'example:calculator/math@1.2.3.add'],
  ['example:calculator/math@1.2.3#add', 'example:calculator/math@1.2.3.add'],
  ['other:pkg/text.join', 'other:pkg/text.join'],
  ['greet', 'greet'],
] as const) {
  test(`findFunction: ${name}`, () => assert.equal(functionPath(findFunction(exports, name)), path));
}

for (const [name, message] of [
  ['add', /could mean any of these[\s\S]*math@1\.2\.3\.add[\s\S]*text\.add/],
  ['multiplyy', /nearest is `example:calculator\/math@1\.2\.3\.multiply`/],
  ['mth.add', /nearest is/],
  ['zzzzzzzzzzzz', /it has\n[\s\S]*multiply: func\(a: s32, b: s32\) -> s32/],
] as const) {
  test(`findFunction error: ${name}`, () => {
    assert.throws(() => findFunction(exports, name), { code: 'TENON_INVOKE_UNKNOWN', message });
  });
}

for (const [text, values] of [
  ['math.add(1, 2)', [1, 2]],
  ['  math.add( 1 ,2, )  ', [1, 2]],
  ['join(["a, b)", "c"])', [['a, b)', 'c']]],
  ['greet("x")', ['x', undefined]],
  ['greet("x", 3)', ['x', 3]],
] as const) {
  test(`parseArguments: ${text}`, () => {
    const call = parseInvoke(text);
    assert.deepEqual(parseArguments(call, findFunction(exports, call.name)), values);
  });
}

for (const [text, code, message] of [
  ['multiply', 'TENON_INVOKE_SYNTAX', /'multiply\(…\)'/],
  ['multiply(1', 'TENON_INVOKE_SYNTAX', /does not end with/],
  ['(1)', 'TENON_INVOKE_SYNTAX', /'add\(1, 2\)'/],
  [
    'multiply(1)',
    'TENON_INVOKE_ARGUMENTS',
    /takes 2 arguments, 1 given: .*multiply: func\(a: s32, b: s32\) -> s32\n {2}multiply\(1\)\n {12}\^$/,
  ],
  ['multiply(1, 2, 3)', 'TENON_INVOKE_ARGUMENTS', /3 given[\s\S]*\n {17}\^$/],
  ['greet()', 'TENON_INVOKE_ARGUMENTS', /takes 1 to 2 arguments/],
  ['multiply(1, "x")', 'TENON_WAVE', /^argument 2 `b: s32`: expected s32, found `"x"`\n {2}multiply\(1, "x"\)\n {14}\^$/],
  ['multiply(1, 2147483648)', 'TENON_WAVE', /out of range for s32/],
] as const) {
  test(`parseArguments error: ${text}`, () => {
    assert.throws(
      () => {
        const call = parseInvoke(text);
        parseArguments(call, findFunction(exports, call.name));
      },
      (error) => error instanceof ToolkitError && error.code === code && message.test(error.message),
    );
  });
}

const printed = ({ failed, text }: InvokeOutcome): unknown => [text, failed];

test('invoke prints the result, also of a failed result', async () => {
  assert.deepEqual(printed(await invoke((a, b) => (a as number) + (b as number), add, [1, 2])), ['3', false]);
  assert.deepEqual(printed(await invoke(() => undefined, func({}), [])), ['', false]);
  const fallible = func({}, { kind: 'result', ok: undefined, err: string });
  assert.deepEqual(printed(await invoke(() => undefined, fallible, [])), ['ok', false]);
  const fails = (): never => {
    throw resultError('no');
  };
  assert.deepEqual(printed(await invoke(fails, fallible, [])), ['err("no")', true]);
  await assert.rejects(invoke(fails, add, []), { code: 'TENON_RESULT' });
});

test('parseArguments: an option that is left out is none, however deep it is nested', () => {
  const option = (type: ValType): ValType => ({ kind: 'option', type });
  const nested = [option(s32), option(option(s32)), option(option(option(s32)))];
  for (const [index, none] of [undefined, { tag: 'none' }, undefined].entries()) {
    const found: ExportedFunction = { interface: undefined, name: 'f', type: func({ x: nested[index] as ValType }, s32) };
    assert.deepEqual(parseArguments(parseInvoke('f()'), found), [none]);
    assert.deepEqual(parseArguments(parseInvoke('f(none)'), found), [none]);
  }
});

test('messages call types by their names', async () => {
  const { component } = await dummy(
    'shop',
    `package root:component;
    world root { export a:b/shop; }
    package a:b {
      interface shop {
        type price = u32;
        record item { name: string, cost: price }
        enum kind { gift, sale }
        resource bag { constructor(); }
        put: func(b: borrow<bag>, i: item, k: kind) -> option<item>;
        buy: func(i: item, k: kind) -> price;
      }
    }`,
  );
  const put = findFunction(component.exports, 'put');
  const buy = findFunction(component.exports, 'buy');
  assert.equal(signature(put), 'a:b/shop.put: func(b: borrow<bag>, i: item, k: kind) -> option<item>');
  assert.equal(signature(buy), 'a:b/shop.buy: func(i: item, k: kind) -> price');
  const problems: readonly (readonly [string, typeof put, RegExp])[] = [
    ['put(1, {name: "a", cost: 1}, gift)', put, /argument 1 `b: borrow<bag>`: `borrow<bag>` has no text form/],
    ['buy([], gift)', buy, /argument 1 `i: item`: expected item \(record \{ name: string, cost: price \}\)/],
    ['buy({name: "a"}, gift)', buy, /the record `item` lacks `cost: price`/],
    ['buy({name: "a", price: 1}, gift)', buy, /the record `item` has no field `price`/],
    ['buy({name: "a", cost: 1}, 1)', buy, /a case of `kind`/],
  ];
  for (const [text, func, message] of problems) assert.throws(() => parseArguments(parseInvoke(text), func), message, text);
});

async function pieces(rest: AsyncIterable<string | Uint8Array>): Promise<string> {
  let all = '';
  for await (const piece of rest) all += typeof piece === 'string' ? piece : Buffer.from(piece).toString();
  return all;
}

const u8: ValType = { kind: 'u8' };
const stream = (element: ValType | undefined): ValType => ({ kind: 'stream', element });
const future = (element: ValType | undefined): ValType => ({ kind: 'future', element });
const streamed = (...items: unknown[]): ReadableStream<unknown> =>
  new ReadableStream({
    start(controller) {
      for (const item of items) controller.enqueue(item);
      controller.close();
    },
  });

for (const { name, type, value, text, rest } of [
  {
    name: 'a stream of bytes is written as it is',
    type: stream(u8),
    value: streamed(Buffer.from('ab'), Buffer.from('c')),
    text: '',
    rest: 'abc',
  },
  { name: 'a stream of strings, one a line', type: stream(string), value: streamed('a', 'b'), text: '', rest: '"a"\n"b"\n' },
  { name: 'a stream of nothing', type: stream(undefined), value: streamed(undefined, undefined), text: '', rest: '()\n()\n' },
  { name: 'a future', type: future(s32), value: Promise.resolve(7), text: '7', rest: '' },
  {
    name: 'streams and futures within a value come after it',
    type: { kind: 'tuple', types: [s32, stream(s32), future(string)] } as ValType,
    value: [1, streamed(2, 3), Promise.resolve('x')],
    text: '(1, <stream>, <future>)',
    rest: '2\n3\n"x"\n',
  },
  {
    name: 'streams in streams',
    type: stream(stream(s32)),
    value: streamed(streamed(1, 2), streamed(3)),
    text: '',
    rest: '<stream>\n1\n2\n<stream>\n3\n',
  },
] satisfies { name: string; type: ValType; value: unknown; text: string; rest: string }[]) {
  test(`invoke: ${name}`, async () => {
    const outcome = await invoke(async () => value, func({}, type), []);
    assert.deepEqual([outcome.text, await pieces(outcome.rest), outcome.failed], [text, rest, false]);
  });
}
