import { Charge, OBJECT_BYTES, tooMuch } from '../budget.ts';

/** Names that speak of one connection, or that the host alone may set. */
const FORBIDDEN: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

// RFC 9110, section 5.6.2 and 5.5.
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NOT_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** The most bytes that the fields of one message hold together. */
const MOST = 128 * 1024;

/** What a field takes of the budget: it lies in V8's heap, of which a thread has less than of other memory. */
function weight(name: string, value: string): number {
  return 2 * (OBJECT_BYTES + name.length + value.length);
}

/** Why a field cannot be set. */
export class FieldError extends Error {
  override readonly name = 'FieldError';
  readonly problem: 'invalid-syntax' | 'forbidden' | 'immutable';

  constructor(problem: 'invalid-syntax' | 'forbidden' | 'immutable') {
    super(problem);
    this.problem = problem;
  }
}

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Names with their values, as Node takes trailers of HTTP/1.1. */
export function paired({ pairs }: FieldList): [name: string, value: string][] {
  const entries: [string, string][] = [];
  for (let index = 0; index < pairs.length; index += 2) entries.push([pairs[index] ?? '', pairs[index + 1] ?? '']);
  return entries;
}

/** Values by name, as Node takes fields of HTTP/2. */
export function collected(pairs: readonly string[]): Record<string, string | string[]> {
  const byName: Record<string, string | string[]> = Object.create(null);
  for (let index = 0; index < pairs.length; index += 2) {
    const name = pairs[index] ?? '';
    const value = pairs[index + 1] ?? '';
    const before = byName[name];
    if (before === undefined) byName[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else byName[name] = [before, value];
  }
  return byName;
}

/** Without spaces and tabs around it; other bytes may be part of a character. */
function trimmed(value: string): string {
  let from = 0;
  let to = value.length;
  while (from < to && isBlank(value.charCodeAt(from))) from++;
  while (to > from && isBlank(value.charCodeAt(to - 1))) to--;
  return to - from === value.length ? value : value.slice(from, to);
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;

/** The fields of a message in their order. Names are lower case; values are strings of one character a byte. */
export class FieldList {
  /** Names and values in turn, as Node has them. */
  #pairs: string[];
  #size: number;
  #immutable: boolean;
  /** As they came from Node: names in any case, and forbidden ones among them. */
  #raw: boolean;
  /** What guests made is charged to them. */
  readonly #charge = new Charge();

  private constructor(pairs: string[], raw: boolean, immutable: boolean, size: number) {
    this.#pairs = pairs;
    this.#raw = raw;
    this.#immutable = immutable;
    this.#size = size;
  }

  static empty(): FieldList {
    const list = new FieldList([], false, false, 0);
    if (!list.#charge.take(4 * OBJECT_BYTES)) throw tooMuch('fields');
    return list;
  }

  /** Fields that Node received. They cannot be changed. */
  static received(raw: string[]): FieldList {
    return new FieldList(raw, true, true, 0);
  }

  /** @throws FieldError */
  static of(entries: Iterable<readonly [name: string, value: string]>): FieldList {
    const list = FieldList.empty();
    for (const [name, value] of entries) list.append(name, value);
    return list;
  }

  freeze(): this {
    this.#immutable = true;
    return this;
  }

  /** A copy that can be changed. */
  clone(): FieldList {
    const { pairs } = this;
    const list = new FieldList([...pairs], false, false, this.#size);
    if (!list.#charge.take(OBJECT_BYTES * pairs.length + 2 * this.#size)) throw tooMuch('a copy of fields');
    return list;
  }

  /** The guest that made it is charged for it no more. */
  release(): void {
    this.#charge.end();
  }

  get pairs(): readonly string[] {
    if (this.#raw) this.#cook();
    return this.#pairs;
  }

  all(name: string): string[] {
    const pairs = this.pairs;
    const key = name.toLowerCase();
    const values: string[] = [];
    for (let index = 0; index < pairs.length; index += 2) if (pairs[index] === key) values.push(pairs[index + 1] ?? '');
    return values;
  }

  first(name: string): string | undefined {
    const pairs = this.pairs;
    for (let index = 0; index < pairs.length; index += 2) if (pairs[index] === name) return pairs[index + 1];
    return undefined;
  }

  has(name: string): boolean {
    return this.first(name.toLowerCase()) !== undefined;
  }

  append(name: string, value: string): void {
    const key = this.#checked(name);
    this.#add(key, value);
  }

  set(name: string, values: readonly string[]): void {
    const key = this.#checked(name);
    for (const value of values) if (NOT_VALUE.test(value)) throw new FieldError('invalid-syntax');
    this.#remove(key);
    for (const value of values) this.#add(key, value);
  }

  delete(name: string): void {
    this.#remove(this.#checked(name));
  }

  #checked(name: string): string {
    if (this.#immutable) throw new FieldError('immutable');
    if (!TOKEN.test(name)) throw new FieldError('invalid-syntax');
    const key = name.toLowerCase();
    if (FORBIDDEN.has(key)) throw new FieldError('forbidden');
    return key;
  }

  #add(key: string, given: string): void {
    if (NOT_VALUE.test(given)) throw new FieldError('invalid-syntax');
    // Whitespace around it is no part of a value (RFC 9110, section 5.5), and would break a stream of HTTP/2.
    const value = trimmed(given);
    this.#size += key.length + value.length;
    if (this.#size > MOST) throw new Error(`the fields of one message take more than ${MOST} bytes`);
    if (!this.#charge.take(weight(key, value))) throw tooMuch('a header field');
    this.#pairs.push(key, value);
  }

  #remove(key: string): void {
    const kept: string[] = [];
    for (let index = 0; index < this.#pairs.length; index += 2) {
      const name = this.#pairs[index] ?? '';
      const value = this.#pairs[index + 1] ?? '';
      if (name === key) {
        this.#size -= name.length + value.length;
        this.#charge.give(weight(name, value));
      } else kept.push(name, value);
    }
    this.#pairs = kept;
  }

  /** Fields that speak of one connection because its `Connection` field names them (RFC 9110, section 7.6.1). */
  #namedByConnection(): ReadonlySet<string> | undefined {
    let named: Set<string> | undefined;
    for (let index = 0; index < this.#pairs.length; index += 2) {
      if (this.#pairs[index]?.toLowerCase() !== 'connection') continue;
      named ??= new Set();
      for (const name of (this.#pairs[index + 1] ?? '').split(',')) named.add(name.trim().toLowerCase());
    }
    return named;
  }

  #cook(): void {
    this.#raw = false;
    const cooked: string[] = [];
    const named = this.#namedByConnection();
    for (let index = 0; index < this.#pairs.length; index += 2) {
      const name = (this.#pairs[index] ?? '').toLowerCase();
      // HTTP/2 has its pseudo-headers among them.
      if (FORBIDDEN.has(name) || name.startsWith(':') || named?.has(name)) continue;
      const value = this.#pairs[index + 1] ?? '';
      this.#size += name.length + value.length;
      cooked.push(name, value);
    }
    this.#pairs = cooked;
  }
}
