import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lines, readSexprs, type Sexpr, textOf } from './sexpr.ts';

const shape = (node: Sexpr): unknown =>
  node.kind === 'list' ? node.items.map(shape) : node.kind === 'atom' ? node.text : `"${Buffer.from(node.bytes).toString('latin1')}"`;

test('reads atoms, strings, lists and comments', () => {
  const cases: [string, unknown][] = [
    ['', []],
    ['(a $b 1_0) c', [['a', '$b', '1_0'], 'c']],
    [';; x )\n(a)', [['a']]],
    ['(; a (; b ;) ( ;)(c(;d;)e)', [['c', 'e']]],
    ['"a\\t\\n\\r\\"\\\'\\\\\\00\\fF"', ['"a\t\n\r"\'\\\x00\xff"']],
    ['"\\u{20AC}"', ['"\xe2\x82\xac"']],
    ['$"a b" (@x)', ['$"a b"', ['@x']]],
  ];
  for (const [source, expected] of cases) assert.deepEqual(readSexprs(source).map(shape), expected, source);
});

test('spans cut the source as it was written', () => {
  const source = 'x (a (b "é") ;; c\n )';
  const list = readSexprs(source)[1];
  assert.equal(list && source.slice(list.start, list.end), '(a (b "é") ;; c\n )');
});

test('errors name line and column', () => {
  const cases: [string, RegExp][] = [
    ['(a\n (b)', /^f\.wast:1:1: .*not closed/],
    ['a\n  )', /^f\.wast:2:3: a `\)` too many/],
    ['\n"abc', /^f\.wast:2:1: the string is not closed/],
    ['"\\zz"', /^f\.wast:1:2: invalid string escape/],
    ['"\\u{d800}"', /^f\.wast:1:2: .*scalar/],
    ['(; (; ;)', /^f\.wast:1:1: the comment is not closed/],
    ['a ; b', /^f\.wast:1:3: a lone/],
    ['('.repeat(5000), /nested/],
  ];
  for (const [source, message] of cases) assert.throws(() => readSexprs(source, 'f.wast'), { code: 'TENON_WAST_SYNTAX', message }, source);
});

test('textOf refuses bytes that are not UTF-8', () => {
  const literal = readSexprs('"\\ff"')[0];
  assert.ok(literal?.kind === 'string');
  assert.throws(() => textOf(literal), { message: 'malformed UTF-8 encoding' });
});

test('lines and columns start at 1', () => {
  const lines = new Lines('ab\n\ncd');
  assert.deepEqual(
    [0, 2, 3, 4, 5].map((offset) => lines.position(offset)),
    [
      { line: 1, column: 1 },
      { line: 1, column: 3 },
      { line: 2, column: 1 },
      { line: 3, column: 1 },
      { line: 3, column: 2 },
    ],
  );
});
