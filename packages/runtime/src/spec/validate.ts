/** Checks plain data against a JSON Schema, and says what is wrong in words that name the place and what was meant. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';

/** One thing that is wrong. */
export interface Misfit {
  /** Where, as keys from the root. */
  readonly path: readonly string[];
  /** What: `unknown key "compnent"; did you mean "component"?`. */
  readonly message: string;
}

/** A schema that is ready to check. Fills in defaults, in place, and returns what does not fit; what does not fit may lack some. */
export type Checker = (value: unknown) => readonly Misfit[];

const ajv = new Ajv2020({ allErrors: true, useDefaults: true, strict: false, verbose: true, validateFormats: false, discriminator: false });

/** @throws Error when the schema itself is wrong. */
export function checker(schema: object): Checker {
  const validate: ValidateFunction = ajv.compile(schema);
  return (value) => (validate(value) ? [] : misfits(validate.errors ?? []));
}

function misfits(errors: readonly ErrorObject[]): readonly Misfit[] {
  const found = errors.flatMap((error) => {
    const message = words(error, errors);
    return message === undefined ? [] : [{ path: pathOf(error), message }];
  });
  const seen = new Set<string>();
  return found.filter(({ path, message }) => {
    const key = JSON.stringify([path, message]);
    return !seen.has(key) && seen.add(key);
  });
}

function pathOf({ instancePath, keyword, params }: ErrorObject): readonly string[] {
  const path = instancePath
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  return keyword === 'additionalProperties' ? [...path, String(params.additionalProperty)] : path;
}

const kinds = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value);
const list = (values: readonly unknown[]): string => values.map((value) => JSON.stringify(value)).join(', ');

function shown(value: unknown): string {
  const text = typeof value === 'object' && value !== null ? `a ${kinds(value)}` : (JSON.stringify(value) ?? 'nothing');
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}

/** A sentence for an error; undefined for one that only sums up others. */
function words(error: ErrorObject, all: readonly ErrorObject[]): string | undefined {
  const { keyword, params, data } = error;
  switch (keyword) {
    case 'additionalProperties': {
      const key = String(params.additionalProperty);
      const near = nearest(key, Object.keys((error.parentSchema as { properties?: object }).properties ?? {}));
      return `unknown key "${key}"${near === undefined ? '' : `; did you mean "${near}"?`}`;
    }
    case 'required':
      return `"${params.missingProperty}" is missing`;
    case 'type':
      return `expected ${article(typeWord(params.type))}, found ${shown(data)}`;
    case 'enum':
      return `expected one of ${list(params.allowedValues as unknown[])}, found ${shown(data)}${hint(data, params.allowedValues as unknown[])}`;
    case 'minimum':
    case 'maximum': {
      const { minimum, maximum } = error.parentSchema as { minimum?: number; maximum?: number };
      return `expected ${minimum ?? '…'} to ${maximum ?? '…'}, found ${shown(data)}`;
    }
    case 'pattern':
      return `${shown(data)} has not the form ${params.pattern}`;
    case 'propertyNames':
      return `"${params.propertyName}" cannot be a name here: small letters, digits and hyphens, at most 63`;
    case 'minProperties':
    case 'minItems':
      return 'must not be empty';
    case 'oneOf': {
      const alternatives = (error.schema as readonly { required?: readonly string[] }[]).flatMap((each) => each.required ?? []);
      if (alternatives.length > 0) {
        const given = alternatives.filter((key) => data !== null && typeof data === 'object' && key in data);
        return given.length === 0 ? `one of ${list(alternatives)} is missing` : `only one of ${list(given)} can be there`;
      }
      // Its branches say what is wrong when the value is of a branch's kind.
      return all.some((each) => each !== error && each.instancePath.startsWith(`${error.instancePath}/`)) ||
        all.some(
          (each) => each.instancePath === error.instancePath && (each.keyword === 'additionalProperties' || each.keyword === 'required'),
        )
        ? undefined
        : `expected ${article('text or an object')}, found ${shown(data)}`;
    }
    default:
      return all.some((each) => each.keyword === 'propertyNames' && each.instancePath === error.instancePath) ? undefined : error.message;
  }
}

const typeWord = (type: unknown): string =>
  ({ object: 'mapping', array: 'list', string: 'text', integer: 'whole number', boolean: 'true or false' })[String(type)] ?? String(type);
const article = (word: string): string => (/^(text|true)/.test(word) ? word : `a ${word}`);

function hint(value: unknown, allowed: readonly unknown[]): string {
  const near = typeof value === 'string' ? nearest(value, allowed.map(String)) : undefined;
  return near === undefined ? '' : `; did you mean "${near}"?`;
}

/** The candidate that a word is most likely meant to be; undefined when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const most = Math.max(1, Math.floor(word.length / 3));
  let best: { readonly candidate: string; readonly distance: number } | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase(), most);
    if (distance <= most && (best === undefined || distance < best.distance)) best = { candidate, distance };
  }
  return best?.candidate;
}

/** Insertions, deletions, replacements and swaps of neighbours between two words; more than `most` is only known to be more. */
function editDistance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
