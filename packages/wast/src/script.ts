/**
 * The directives of a `.wast` script, as plain data that can be sent to a worker.
 * https://github.com/WebAssembly/spec/blob/main/interpreter/README.md#scripts
 */
import { WastError } from './errors.ts';
import { Lines, type List, readSexprs, type Sexpr, textOf } from './sexpr.ts';
import { readValue, type Value } from './values.ts';

/** A component or core module as the script holds it. */
export interface Source {
  readonly sort: 'component' | 'module';
  /** `binary`: `bytes` is the module. `text`: `text` is to be assembled. `quote`: as `text`, and errors in it are the assembler's. */
  readonly form: 'text' | 'binary' | 'quote';
  readonly id: string | undefined;
  readonly text?: string;
  readonly bytes?: Uint8Array;
  /** Set by the assembler when it refuses `text`. */
  readonly refused?: string;
}

export interface Invoke {
  readonly kind: 'invoke';
  readonly instance: string | undefined;
  readonly name: string;
  readonly args: readonly Value[];
}
export interface Get {
  readonly kind: 'get';
  readonly instance: string | undefined;
  readonly name: string;
}
export type Action = Invoke | Get;

/** What a script asks for, without its place. */
export type Command =
  | { readonly type: 'component' | 'module' | 'component definition' | 'module definition'; readonly source: Source }
  | {
      readonly type: 'component instance' | 'module instance';
      readonly instance: string | undefined;
      readonly definition: string | undefined;
    }
  | { readonly type: 'register'; readonly name: string; readonly instance: string | undefined }
  | { readonly type: 'invoke' | 'get'; readonly action: Action }
  | { readonly type: 'assert_return'; readonly action: Action; readonly results: readonly Value[] }
  | { readonly type: 'assert_trap' | 'assert_exhaustion'; readonly action: Action; readonly text: string }
  | { readonly type: 'assert_trap'; readonly source: Source; readonly text: string }
  | { readonly type: 'assert_invalid' | 'assert_malformed' | 'assert_unlinkable'; readonly source: Source; readonly text: string }
  /** A directive that cannot be read. */
  | { readonly type: 'unreadable'; readonly keyword: string; readonly message: string };

export type Directive = Command & { readonly line: number };

/**
 * Reads a script. A directive that cannot be read becomes `unreadable`, so that the others still run.
 * @param file name for messages.
 * @throws WastError TENON_WAST_SYNTAX when the source is not made of s-expressions.
 */
export function readScript(source: string, file: string): readonly Directive[] {
  const lines = new Lines(source);
  return readSexprs(source, file).map((node) => {
    const { line, column } = lines.position(node.start);
    const keyword = node.kind === 'list' ? keywordOf(node) : '';
    try {
      return { line, ...readCommand(node, keyword, source) };
    } catch (error) {
      if (!(error instanceof WastError)) throw error;
      return { line, type: 'unreadable', keyword, message: `${file}:${line}:${column}: ${error.message}` };
    }
  });
}

/** The name that reports use for a directive. */
export function directiveType(directive: Directive): string {
  return directive.type === 'unreadable' ? directive.keyword || 'unreadable' : directive.type;
}

function readCommand(node: Sexpr, keyword: string, source: string): Command {
  if (node.kind !== 'list') throw bad('expected a directive in parentheses');
  const operands = new Operands(node);
  switch (keyword) {
    case 'component':
    case 'module': {
      if (operands.word('definition')) return { type: `${keyword} definition`, source: readSource(node, source) };
      if (operands.word('instance')) {
        const instance = operands.id();
        const definition = operands.id();
        operands.end();
        return { type: `${keyword} instance`, instance, definition };
      }
      return { type: keyword, source: readSource(node, source) };
    }
    case 'register': {
      const name = operands.string();
      const instance = operands.id();
      operands.end();
      return { type: 'register', name, instance };
    }
    case 'invoke':
    case 'get':
      return { type: keyword, action: readAction(node) };
    case 'assert_return': {
      const action = readAction(operands.expression());
      return { type: 'assert_return', action, results: operands.rest().map(readValue) };
    }
    case 'assert_exhaustion':
    case 'assert_trap': {
      const subject = operands.expression();
      const text = operands.string();
      operands.end();
      if (keyword === 'assert_trap' && isSource(subject)) return { type: keyword, source: readSource(subject, source), text };
      return { type: keyword, action: readAction(subject), text };
    }
    case 'assert_invalid':
    case 'assert_malformed':
    case 'assert_unlinkable': {
      const subject = operands.expression();
      if (!isSource(subject)) throw bad(`\`${keyword}\` takes a component or module`);
      const text = operands.string();
      operands.end();
      return { type: keyword, source: readSource(subject, source), text };
    }
    default:
      throw bad(`unknown directive \`${keyword}\``);
  }
}

function readAction(node: List): Action {
  const kind = keywordOf(node);
  const operands = new Operands(node);
  if (kind !== 'invoke' && kind !== 'get') throw bad(`expected \`(invoke …)\`, got \`(${kind} …)\``);
  const instance = operands.id();
  const name = operands.string();
  if (kind === 'invoke') return { kind, instance, name, args: operands.rest().map(readValue) };
  operands.end();
  return { kind, instance, name };
}

function isSource(node: List): boolean {
  const keyword = keywordOf(node);
  return keyword === 'component' || keyword === 'module';
}

function readSource(node: List, source: string): Source {
  const sort = keywordOf(node) === 'module' ? 'module' : 'component';
  const operands = new Operands(node);
  // The assembler does not know the word `definition`: spaces in its place keep its columns right.
  const definition = operands.word('definition');
  const id = operands.id();
  if (operands.word('binary')) return { sort, form: 'binary', id, bytes: operands.bytes() };
  if (operands.word('quote')) {
    const quoted = new TextDecoder('utf-8', { fatal: false }).decode(operands.bytes(' '));
    return { sort, form: 'quote', id, text: sort === 'component' ? `(component ${quoted})` : quoted };
  }
  const whole = source.slice(node.start, node.end);
  if (!definition) return { sort, form: 'text', id, text: whole };
  const from = definition.start - node.start;
  const to = definition.end - node.start;
  return { sort, form: 'text', id, text: `${whole.slice(0, from)}${' '.repeat(to - from)}${whole.slice(to)}` };
}

function keywordOf(list: List): string {
  const [head] = list.items;
  return head?.kind === 'atom' ? head.text : '';
}

/** Reads the operands behind a list's keyword, one after the other. */
class Operands {
  private readonly list: List;
  private at = 1;

  constructor(list: List) {
    this.list = list;
  }

  word(text: string): Sexpr | undefined {
    const node = this.list.items[this.at];
    if (node?.kind !== 'atom' || node.text !== text) return undefined;
    this.at++;
    return node;
  }

  /** An identifier without its `$`. */
  id(): string | undefined {
    const node = this.list.items[this.at];
    if (node?.kind !== 'atom' || !node.text.startsWith('$')) return undefined;
    this.at++;
    return node.text.slice(1);
  }

  string(): string {
    const node = this.list.items[this.at++];
    if (node?.kind !== 'string') throw bad(`\`${keywordOf(this.list)}\` needs a string here`);
    return textOf(node);
  }

  expression(): List {
    const node = this.list.items[this.at++];
    if (node?.kind !== 'list') throw bad(`\`${keywordOf(this.list)}\` needs an expression in parentheses here`);
    return node;
  }

  rest(): readonly Sexpr[] {
    const rest = this.list.items.slice(this.at);
    this.at = this.list.items.length;
    return rest;
  }

  /** The bytes of all strings that are left. */
  bytes(separator = ''): Uint8Array {
    const parts = this.rest().flatMap((node) => {
      if (node.kind !== 'string') throw bad('expected strings');
      return [node.bytes, new TextEncoder().encode(separator)];
    });
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  end(): void {
    if (this.at < this.list.items.length) throw bad(`\`${keywordOf(this.list)}\` has an operand too many`);
  }
}

const bad = (message: string): WastError => new WastError('TENON_WAST_SYNTAX', message);
