/**
 * Names of C++'s symbols, as clang and GCC mangle them. What is rare in names of functions, such as expressions in template arguments, is not
 * read, and such a name is left as it is.
 * https://itanium-cxx-abi.github.io/cxx-abi/abi.html#mangling
 */
import { Unmangled } from './unmangled.ts';

const BUILTIN: Readonly<Record<string, string>> = {
  v: 'void',
  w: 'wchar_t',
  b: 'bool',
  c: 'char',
  a: 'signed char',
  h: 'unsigned char',
  s: 'short',
  t: 'unsigned short',
  i: 'int',
  j: 'unsigned int',
  l: 'long',
  m: 'unsigned long',
  x: 'long long',
  y: 'unsigned long long',
  n: '__int128',
  o: 'unsigned __int128',
  f: 'float',
  d: 'double',
  e: 'long double',
  g: '__float128',
  z: '...',
  Di: 'char32_t',
  Ds: 'char16_t',
  Du: 'char8_t',
  Dn: 'std::nullptr_t',
  Da: 'auto',
  Dc: 'decltype(auto)',
  Dh: 'half',
};

const ABBREVIATIONS: Readonly<Record<string, string>> = {
  St: 'std',
  Sa: 'std::allocator',
  Sb: 'std::basic_string',
  Ss: 'std::string',
  Si: 'std::istream',
  So: 'std::ostream',
  Sd: 'std::iostream',
};

const OPERATORS: Readonly<Record<string, string>> = {
  nw: ' new',
  na: ' new[]',
  dl: ' delete',
  da: ' delete[]',
  aw: ' co_await',
  ps: '+',
  ng: '-',
  ad: '&',
  de: '*',
  co: '~',
  pl: '+',
  mi: '-',
  ml: '*',
  dv: '/',
  rm: '%',
  an: '&',
  or: '|',
  eo: '^',
  aS: '=',
  pL: '+=',
  mI: '-=',
  mL: '*=',
  dV: '/=',
  rM: '%=',
  aN: '&=',
  oR: '|=',
  eO: '^=',
  ls: '<<',
  rs: '>>',
  lS: '<<=',
  rS: '>>=',
  eq: '==',
  ne: '!=',
  lt: '<',
  gt: '>',
  le: '<=',
  ge: '>=',
  ss: '<=>',
  nt: '!',
  aa: '&&',
  oo: '||',
  pp: '++',
  mm: '--',
  cm: ',',
  pm: '->*',
  pt: '->',
  cl: '()',
  ix: '[]',
};

const SPECIAL: Readonly<Record<string, string>> = {
  TV: 'vtable for ',
  TT: 'VTT for ',
  TI: 'typeinfo for ',
  TS: 'typeinfo name for ',
};

/** A type around a name: `int (*` and `)(char)`. */
interface Type {
  readonly before: string;
  readonly after: string;
  /** Of a function or an array: pointers to it need parentheses. */
  readonly compound?: boolean;
}

interface Name {
  readonly text: string;
  /** Whether the last part has template arguments: then the encoding has a result type. */
  readonly template: boolean;
  /** Constructors, destructors and conversions have none. */
  readonly noResult: boolean;
  readonly qualifiers: string;
}

/** What a C++ symbol stands for; undefined when it is none, or beyond what is read. */
export function demangleCpp(symbol: string): string | undefined {
  const mangled = /^_?_Z([\w$]+)/.exec(symbol)?.[1];
  return mangled === undefined ? undefined : Unmangled.attempt(() => new Itanium(mangled).symbol());
}

class Itanium extends Unmangled {
  private readonly substitutions: (string | Type)[] = [];
  private templateArguments: string[] = [];

  symbol(): string {
    const special = SPECIAL[this.text.slice(0, 2)];
    if (special !== undefined) {
      this.position += 2;
      return special + this.typeText();
    }
    if (this.take('GV')) return `guard variable for ${this.name().text}`;
    if (this.take('Th') || this.take('Tv')) {
      const virtual = this.text.startsWith('Tv');
      this.offset();
      if (virtual) this.offset();
      return `${virtual ? 'virtual' : 'non-virtual'} thunk to ${this.encoding()}`;
    }
    const text = this.encoding();
    return this.done ? text : this.fail();
  }

  private offset(): void {
    this.take('n');
    this.decimal();
    if (!this.take('_')) this.fail();
  }

  private encoding(): string {
    const name = this.name();
    if (this.done || this.peek() === 'E') return name.text;
    // The type of the result, which only instances of templates have, says nothing about where something happened.
    if (name.template && !name.noResult) this.type();
    return this.bounded(`${name.text}(${this.parameters()})${name.qualifiers}`);
  }

  /** Types of parameters, up to the end or to `E`. */
  private parameters(): string {
    const types: string[] = [];
    while (!this.done && this.peek() !== 'E') types.push(this.typeText());
    if (types.length === 0) return this.fail();
    return this.bounded(types.length === 1 && types[0] === 'void' ? '' : types.filter((type) => type !== '').join(', '));
  }

  private name(): Name {
    return this.nested(() => {
      if (this.take('N')) return this.nestedName();
      if (this.take('Z')) return this.localName();
      const scope = this.take('St') ? 'std::' : '';
      let text: string;
      let noResult = false;
      if (scope === '' && this.peek() === 'S') {
        text = asText(this.substitution());
        if (this.peek() !== 'I') return this.fail();
      } else {
        const part = this.unqualified('');
        text = scope + part.text;
        noResult = part.noResult;
        if (this.peek() === 'I') this.substitutions.push(text);
      }
      if (this.peek() !== 'I') return { text, template: false, noResult, qualifiers: '' };
      return { text: this.bounded(text + this.templateArgs()), template: true, noResult, qualifiers: '' };
    });
  }

  private nestedName(): Name {
    let qualifiers = '';
    if (this.take('r')) qualifiers += ' restrict';
    if (this.take('V')) qualifiers += ' volatile';
    if (this.take('K')) qualifiers = ` const${qualifiers}`;
    if (this.take('R')) qualifiers += ' &';
    else if (this.take('O')) qualifiers += ' &&';
    let text = '';
    let last = '';
    let template = false;
    let noResult = false;
    while (!this.take('E')) {
      const next = this.peek();
      if (next === 'I') {
        text = this.bounded(text + this.templateArgs());
        template = true;
        if (this.peek() !== 'E') this.substitutions.push(text);
        continue;
      }
      if (next === 'S' && text === '' && this.text.charAt(this.position + 1) !== 't') {
        text = asText(this.substitution());
        last = lastPart(text);
        continue;
      }
      template = false;
      if (this.take('St')) {
        text = 'std';
        last = 'std';
        continue;
      }
      if (next === 'T') {
        text = this.templateParameter();
        last = lastPart(text);
      } else {
        const part = this.unqualified(last);
        noResult = part.noResult;
        last = part.text;
        text = this.bounded(text === '' ? part.text : `${text}::${part.text}`);
      }
      if (this.peek() !== 'E') this.substitutions.push(text);
    }
    if (text === '') return this.fail();
    return { text, template, noResult, qualifiers };
  }

  private localName(): Name {
    const outer = this.encoding();
    if (!this.take('E')) return this.fail();
    if (this.take('s')) {
      this.discriminator();
      return { text: `${outer}::string literal`, template: false, noResult: true, qualifiers: '' };
    }
    if (this.take('d')) {
      if (this.peek() !== '_') this.decimal();
      if (!this.take('_')) this.fail();
    }
    const inner = this.name();
    this.discriminator();
    return { ...inner, text: this.bounded(`${outer}::${inner.text}`) };
  }

  private discriminator(): void {
    if (this.take('__')) {
      this.decimal();
      this.take('_');
    } else if (/^_\d/.test(this.text.slice(this.position, this.position + 2))) this.position += 2;
  }

  /** @param enclosing the name of the class, which constructors take */
  private unqualified(enclosing: string): { readonly text: string; readonly noResult: boolean } {
    this.take('L');
    const next = this.peek();
    let part: { text: string; noResult: boolean };
    if (/\d/.test(next)) part = { text: this.sourceName(), noResult: false };
    else if (next === 'C' && /^C[I]?[1-5]/.test(this.text.slice(this.position, this.position + 3))) {
      this.next();
      const inherited = this.take('I');
      this.next();
      if (inherited) this.type();
      part = { text: simple(enclosing), noResult: true };
    } else if (next === 'D' && /^D[0-5]/.test(this.text.slice(this.position, this.position + 2))) {
      this.position += 2;
      part = { text: `~${simple(enclosing)}`, noResult: true };
    } else if (this.take('Ut')) part = { text: `{unnamed type#${this.number() + 1}}`, noResult: false };
    else if (this.take('Ul')) {
      const params = this.parameters();
      if (!this.take('E')) this.fail();
      part = { text: `{lambda(${params})#${this.number() + 1}}`, noResult: false };
    } else part = this.operator();
    while (this.take('B')) part = { ...part, text: `${part.text}[abi:${this.sourceName()}]` };
    return part;
  }

  /** `_` is 0, `0_` is 1. */
  private number(): number {
    const value = this.peek() === '_' ? 0 : this.decimal() + 1;
    return this.take('_') ? value : this.fail();
  }

  private operator(): { readonly text: string; readonly noResult: boolean } {
    if (this.take('cv')) return { text: `operator ${this.typeText()}`, noResult: true };
    if (this.take('li')) return { text: `operator"" ${this.sourceName()}`, noResult: false };
    const text = OPERATORS[this.chars(2)];
    return text === undefined ? this.fail() : { text: `operator${text}`, noResult: false };
  }

  private sourceName(): string {
    const name = this.chars(this.decimal());
    return name.startsWith('_GLOBAL__N') ? '(anonymous namespace)' : name;
  }

  private templateArgs(): string {
    return this.nested(() => {
      if (!this.take('I')) return this.fail();
      const args: string[] = [];
      while (!this.take('E')) args.push(this.templateArg());
      this.templateArguments = args;
      return this.bounded(`<${args.filter((arg) => arg !== '').join(', ')}>`);
    });
  }

  private templateArg(): string {
    if (this.take('J')) {
      const pack: string[] = [];
      while (!this.take('E')) pack.push(this.templateArg());
      return this.bounded(pack.join(', '));
    }
    if (this.take('X')) return this.fail();
    if (this.take('L')) return this.literal();
    return this.typeText();
  }

  private literal(): string {
    if (this.take('_Z')) {
      const text = this.encoding();
      return this.take('E') ? `&${text}` : this.fail();
    }
    const type = this.typeText();
    let value = '';
    while (!this.take('E')) value += this.next();
    value = value.replace(/^n/, '-');
    if (type === 'bool') return value === '0' ? 'false' : 'true';
    return type === 'int' ? value : `(${type})${value}`;
  }

  private substitution(): string | Type {
    if (!this.take('S')) return this.fail();
    const short = ABBREVIATIONS[`S${this.peek()}`];
    if (short !== undefined) {
      this.next();
      return short;
    }
    const digits = /^[0-9A-Z]*_/.exec(this.text.slice(this.position, this.position + 8))?.[0] ?? this.fail();
    this.position += digits.length;
    const index = digits === '_' ? 0 : Number.parseInt(digits.slice(0, -1), 36) + 1;
    return this.substitutions[index] ?? this.fail();
  }

  private templateParameter(): string {
    if (!this.take('T')) return this.fail();
    return this.templateArguments[this.number()] ?? this.fail();
  }

  private typeText(): string {
    return this.bounded(joined(this.type(), ''));
  }

  private type(): Type {
    return this.nested(() => {
      const two = BUILTIN[this.text.slice(this.position, this.position + 2)];
      if (two !== undefined && this.peek() === 'D') {
        this.position += 2;
        return plain(two);
      }
      const builtin = BUILTIN[this.peek()];
      if (builtin !== undefined) {
        this.next();
        return plain(builtin);
      }
      return this.compoundType();
    });
  }

  private remember(type: Type): Type {
    this.bounded(joined(type, ''));
    this.substitutions.push(type);
    return type;
  }

  private compoundType(): Type {
    switch (this.peek()) {
      case 'r':
      case 'V':
      case 'K': {
        const qualifier = { r: 'restrict', V: 'volatile', K: 'const' }[this.next() as 'r' | 'V' | 'K'];
        const type = this.type();
        return this.remember({ ...type, before: `${type.before} ${qualifier}` });
      }
      case 'P':
      case 'R':
      case 'O': {
        const mark = { P: '*', R: '&', O: '&&' }[this.next() as 'P' | 'R' | 'O'];
        const type = this.type();
        // A reference to a reference, by way of a template's parameter, is one.
        if (mark !== '*' && type.before.endsWith('&'))
          return this.remember(mark === '&' ? { ...type, before: type.before.replace(/&+$/, '&') } : type);
        return this.remember(
          type.compound === true
            ? { before: `${type.before} (${mark}`, after: `)${type.after}` }
            : { before: type.before + mark, after: type.after },
        );
      }
      case 'F': {
        this.next();
        this.take('Y');
        const result = this.type();
        const params = this.parameters();
        if (!this.take('E')) return this.fail();
        return this.remember({ before: result.before, after: `(${params})${result.after}`, compound: true });
      }
      case 'A': {
        this.next();
        const length = this.peek() === '_' ? '' : String(this.decimal());
        if (!this.take('_')) return this.fail();
        const element = this.type();
        return this.remember({ before: element.before, after: `[${length}]${element.after}`, compound: true });
      }
      case 'M': {
        this.next();
        const owner = this.typeText();
        const member = this.type();
        return this.remember(
          member.compound === true
            ? { before: `${member.before} (${owner}::*`, after: `)${member.after}` }
            : { before: `${member.before} ${owner}::*`, after: member.after },
        );
      }
      case 'T': {
        const text = this.templateParameter();
        this.substitutions.push(text);
        return this.peek() === 'I' ? this.remember(plain(text + this.templateArgs())) : plain(text);
      }
      case 'D':
        if (this.take('Dp')) return this.type();
        return this.fail();
      case 'S': {
        if (this.text.charAt(this.position + 1) === 't') break;
        const found = this.substitution();
        const type = typeof found === 'string' ? plain(found) : found;
        return this.peek() === 'I' ? this.remember(plain(joined(type, '') + this.templateArgs())) : type;
      }
    }
    // A template parameter of what the type is used in means another one inside of the type.
    const outer = this.templateArguments;
    const { text } = this.name();
    this.templateArguments = outer;
    return this.remember(plain(text));
  }
}

const plain = (text: string): Type => ({ before: text, after: '' });
const joined = ({ before, after }: Type, name: string): string => `${before}${name}${after}`;
const asText = (found: string | Type): string => (typeof found === 'string' ? found : joined(found, ''));

/** A class without its template arguments and ABI tags. */
const simple = (name: string): string => name.replace(/[<[][\s\S]*/, '');

/** `basic_string` of `std::basic_string<char>`. */
function lastPart(text: string): string {
  const name = text.replace(/<[\s\S]*/, '');
  return name === 'std::string' ? 'basic_string' : name.slice(name.lastIndexOf(':') + 1);
}
