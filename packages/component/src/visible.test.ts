import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ComponentError, MissingImportsError, TenonError, visible, visibleData, visibleJson } from './index.ts';

const ESC = '\u001b';

const texts: [text: string, shown: string][] = [
  ['wasi:io/streams@0.2.0', 'wasi:io/streams@0.2.0'],
  ['größe ☃ 😀', 'größe ☃ 😀'],
  ['a\nb\tc\rd', 'a\\nb\\tc\\rd'],
  [`${ESC}[2J`, '\\u{1b}[2J'],
  ['\u009b2J', '\\u{9b}2J'],
  ['\u202egnp.exe', '\\u{202e}gnp.exe'],
  ['a\u200bb\ufeff', 'a\\u{200b}b\\u{feff}'],
  ['\u2028', '\\u{2028}'],
  ['\ud800', '\\u{d800}'],
  ['\u{e0041}', '\\u{e0041}'],
];

for (const [text, shown] of texts) {
  test(`visible: ${JSON.stringify(text)}`, () => {
    assert.equal(visible(text), shown);
    assert.equal(visible(shown), shown);
    assert.deepEqual(visibleData({ a: [{ b: text }], c: 1, d: undefined }), { a: [{ b: shown }], c: 1, d: undefined });
    const json = visibleJson({ [text]: [text] }, 2);
    assert.deepEqual(JSON.parse(json), { [text]: [text] });
    assert.equal(json.split('\n').length, 5);
    assert.equal(visible(json.replaceAll('\n', '')), json.replaceAll('\n', ''));
  });
}

test('no text inside of a message begins a line', () => {
  assert.equal(new TenonError('TENON_X', 'one\ntwo').message, 'one\\ntwo');
  assert.equal(new ComponentError('TENON_INVALID', ['first', '  a\nb']).message, 'first\n  a\\nb');
  assert.equal(
    new MissingImportsError([{ import: `url=<x\n${ESC}[1A>`, item: undefined }]).message,
    'nothing provides this import:\n  url=<x\\n\\u{1b}[1A>',
  );
});

test('a message is no longer than anybody reads', () => {
  assert.equal(new TenonError('TENON_X', 'x'.repeat(100_000)).message.length, 2001);
  const lines = new TenonError('TENON_X', Array(1000).fill('x')).message.split('\n');
  assert.deepEqual([lines.length, lines.at(-1)], [201, '… and 800 more lines']);
});
