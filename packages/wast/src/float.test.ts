import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestFloat } from './float.ts';

test('float literals', () => {
  const rows: readonly (readonly [text: string, kind: 'f32' | 'f64', expected: number | undefined])[] = [
    // Just above and below the middle of 1 and its successor: as f64 both are the middle.
    ['1.00000005960464477540', 'f32', 1 + 2 ** -23],
    ['1.00000005960464477539062500000000001', 'f32', 1 + 2 ** -23],
    ['1.00000005960464477539062500000000000', 'f32', 1],
    ['1.00000005960464477539062499999999999', 'f32', 1],
    ['0x1.0000010000000000001p0', 'f32', 1 + 2 ** -23],
    ['0x1.000001p0', 'f32', 1],
    ['0x1.000003p0', 'f32', 1 + 2 ** -22],
    ['340282346638528859811704183484516925440', 'f32', 2 ** 128 - 2 ** 104],
    ['340282356779733661637539395458142568447', 'f32', 2 ** 128 - 2 ** 104],
    ['340282356779733661637539395458142568448', 'f32', Number.POSITIVE_INFINITY],
    ['1.4e-45', 'f32', 2 ** -149],
    ['0x1p-150', 'f32', 0],
    ['0x1.000001p-150', 'f32', 2 ** -149],
    ['0x1.fffffffffffff7p0', 'f64', 2 - 2 ** -52],
    ['0x1.fffffffffffff8p0', 'f64', 2],
    ['0x0.8p-1074', 'f64', 0],
    ['0x0.80000000000000001p-1074', 'f64', 5e-324],
    ['0.1', 'f64', 0.1],
    ['1e400', 'f64', Number.POSITIVE_INFINITY],
    ['1e-999999999', 'f64', 0],
    ['0e999999999', 'f64', 0],
    ['123456789', 'f64', 123456789],
    ['', 'f64', undefined],
    ['1.5.2', 'f64', undefined],
    ['0x', 'f64', undefined],
  ];
  for (const [text, kind, expected] of rows) assert.equal(nearestFloat(text, kind), expected, `${kind} ${text}`);
});

test('decimals of 64 bits are what JavaScript reads', () => {
  for (let i = 0; i < 300; i++) {
    const bits = new DataView(new ArrayBuffer(8));
    bits.setUint32(0, Math.imul(i + 1, 0x9e3779b1) & 0x7fefffff);
    bits.setUint32(4, Math.imul(i + 7, 0x85ebca6b));
    const value = bits.getFloat64(0);
    for (const text of [value.toString().replace('e+', 'e'), value.toExponential(12).replace('e+', 'e')]) {
      assert.equal(nearestFloat(text, 'f64'), Number(text), text);
      const single = Math.fround(value);
      if (Number.isFinite(single)) assert.equal(nearestFloat(single.toPrecision(60), 'f32'), single);
    }
  }
});
