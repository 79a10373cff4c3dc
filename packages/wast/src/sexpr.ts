/**
 * S-expressions of the WebAssembly text format, each with its place in the source, so that a component can be cut out of
 * a script as it was written.
 * https://webassembly.github.io/spec/core/text/lexical.html
 */
import { WastError } from './errors.ts';

/** Offsets are in UTF-16 code units of the source; `end` is exclusive. */
interface Span {
  readonly start: number;
  readonly end: number;
}
export type Atom = Span & { readonly kind: 'atom'; readonly text: string };
/** A string literal: any bytes, not always UTF-8. */
export type Text = Span & { readonly kind: 'string'; readonly bytes: Uint8Array };
export type List = Span & { readonly kind: 'list'; readonly items: readonly Sexpr[] };
export type Sexpr = Atom | Text | List;

const MAX_DEPTH = 2000;

/**
 * Reads all s-expressions of a source.
 * @throws WastError TENON_WAST_SYNTAX with line and column.
 */
export function readSexprs(source: string, file = 'script'): readonly Sexpr[] {
  const open: { readonly start: number; readonly items: Sexpr[] }[] = [];
  const top: Sexpr[] = [];
  let items = top;
  let at = 0;
  const fail = (message: string, offset: number): never => {
    const { line, column } = new Lines(source).position(offset);
    throw new WastError('TENON_WAST_SYNTAX', `${file}:${line}:${column}: ${message}`);
  };
  while (at < source.length) {
    const char = source.charCodeAt(at);
    if (char === 0x20 || char === 0x0a || char === 0x0d || char === 0x09) {
      at++;
    } else if (char === 0x3b /* ; */) {
      if (source[at + 1] !== ';') fail('a lone `;`: a comment starts with `;;`', at);
      const end = source.indexOf('\n', at);
      at = end < 0 ? source.length : end + 1;
    } else if (char === 0x28 /* ( */) {
      if (source[at + 1] === ';') {
        at = skipBlockComment(source, at) ?? fail('the comment is not closed', at);
        continue;
      }
      if (open.length >= MAX_DEPTH) fail(`more than ${MAX_DEPTH} nested parentheses`, at);
      const list = { start: at, items: [] };
      open.push(list);
      items = list.items;
      at++;
    } else if (char === 0x29 /* ) */) {
      const list = open.pop() ?? fail('a `)` too many', at);
      items = open.at(-1)?.items ?? top;
      at++;
      items.push({ kind: 'list', items: list.items, start: list.start, end: at });
    } else if (char === 0x22 /* " */) {
      const text = readString(source, at, fail);
      items.push(text);
      at = text.end;
    } else {
      const start = at;
      while (at < source.length && !/[\s()";]/.test(source.charAt(at))) at++;
      // An identifier may be written `$"any string"`; it then belongs to the atom.
      if (source[at] === '"' && at === start + 1 && char === 0x24 /* $ */) at = readString(source, at, fail).end;
      if (at === start) fail(`unexpected character ${JSON.stringify(source.charAt(at))}`, at);
      items.push({ kind: 'atom', text: source.slice(start, at), start, end: at });
    }
  }
  const unclosed = open.pop();
  if (unclosed !== undefined) fail('this `(` is not closed', unclosed.start);
  return top;
}

/** Block comments nest. Returns the offset behind the comment. */
function skipBlockComment(source: string, start: number): number | undefined {
  const marks = /\(;|;\)/g;
  marks.lastIndex = start;
  let depth = 0;
  for (let mark = marks.exec(source); mark !== null; mark = marks.exec(source)) {
    depth += mark[0] === '(;' ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return undefined;
}

const ESCAPES: Readonly<Record<string, number>> = { t: 0x09, n: 0x0a, r: 0x0d, '"': 0x22, "'": 0x27, '\\': 0x5c };

function readString(source: string, start: number, fail: (message: string, offset: number) => never): Text {
  const bytes: number[] = [];
  let at = start + 1;
  for (;;) {
    if (at >= source.length) fail('the string is not closed', start);
    const code = source.codePointAt(at) ?? 0;
    if (code === 0x22) return { kind: 'string', bytes: Uint8Array.from(bytes), start, end: at + 1 };
    if (code !== 0x5c) {
      pushUtf8(bytes, code);
      at += code > 0xffff ? 2 : 1;
      continue;
    }
    const next = source.charAt(at + 1);
    const simple = ESCAPES[next];
    const hex = /^\\(?:([0-9a-fA-F]{2})|u\{([0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)\})/.exec(source.slice(at, at + 16));
    if (simple !== undefined) {
      bytes.push(simple);
      at += 2;
    } else if (hex?.[1] !== undefined) {
      bytes.push(Number.parseInt(hex[1], 16));
      at += 3;
    } else if (hex?.[2] !== undefined) {
      const scalar = Number.parseInt(hex[2].replaceAll('_', ''), 16);
      if (scalar > 0x10ffff || (scalar >= 0xd800 && scalar < 0xe000)) fail('the escape is not a Unicode scalar value', at);
      pushUtf8(bytes, scalar);
      at += hex[0].length;
    } else {
      fail('invalid string escape', at);
    }
  }
}

function pushUtf8(bytes: number[], code: number): void {
  if (code < 0x80) bytes.push(code);
  else bytes.push(...new TextEncoder().encode(String.fromCodePoint(code)));
}

/** The string of a literal. @throws WastError when its bytes are not UTF-8. */
export function textOf(literal: Text): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(literal.bytes);
  } catch (cause) {
    throw new WastError('TENON_WAST_SYNTAX', 'malformed UTF-8 encoding', cause);
  }
}

/** Turns offsets into lines and columns, both from 1. */
export class Lines {
  private readonly starts: number[] = [0];

  constructor(source: string) {
    for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1)) this.starts.push(at + 1);
  }

  position(offset: number): { readonly line: number; readonly column: number } {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.starts[low] ?? 0) + 1 };
  }
}
