/**
 * Names of Rust's symbols, in both of its manglings.
 * https://doc.rust-lang.org/rustc/symbol-mangling/v0.html
 */
import { Unmangled } from './unmangled.ts';

const BASIC_TYPES: Readonly<Record<string, string>> = {
  a: 'i8',
  b: 'bool',
  c: 'char',
  d: 'f64',
  e: 'str',
  f: 'f32',
  h: 'u8',
  i: 'isize',
  j: 'usize',
  l: 'i32',
  m: 'u32',
  n: 'i128',
  o: 'u128',
  p: '_',
  s: 'i16',
  t: 'u16',
  u: '()',
  v: '...',
  x: 'i64',
  y: 'u64',
  z: '!',
};

/** The path that a symbol stands for, without hashes; undefined when it is none of Rust's. */
export function demangleRust(symbol: string): string | undefined {
  const legacy = /^_?_ZN(.+)17h[0-9a-f]{16}E(?:\.\w.*)?$/.exec(symbol)?.[1];
  if (legacy !== undefined) return demangleLegacy(legacy);
  const v0 = /^_?_R(?=[A-Z])([\w]+)/.exec(symbol)?.[1];
  return v0 === undefined ? undefined : Unmangled.attempt(() => new V0(v0).symbol());
}

const LEGACY_ESCAPES: Readonly<Record<string, string>> = { C: ',', SP: '@', BP: '*', RF: '&', LT: '<', GT: '>', LP: '(', RP: ')' };

function demangleLegacy(path: string): string | undefined {
  const parts: string[] = [];
  for (let at = 0; at < path.length; ) {
    const digits = /^[1-9]\d*/.exec(path.slice(at, at + 6))?.[0];
    if (digits === undefined) return undefined;
    const end = at + digits.length + Number(digits);
    if (end > path.length) return undefined;
    parts.push(unescapeLegacy(path.slice(at + digits.length, end)));
    at = end;
  }
  return parts.join('::');
}

function unescapeLegacy(part: string): string {
  return part
    .replace(/^_\$/, '$')
    .replaceAll('..', '::')
    .replace(/\$(?:u([0-9a-f]{1,6})|([A-Z]{1,2}))\$/g, (all, hex: string | undefined, name: string | undefined) => {
      const code = Number.parseInt(hex ?? '', 16);
      return name === undefined ? (code <= 0x10ffff ? String.fromCodePoint(code) : all) : (LEGACY_ESCAPES[name] ?? all);
    });
}

class V0 extends Unmangled {
  symbol(): string {
    const path = this.path(true);
    // The crate that instantiated it.
    if (!this.done) this.path(false);
    return this.done ? path : this.fail();
  }

  /** @param value whether generic arguments are written as in an expression: `f::<T>` */
  private path(value: boolean): string {
    return this.nested(() => {
      switch (this.next()) {
        case 'C':
          this.disambiguator();
          return this.identifier();
        case 'M': {
          this.implPath();
          return this.bounded(`<${this.type()}>`);
        }
        case 'X': {
          this.implPath();
          const type = this.type();
          return this.bounded(`<${type} as ${this.path(false)}>`);
        }
        case 'Y': {
          const type = this.type();
          return this.bounded(`<${type} as ${this.path(false)}>`);
        }
        case 'N':
          return this.nestedPath(value);
        case 'I': {
          const path = this.path(value);
          const args: string[] = [];
          while (!this.take('E')) args.push(this.genericArgument());
          const shown = args.filter((arg) => arg !== '');
          return this.bounded(shown.length === 0 ? path : `${path}${value ? '::' : ''}<${shown.join(', ')}>`);
        }
        case 'B':
          return this.backReference(() => this.path(value));
        default:
          return this.fail();
      }
    });
  }

  private implPath(): void {
    this.disambiguator();
    this.path(false);
  }

  private nestedPath(value: boolean): string {
    const namespace = this.next();
    const path = this.path(value);
    const number = this.disambiguator();
    const name = this.identifier();
    if (/[a-z]/.test(namespace)) return this.bounded(name === '' ? path : `${path}::${name}`);
    const kind = namespace === 'C' ? 'closure' : namespace === 'S' ? 'shim' : namespace;
    return this.bounded(`${path}::{${kind}${name === '' ? '' : `:${name}`}#${number}}`);
  }

  private genericArgument(): string {
    if (this.take('L')) {
      this.base62();
      return '';
    }
    return this.take('K') ? this.constant() : this.type();
  }

  private type(): string {
    return this.nested(() => {
      const basic = BASIC_TYPES[this.peek()];
      if (basic !== undefined) {
        this.next();
        return basic;
      }
      switch (this.peek()) {
        case 'A': {
          this.next();
          const element = this.type();
          return this.bounded(`[${element}; ${this.constant()}]`);
        }
        case 'S':
          this.next();
          return this.bounded(`[${this.type()}]`);
        case 'T': {
          this.next();
          const types = this.types();
          return this.bounded(types.length === 1 ? `(${types[0]},)` : `(${types.join(', ')})`);
        }
        case 'R':
        case 'Q': {
          const mutable = this.next() === 'Q';
          if (this.take('L')) this.base62();
          return this.bounded(`&${mutable ? 'mut ' : ''}${this.type()}`);
        }
        case 'P':
        case 'O': {
          const mutable = this.next() === 'O';
          return this.bounded(`*${mutable ? 'mut' : 'const'} ${this.type()}`);
        }
        case 'F':
          this.next();
          return this.functionType();
        case 'D':
          this.next();
          return this.dynType();
        case 'B':
          this.next();
          return this.backReference(() => this.type());
        default:
          return this.path(false);
      }
    });
  }

  private types(): string[] {
    const types: string[] = [];
    while (!this.take('E')) types.push(this.type());
    return types;
  }

  private functionType(): string {
    if (this.take('G')) this.base62();
    const unsafe = this.take('U') ? 'unsafe ' : '';
    let abi = '';
    if (this.take('K')) abi = `extern "${this.take('C') ? 'C' : this.identifier().replaceAll('_', '-')}" `;
    const params = this.types().join(', ');
    const result = this.type();
    return this.bounded(`${unsafe}${abi}fn(${params})${result === '()' ? '' : ` -> ${result}`}`);
  }

  private dynType(): string {
    if (this.take('G')) this.base62();
    const traits: string[] = [];
    while (!this.take('E')) {
      let trait = this.path(false);
      const bindings: string[] = [];
      while (this.take('p')) {
        const name = this.identifier();
        bindings.push(`${name} = ${this.type()}`);
      }
      if (bindings.length > 0) {
        trait = trait.endsWith('>') ? `${trait.slice(0, -1)}, ${bindings.join(', ')}>` : `${trait}<${bindings.join(', ')}>`;
      }
      traits.push(this.bounded(trait));
    }
    if (this.take('L')) this.base62();
    return this.bounded(`dyn ${traits.join(' + ')}`);
  }

  private constant(): string {
    return this.nested(() => {
      if (this.take('B')) return this.backReference(() => this.constant());
      const type = this.next();
      if (type === 'p') return '_';
      // Numbers of every width, booleans and characters; the rest is rare and left out of the name.
      if (!/[abchijlmnostxy]/.test(type)) return this.fail();
      const sign = this.take('n') ? '-' : '';
      let digits = '';
      while (!this.take('_')) digits += this.next();
      if (!/^[0-9a-f]{0,32}$/.test(digits)) return this.fail();
      const number = BigInt(`0x0${digits}`);
      if (type === 'b') return number === 0n ? 'false' : 'true';
      if (type === 'c') return number <= 0x10ffffn ? `'${String.fromCodePoint(Number(number))}'` : this.fail();
      return `${sign}${number}`;
    });
  }

  private backReference<T>(read: () => T): T {
    const start = this.position - 1;
    const target = this.base62();
    if (target >= start) return this.fail();
    return this.from(target, read);
  }

  /** `s` and a number; those that have the same name are counted from 0. */
  private disambiguator(): number {
    return this.take('s') ? this.base62() + 1 : 0;
  }

  private base62(): number {
    if (this.take('_')) return 0;
    let value = 0;
    for (;;) {
      const digit = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_'.indexOf(this.next());
      if (digit < 0) return this.fail();
      if (digit === 62) return value + 1;
      value = value * 62 + digit;
    }
  }

  private identifier(): string {
    const encoded = this.take('u');
    const length = this.decimal();
    this.take('_');
    const text = this.chars(length);
    return encoded ? (punycode(text) ?? this.fail()) : text;
  }
}

/** RFC 3492, with `_` before the deltas. */
function punycode(text: string): string | undefined {
  const delimiter = text.lastIndexOf('_');
  const output = [...text.slice(0, Math.max(delimiter, 0))];
  let code = 128;
  let index = 0;
  let bias = 72;
  let first = true;
  for (let at = delimiter + 1; at < text.length; ) {
    const before = index;
    for (let weight = 1, k = 36; ; k += 36) {
      const digit = 'abcdefghijklmnopqrstuvwxyz0123456789'.indexOf(text.charAt(at++));
      if (digit < 0 || at > text.length || index > 2 ** 31) return undefined;
      index += digit * weight;
      const threshold = Math.min(26, Math.max(1, k - bias));
      if (digit < threshold) break;
      weight *= 36 - threshold;
    }
    const length = output.length + 1;
    let delta = Math.floor((index - before) / (first ? 700 : 2));
    first = false;
    delta += Math.floor(delta / length);
    bias = 0;
    for (; delta > 455; bias += 36) delta = Math.floor(delta / 35);
    bias += Math.floor((36 * delta) / (delta + 38));
    code += Math.floor(index / length);
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return undefined;
    index %= length;
    output.splice(index++, 0, String.fromCodePoint(code));
  }
  return output.join('');
}
