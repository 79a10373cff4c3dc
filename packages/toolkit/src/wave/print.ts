/** JavaScript values → WAVE text, guided by the type. */
import { camelCase, type FutureType, maybeUndefined, type StreamType, type ValType } from '@tenon/component';

const KEYWORDS: ReadonlySet<string> = new Set(['true', 'false', 'inf', 'nan', 'some', 'none', 'ok', 'err']);

/** A case of a variant, option or result in the JavaScript mapping. */
interface Tagged {
  readonly tag: string;
  readonly val?: unknown;
}

/** A stream or future in a value: what it yields is printed behind the value. */
export interface PendingValue {
  readonly value: unknown;
  readonly type: StreamType | FutureType;
}

/**
 * Prints a value of `type` in WAVE. A resource, stream or future has no WAVE form and prints as `<resource>`.
 * @param value in Tenon's JavaScript mapping, as the engine returned it.
 * @param pending is given the streams and futures in the value, in order.
 */
export function printValue(whole: unknown, wholeType: ValType, pending?: PendingValue[]): string {
  const print = (value: unknown, type: ValType): string => printPart(value, type, print, pending);
  return print(whole, wholeType);
}

type Print = (value: unknown, type: ValType) => string;

function printPart(value: unknown, type: ValType, print: Print, pending: PendingValue[] | undefined): string {
  switch (type.kind) {
    case 'f32':
    case 'f64':
      return printFloat(value as number, type.kind);
    case 'char':
      return `'${escaped(value as string, "'")}'`;
    case 'string':
      return `"${escaped(value as string, '"')}"`;
    case 'list':
      return `[${Array.from(value as Iterable<unknown>, (item) => print(item, type.element)).join(', ')}]`;
    case 'map':
      return `[${Array.from(value as Map<unknown, unknown>, ([k, v]) => `(${print(k, type.key)}, ${print(v, type.value)})`).join(', ')}]`;
    case 'tuple':
      return `(${type.types.map((element, i) => print((value as unknown[])[i], element)).join(', ')})`;
    case 'record':
      return printRecord(
        type.fields.flatMap((field) => {
          const item = (value as Record<string, unknown>)[camelCase(field.name)];
          // A `none` field may be left out; that keeps wide records readable.
          return item === undefined && field.type.kind === 'option' ? [] : [`${field.name}: ${print(item, field.type)}`];
        }),
      );
    case 'variant': {
      const { tag, val } = value as Tagged;
      const payload = type.cases.find((c) => c.name === tag)?.type;
      return printCase(tag, val, payload, print);
    }
    case 'enum':
      return printCase(value as string, undefined, undefined, print);
    case 'flags':
      return `{${type.names.filter((name) => (value as Record<string, boolean>)[camelCase(name)] === true).join(', ')}}`;
    case 'option': {
      const some: Tagged = maybeUndefined(type.type)
        ? (value as Tagged)
        : value === undefined
          ? { tag: 'none' }
          : { tag: 'some', val: value };
      return some.tag === 'none' ? 'none' : `some(${print(some.val, type.type)})`;
    }
    case 'result': {
      const { tag, val } = value as Tagged;
      const payload = tag === 'ok' ? type.ok : type.err;
      return payload === undefined ? tag : `${tag}(${print(val, payload)})`;
    }
    case 'own':
    case 'borrow':
      return '<resource>';
    case 'stream':
    case 'future':
      pending?.push({ value, type });
      return `<${type.kind}>`;
    case 'error-context':
      return `<error-context: ${escaped(String(value), '>')}>`;
    default:
      return String(value);
  }
}

function printRecord(fields: readonly string[]): string {
  return fields.length === 0 ? '{:}' : `{${fields.join(', ')}}`;
}

function printCase(tag: string, value: unknown, payload: ValType | undefined, print: Print): string {
  const label = KEYWORDS.has(tag) ? `%${tag}` : tag;
  return payload === undefined ? label : `${label}(${print(value, payload)})`;
}

function printFloat(value: number, kind: 'f32' | 'f64'): string {
  if (Number.isNaN(value)) return 'nan';
  if (value === Infinity) return 'inf';
  if (value === -Infinity) return '-inf';
  if (Object.is(value, -0)) return '-0';
  if (kind === 'f64') return String(value);
  // The shortest text that is the same f32: `0.1`, not `0.10000000149011612`.
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(value);
}

function escaped(text: string, quote: string): string {
  let out = '';
  for (const c of text) {
    if (c === quote || c === '\\') out += `\\${c}`;
    else if (c === '\n') out += '\\n';
    else if (c === '\t') out += '\\t';
    else if (c === '\r') out += '\\r';
    else if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(c)) out += `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`;
    else out += c;
  }
  return out;
}
