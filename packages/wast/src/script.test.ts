import assert from 'node:assert/strict';
import { test } from 'node:test';
import { directiveType, readScript } from './script.ts';

const read = (source: string) => readScript(source, 'f.wast');

test('reads every directive with its line', () => {
  const script = read(`
    (component $A (core module))
    (component definition $D
      (core module))
    (component instance $i $D)
    (register "a" $i)
    (invoke "f" (u32.const 1))
    (assert_return (invoke $i "f") (str.const "x") (bool.const true))
    (assert_trap (invoke "f") "boom")
    (assert_trap (component) "boom")
    (assert_exhaustion (invoke "f") "stack")
    (assert_invalid (component (type 7)) "unknown type")
    (assert_malformed (component quote "(" "x") "unexpected")
    (assert_unlinkable (component binary "\\00asm" "\\0d") "missing")
    (module $m (func))
    (get $m "g")
  `);
  assert.deepEqual(
    script.map((directive) => [directive.line, directiveType(directive)]),
    [
      [2, 'component'],
      [3, 'component definition'],
      [5, 'component instance'],
      [6, 'register'],
      [7, 'invoke'],
      [8, 'assert_return'],
      [9, 'assert_trap'],
      [10, 'assert_trap'],
      [11, 'assert_exhaustion'],
      [12, 'assert_invalid'],
      [13, 'assert_malformed'],
      [14, 'assert_unlinkable'],
      [15, 'module'],
      [16, 'get'],
    ],
  );
});

test('cuts sources out as they were written, without `definition`', () => {
  const [directive] = read('(component definition $D\n  (core module) ;; c\n)');
  assert.deepEqual(directive, {
    line: 1,
    type: 'component definition',
    source: { sort: 'component', form: 'text', id: 'D', text: '(component            $D\n  (core module) ;; c\n)' },
  });
});

test('joins binary and quoted strings', () => {
  const [binary, quote] = read('(component $x binary "\\00a" "sm") (assert_malformed (component quote "(a" "b)") "m")');
  assert.ok(binary?.type === 'component' && quote?.type === 'assert_malformed' && 'source' in quote);
  assert.deepEqual(binary.source, { sort: 'component', form: 'binary', id: 'x', bytes: Uint8Array.of(0, 97, 115, 109) });
  assert.equal(quote.source.text, '(component (a b) )');
});

test('a directive that cannot be read does not hide the others', () => {
  const cases: [string, RegExp][] = [
    ['(assert_return (component))', /^f\.wast:2:3: expected `\(invoke/],
    ['(invoke "f" (u8.const 256))', /out of range for u8/],
    ['(assert_trap (invoke "f"))', /needs a string/],
    ['(assert_invalid (invoke "f") "x")', /takes a component/],
    ['(register "a" $i $j)', /too many/],
    ['(thread $t)', /unknown directive `thread`/],
    ['(component binary 1)', /expected strings/],
    ['word', /in parentheses/],
  ];
  for (const [source, message] of cases) {
    const [broken, next] = read(`\n  ${source} (component)`);
    assert.ok(broken?.type === 'unreadable', source);
    assert.match(broken.message, message);
    assert.equal(next?.type, 'component');
  }
});
