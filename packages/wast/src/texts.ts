/** Whether an error says what a script expects it to say. */
import { readFileSync } from 'node:fs';
import { WastError } from './errors.ts';

/** What a script expects of an error, and what the error says. */
export interface Texts {
  readonly expected: string;
  readonly found: string;
}

/** Texts that are as good as the one that a script expects. */
export type AcceptedTexts = ReadonlyMap<string, readonly string[]>;

// Left: the words of the core specification's tests. Right: V8 tells fewer cases apart.
const V8: AcceptedTexts = new Map([
  ['uninitialized element', ['indirect call type mismatch']],
  ['integer overflow', ['invalid conversion to integer']],
  ['null function reference', ['null reference', 'indirect call type mismatch']],
  ['null structure reference', ['null reference']],
  ['null array reference', ['null reference']],
  ['null i31 reference', ['null reference']],
  ['null exception reference', ['null reference', 'rethrowing null value']],
]);

/** @param accepted what the user accepts besides */
export function matches({ expected, found }: Texts, accepted: AcceptedTexts = new Map()): boolean {
  const good = [expected, ...(V8.get(expected) ?? []), ...(accepted.get(expected) ?? [])];
  return good.some((text) => found.includes(text));
}

/**
 * Reads a list of accepted differences: `{ "what the script expects": "what is as good", … }`, or a list of texts on the right.
 * @throws WastError TENON_WAST_FILE when the file cannot be read or is no such object.
 */
export function readAcceptedTexts(file: string): AcceptedTexts {
  try {
    const data: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof data !== 'object' || data === null || Array.isArray(data)) throw new Error('expected an object of "text": "text as good"');
    return new Map(Object.entries(data).map(([expected, good]) => [expected, textsOf(expected, good)]));
  } catch (cause) {
    throw new WastError('TENON_WAST_FILE', `${file}: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

function textsOf(expected: string, good: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(good) ? good : [good];
  // An empty text would accept everything.
  if (list.length === 0 || !list.every((text) => typeof text === 'string' && text !== '')) {
    throw new Error(`${JSON.stringify(expected)}: expected a text or a list of texts, none of them empty`);
  }
  return list as readonly string[];
}
