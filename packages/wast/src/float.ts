/** Float literals to the nearest float of their own kind: an `f32` that is rounded by way of an `f64` can be off by one. */

const FORMATS = {
  f32: { precision: 24, least: -149, greatest: 104 },
  f64: { precision: 53, least: -1074, greatest: 971 },
} as const;

const DECIMAL = /^(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;
const HEXADECIMAL = /^0x([0-9a-fA-F]+)(?:\.([0-9a-fA-F]*))?(?:[pP]([+-]?\d+))?$/;
/** Far beyond every float, and small enough to calculate with. */
const MAX_EXPONENT = 20_000;

/** @returns undefined when the text is no unsigned number of the text format */
export function nearestFloat(text: string, kind: 'f32' | 'f64'): number | undefined {
  const decimal = DECIMAL.exec(text);
  if (decimal !== null) {
    const [, whole = '', fraction = '', power = '0'] = decimal;
    const exponent = bounded(Number(power) - fraction.length);
    const digits = BigInt(whole + fraction);
    return exponent < 0 ? nearest(digits, 10n ** BigInt(-exponent), kind) : nearest(digits * 10n ** BigInt(exponent), 1n, kind);
  }
  const hexadecimal = HEXADECIMAL.exec(text);
  if (hexadecimal === null) return undefined;
  const [, whole = '', fraction = '', power = '0'] = hexadecimal;
  const exponent = bounded(Number(power) - 4 * fraction.length);
  const digits = BigInt(`0x${whole}${fraction}`);
  return exponent < 0 ? nearest(digits, 1n << BigInt(-exponent), kind) : nearest(digits << BigInt(exponent), 1n, kind);
}

const bounded = (exponent: number): number => Math.max(-MAX_EXPONENT, Math.min(MAX_EXPONENT, exponent));

const bitLength = (n: bigint): number => n.toString(2).length;

/** Rounds a fraction to the nearest float, ties to even. */
function nearest(numerator: bigint, denominator: bigint, kind: 'f32' | 'f64'): number {
  if (numerator === 0n) return 0;
  const { precision, least, greatest } = FORMATS[kind];
  // The weight of the last bit; one too small when the quotient turns out a bit longer, which rounding then makes good.
  let unit = Math.max(least, bitLength(numerator) - bitLength(denominator) - precision);
  let quotient = divideToEven(numerator, denominator, unit);
  if (bitLength(quotient) > precision) quotient = divideToEven(numerator, denominator, ++unit);
  // Rounded up to a power of two, it is even: half of it weighs double.
  if (bitLength(quotient) > precision) {
    quotient >>= 1n;
    unit++;
  }
  return unit > greatest ? Number.POSITIVE_INFINITY : Number(quotient) * 2 ** unit;
}

/** `numerator / denominator / 2 ** unit` to the nearest integer, ties to even. */
function divideToEven(numerator: bigint, denominator: bigint, unit: number): bigint {
  const above = unit < 0 ? numerator << BigInt(-unit) : numerator;
  const below = unit > 0 ? denominator << BigInt(unit) : denominator;
  const quotient = above / below;
  const twice = 2n * (above % below);
  return twice > below || (twice === below && quotient % 2n === 1n) ? quotient + 1n : quotient;
}
