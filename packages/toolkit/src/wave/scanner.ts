/** Characters of a WAVE text: positions, tokens, escapes. */
import { shortened, visible } from '@tenon/component';
import { ToolkitError } from '../errors.ts';

/** Characters of a line that are shown on either side of the place of an error. */
const SHOWN = 60;
/** Of a name or token that a message quotes. */
const QUOTED = 40;

/** Builds the message of a WAVE error: what is wrong, and the text with a caret below the place. */
export function waveError(text: string, position: number, message: string): ToolkitError {
  return new ToolkitError('TENON_WAVE', [briefly(message), ...caret(text, position)]);
}

/** A message whose quotations are cut to what can be read. */
export function briefly(message: string): string {
  return message.replace(/`([^`]*)`/g, (_, quoted: string) => `\`${shortened(quoted, QUOTED)}\``);
}

/** The line of `text` that holds `position`, or the part of it around there, and a caret under it. */
export function caret(text: string, position: number): readonly [line: string, caret: string] {
  const start = text.lastIndexOf('\n', position - 1) + 1;
  const newline = text.indexOf('\n', position);
  const end = newline < 0 ? text.length : newline;
  const from = position - start > SHOWN ? position - SHOWN : start;
  const to = end - position > SHOWN ? position + SHOWN : end;
  const before = `${from === start ? '' : '…'}${visible(text.slice(from, position).toWellFormed())}`;
  const after = `${visible(text.slice(position, to).toWellFormed())}${to === end ? '' : '…'}`;
  return [`  ${before}${after}`, `  ${' '.repeat([...before].length)}^`];
}

const LABEL = /%?[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WHITESPACE = /(?:[ \t\r\n]+|\/\/[^\n]*)*/y;
const ESCAPES: Readonly<Record<string, string>> = { "'": "'", '"': '"', '\\': '\\', t: '\t', n: '\n', r: '\r' };

/** Reads the tokens of one WAVE value, between `position` and `end` of a longer text. */
export class Scanner {
  readonly text: string;
  readonly end: number;
  position: number;

  constructor(text: string, position = 0, end: number = text.length) {
    this.text = text;
    this.position = position;
    this.end = end;
  }

  fail(message: string, position: number = this.position): never {
    throw waveError(this.text, position, message);
  }

  /** Fails with what was expected and what stands there. */
  expected(what: string, position: number = this.position): never {
    this.fail(`expected ${what}, found ${this.found(position)}`, position);
  }

  private found(position: number): string {
    if (position >= this.end) return 'the end';
    const rest = this.text.slice(position, this.end);
    const token = /^(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[A-Za-z0-9%_.+-]+)/.exec(rest)?.[0] ?? rest.slice(0, 1);
    return `\`${token.length > 24 ? `${token.slice(0, 24)}…` : token}\``;
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.position;
    const token = pattern.exec(this.text)?.[0];
    if (token === undefined || this.position + token.length > this.end) return undefined;
    this.position += token.length;
    return token;
  }

  skip(): void {
    this.match(WHITESPACE);
    if (this.position > this.end) this.position = this.end;
  }

  get done(): boolean {
    return this.position >= this.end;
  }

  /** The character at the next token. */
  peek(): string {
    this.skip();
    return this.done ? '' : this.text.charAt(this.position);
  }

  /** Takes a punctuation mark if it is next. */
  take(mark: string): boolean {
    this.skip();
    if (this.done || !this.text.startsWith(mark, this.position)) return false;
    this.position += mark.length;
    return true;
  }

  require(mark: string, what = `\`${mark}\``): void {
    if (!this.take(mark)) this.expected(what);
  }

  /** A label as written, `%` included; undefined when none is next. */
  label(): string | undefined {
    this.skip();
    return this.match(LABEL);
  }

  number(): string | undefined {
    this.skip();
    return this.match(NUMBER);
  }

  /** `'x'`. */
  char(): string {
    this.require("'", "a char such as `'x'`");
    const start = this.position;
    if (this.text[this.position] === "'" || this.text[this.position] === '\n') this.expected('one character');
    const value = this.character();
    if (this.text[this.position] !== "'" || this.done) this.fail("expected `'`: a char is one Unicode scalar value", start);
    this.position++;
    return value;
  }

  /** `"…"` or a multi-line `"""` string. */
  string(): string {
    if (this.take('"""')) return this.multilineString();
    this.require('"', 'a string such as `"text"`');
    const start = this.position - 1;
    let value = '';
    for (;;) {
      if (this.done) this.fail('the string has no closing `"`', start);
      const next = this.text[this.position];
      if (next === '"') break;
      if (next === '\n') this.fail('a line break in a string is written `\\n`');
      value += this.character();
    }
    this.position++;
    return value;
  }

  private character(): string {
    if (this.done) this.expected('a character');
    if (this.text[this.position] !== '\\') {
      const code = this.text.codePointAt(this.position) ?? 0;
      if (code >= 0xd800 && code < 0xe000) this.fail('a lone surrogate is no Unicode scalar value');
      const value = String.fromCodePoint(code);
      this.position += value.length;
      return value;
    }
    const start = this.position++;
    const kind = this.text.charAt(this.position++);
    if (kind !== 'u') return ESCAPES[kind] ?? this.fail(`unknown escape \`\\${kind}\``, start);
    const hex = /^\{([0-9a-fA-F]{1,6})\}/.exec(this.text.slice(this.position, this.end));
    if (hex === null) this.fail('expected `\\u{…}` with a hexadecimal number', start);
    const code = Number.parseInt(hex[1] ?? '', 16);
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) this.fail('the escape is no Unicode scalar value', start);
    this.position += hex[0].length;
    return String.fromCodePoint(code);
  }

  private multilineString(): string {
    const start = this.position - 3;
    const opening = /^\r?\n/.exec(this.text.slice(this.position, this.position + 2));
    if (opening === null) this.fail('`"""` is followed by a line break');
    const body = this.position + opening[0].length;
    const close = this.text.indexOf('"""', body);
    if (close < 0 || close + 3 > this.end) this.fail('the string has no closing `"""`', start);
    const lastBreak = this.text.lastIndexOf('\n', close);
    const indent = this.text.slice(lastBreak + 1, close);
    if (/[^ ]/.test(indent)) this.fail('the closing `"""` stands on a line of its own', close);
    this.position = close + 3;
    // An empty string is `"""`, one line break, `"""`.
    if (lastBreak < body) return '';
    const lines: string[] = [];
    let offset = body;
    for (const raw of this.text.slice(body, lastBreak).split('\n')) {
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      if (!line.startsWith(indent)) this.fail(`expected at least ${indent.length} spaces, as before the closing \`"""\``, offset);
      const inner = new Scanner(this.text, offset + indent.length, offset + line.length);
      let value = '';
      while (!inner.done) value += inner.character();
      lines.push(value);
      offset += raw.length + 1;
    }
    return lines.join('\n');
  }
}

/** Splits a comma-separated sequence at its own level of brackets. Returns the span of each item; a trailing comma adds none. */
export function splitItems(text: string, start: number, end: number): { readonly start: number; readonly end: number }[] {
  const items: { start: number; end: number }[] = [];
  let depth = 0;
  let from = start;
  for (let i = start; i < end; i++) {
    const c = text[i];
    if (c === '"' || c === "'") i = skipQuoted(text, i, end);
    else if (c === '/' && text[i + 1] === '/') i = lineEnd(text, i, end);
    else if (c === '(' || c === '[' || c === '{') depth++;
    else if (c === ')' || c === ']' || c === '}') depth--;
    else if (c === ',' && depth === 0) {
      items.push({ start: from, end: i });
      from = i + 1;
    }
  }
  if (text.slice(from, end).trim() !== '') items.push({ start: from, end });
  return items;
}

/** Index of the last character of a quoted text that starts at `start`. */
function skipQuoted(text: string, start: number, end: number): number {
  const quote = text.startsWith('"""', start) ? '"""' : text.charAt(start);
  for (let i = start + quote.length; i < end; i++) {
    if (text[i] === '\\') i++;
    else if (text.startsWith(quote, i)) return i + quote.length - 1;
  }
  return end;
}

function lineEnd(text: string, start: number, end: number): number {
  const newline = text.indexOf('\n', start);
  return newline < 0 ? end : newline;
}
