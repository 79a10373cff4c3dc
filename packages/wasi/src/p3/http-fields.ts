/** The resource `fields` of `wasi:http/types` 0.3 — https://github.com/WebAssembly/WASI/tree/main/proposals/http */
import { inPlace, resultError } from '@tenon/component';
import { FieldError, FieldList } from '../body/http/fields.ts';

/** Field values are bytes to guests and strings of one character a byte to Node. */
function text(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1');
}

function bytes(value: string): Uint8Array {
  return Buffer.from(value, 'latin1');
}

/** What else fields refuse is more than they may hold. */
function attempt<T>(operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    const tag = error instanceof FieldError ? error.problem : 'size-exceeded';
    throw resultError({ tag }, `a header field is refused: ${tag}`);
  }
}

/** How guests have spelt names that are not in lower case, in which they go out. */
const spellings = new WeakMap<FieldList, Map<string, string>>();

function spell(list: FieldList, name: string): void {
  const key = name.toLowerCase();
  if (key === name) return;
  let known = spellings.get(list);
  if (known === undefined) {
    known = new Map();
    spellings.set(list, known);
  }
  if (!known.has(key)) known.set(key, name);
}

export class Fields {
  readonly list: FieldList;
  /** Others are those of a message, which has them as long as it lives. */
  readonly #own: boolean;

  constructor(list?: FieldList, own = list === undefined) {
    this.list = list ?? FieldList.empty();
    this.#own = own;
  }

  static fromList(entries: readonly (readonly [string, Uint8Array])[]): Fields {
    return attempt(() => {
      const list = FieldList.empty();
      for (const [name, value] of entries) {
        list.append(name, text(value));
        spell(list, name);
      }
      return new Fields(list, true);
    });
  }

  get(name: string): Uint8Array[] {
    return this.list.all(name).map(bytes);
  }

  has(name: string): boolean {
    return this.list.has(name);
  }

  set(name: string, values: readonly Uint8Array[]): void {
    attempt(() => this.list.set(name, values.map(text)));
    spellings.get(this.list)?.delete(name.toLowerCase());
    spell(this.list, name);
  }

  delete(name: string): void {
    attempt(() => this.list.delete(name));
    spellings.get(this.list)?.delete(name.toLowerCase());
  }

  getAndDelete(name: string): Uint8Array[] {
    const values = this.get(name);
    this.delete(name);
    return values;
  }

  append(name: string, value: Uint8Array): void {
    attempt(() => this.list.append(name, text(value)));
    spell(this.list, name);
  }

  copyAll(): [string, Uint8Array][] {
    const { pairs } = this.list;
    const spelt = spellings.get(this.list);
    const entries: [string, Uint8Array][] = [];
    for (let index = 0; index < pairs.length; index += 2) {
      const name = pairs[index] ?? '';
      entries.push([spelt?.get(name) ?? name, bytes(pairs[index + 1] ?? '')]);
    }
    return entries;
  }

  clone(): Fields {
    const copy = new Fields(this.list.clone(), true);
    const spelt = spellings.get(this.list);
    if (spelt !== undefined) spellings.set(copy.list, new Map(spelt));
    return copy;
  }

  [Symbol.dispose](): void {
    if (this.#own) this.list.release();
  }

  static {
    inPlace(Fields.prototype.append);
  }
}
