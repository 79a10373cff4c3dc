/** `add(1, 2)` or `ns:pkg/iface.func(…)`: a call of an export, written in WAVE. */
import {
  ComponentError,
  type ExternDescription,
  type FuncType,
  type Message,
  maybeUndefined,
  shortened,
  type ValType,
} from '@tenon/component';
import { ToolkitError } from '../errors.ts';
import { nearest, parseInterfaceName, withoutVersion } from '../names.ts';
import { typeText } from '../wit/type-text.ts';
import { parseSpan } from './parse.ts';
import { type PendingValue, printValue } from './print.ts';
import { briefly, caret, Scanner, splitItems } from './scanner.ts';

/** A function that a component exports, by itself or within an interface. */
export interface ExportedFunction {
  /** The exported interface; undefined for a function of the world itself. */
  readonly interface: string | undefined;
  readonly name: string;
  readonly type: FuncType;
}

/** A call as written. */
export interface Invocation {
  readonly text: string;
  /** The function's name as written. */
  readonly name: string;
  /** The span of each argument in `text`. */
  readonly arguments: readonly { readonly start: number; readonly end: number }[];
}

/** All functions that can be called by name, in the order of the exports. */
export function exportedFunctions(exports: readonly ExternDescription[]): ExportedFunction[] {
  return exports.flatMap(({ name, type }): ExportedFunction[] => {
    if (type.kind === 'func') return [{ interface: undefined, name, type: type.type }];
    if (type.kind !== 'instance') return [];
    return [...type.type.exports].flatMap(([func, item]) =>
      item.kind === 'func' ? [{ interface: name, name: func, type: item.type }] : [],
    );
  });
}

/** The full name of a function, as `--invoke` takes it. */
export function functionPath(func: ExportedFunction): string {
  return func.interface === undefined ? func.name : `${func.interface}.${func.name}`;
}

/**
 * Reads `name(arguments)` without knowing the function yet.
 * @throws ToolkitError TENON_INVOKE_SYNTAX
 */
export function parseInvoke(text: string): Invocation {
  const open = text.indexOf('(');
  const name = (open < 0 ? text : text.slice(0, open)).trim();
  const close = text.trimEnd().length - 1;
  const example = name === '' ? "'add(1, 2)'" : `'${shortened(name, 100)}(…)'`;
  if (open < 0 || name === '')
    throw new ToolkitError('TENON_INVOKE_SYNTAX', `write the call with its arguments in parentheses: ${example}`);
  if (text[close] !== ')') {
    throw new ToolkitError('TENON_INVOKE_SYNTAX', [
      briefly(`the call does not end with \`)\`: write ${example}`),
      ...caret(text, text.length),
    ]);
  }
  return { text, name, arguments: splitItems(text, open + 1, close) };
}

/** How a function may be named, the most exact first. */
const SPELLINGS: readonly ((func: ExportedFunction) => string)[] = [
  functionPath,
  (func) => (func.interface === undefined ? func.name : `${withoutVersion(func.interface)}.${func.name}`),
  (func) => (func.interface === undefined ? func.name : `${parseInterfaceName(func.interface)?.interface ?? func.interface}.${func.name}`),
  (func) => func.name,
];

/**
 * Finds the function that a name means: its full path, the path without the version, the interface's short name, or only the
 * function's name where that is unique.
 * @throws ToolkitError TENON_INVOKE_UNKNOWN, naming the nearest function or all that the name could mean.
 */
export function findFunction(exports: readonly ExternDescription[], name: string): ExportedFunction {
  const functions = exportedFunctions(exports);
  const wanted = name.replace('#', '.');
  for (const spelling of SPELLINGS) {
    const found = functions.filter((func) => spelling(func) === wanted);
    const [only] = found;
    if (only !== undefined && found.length === 1) return only;
    if (found.length > 1) {
      const list = found.map((func) => `  ${functionPath(func)}`);
      throw new ToolkitError('TENON_INVOKE_UNKNOWN', [`\`${name}\` could mean any of these; write the full name:`, ...list]);
    }
  }
  throw new ToolkitError('TENON_INVOKE_UNKNOWN', unknownMessage(name, functions));
}

function unknownMessage(given: string, functions: readonly ExportedFunction[]): Message {
  const name = shortened(given, 100);
  if (functions.length === 0) return `there is no function \`${name}\`: the component exports no functions`;
  const spelt = new Map(functions.flatMap((func) => SPELLINGS.map((spelling) => [spelling(func), func] as const)));
  const near = spelt.get(nearest(name, spelt.keys()) ?? '');
  if (near !== undefined) return `the component exports no function \`${name}\`; the nearest is \`${functionPath(near)}\``;
  const list = functions.slice(0, 20).map((func) => `  ${signature(func)}`);
  if (functions.length > 20) list.push(`  … and ${functions.length - 20} more`);
  return [`the component exports no function \`${name}\`; it has`, ...list];
}

/** `example:calculator/math.add: func(a: s32, b: s32) -> s32`. */
export function signature(func: ExportedFunction): string {
  const params = func.type.params.map((param) => `${param.name}: ${typeText(param.type)}`).join(', ');
  const result = func.type.result === undefined ? '' : ` -> ${typeText(func.type.result)}`;
  return `${functionPath(func)}: func(${params})${result}`;
}

/**
 * Parses the arguments of a call against the function's parameters. Trailing `option` parameters may be left out.
 * @returns the values in Tenon's JavaScript mapping.
 * @throws ToolkitError TENON_INVOKE_ARGUMENTS for a wrong number, TENON_WAVE with the argument's number, name, type and place.
 */
export function parseArguments(call: Invocation, func: ExportedFunction): unknown[] {
  const { params } = func.type;
  let required = params.length;
  while (required > 0 && params[required - 1]?.type.kind === 'option') required--;
  const count = call.arguments.length;
  if (count < required || count > params.length) {
    const at = count > params.length ? skipSpace(call.text, call.arguments[params.length]?.start ?? 0) : call.text.lastIndexOf(')');
    const takes = required === params.length ? `${required}` : `${required} to ${params.length}`;
    throw new ToolkitError('TENON_INVOKE_ARGUMENTS', [
      `\`${func.name}\` takes ${takes} argument${params.length === 1 ? '' : 's'}, ${count} given: ${signature(func)}`,
      ...caret(call.text, at),
    ]);
  }
  return params.map((param, index) => {
    const span = call.arguments[index];
    if (span === undefined) return param.type.kind === 'option' && maybeUndefined(param.type.type) ? { tag: 'none' } : undefined;
    try {
      return parseSpan(new Scanner(call.text, span.start, span.end), param.type);
    } catch (error) {
      if (!(error instanceof ToolkitError)) throw error;
      const [what = '', ...rest] = error.message.split('\n');
      const type = shortened(typeText(param.type), 100);
      throw new ToolkitError(error.code, [`argument ${index + 1} \`${param.name}: ${type}\`: ${what}`, ...rest], error);
    }
  });
}

function skipSpace(text: string, position: number): number {
  return position + (/^\s*/.exec(text.slice(position))?.[0].length ?? 0);
}

/** What became of a call: whether the function returned, or returned the error case of its `result`. */
export interface InvokeOutcome {
  /** The result in WAVE; empty when the function returns nothing, or a stream or future. */
  readonly text: string;
  readonly failed: boolean;
  /**
   * What the streams and futures in the result yield, one after the other, as it comes: elements and values in WAVE, and a `stream<u8>`
   * as its bytes.
   */
  readonly rest: AsyncIterable<string | Uint8Array>;
}

/**
 * Makes a call and prints its result in WAVE. A function's `result` prints as `ok(…)` or `err(…)`.
 * @param target the JavaScript function of the export.
 * @throws whatever the call throws, other than the error case of the function's `result`.
 */
export async function invoke(target: (...args: unknown[]) => unknown, type: FuncType, args: readonly unknown[]): Promise<InvokeOutcome> {
  const { result } = type;
  try {
    const value = await target(...args);
    if (result === undefined) return { text: '', failed: false, rest: values([]) };
    // A promise whose value is a promise has that one's value: a future is there already.
    if (result.kind === 'future') return outcome(value, result.element, false);
    return outcome(result.kind === 'result' ? { tag: 'ok', val: value } : value, result, false);
  } catch (error) {
    if (!(error instanceof ComponentError) || error.code !== 'TENON_RESULT' || result?.kind !== 'result') throw error;
    return outcome({ tag: 'err', val: error.payload }, result, true);
  }
}

function outcome(value: unknown, type: ValType | undefined, failed: boolean): InvokeOutcome {
  const pending: PendingValue[] = [];
  const text = type === undefined ? '' : printValue(value, type, pending);
  return { text: type?.kind === 'stream' ? '' : text, failed, rest: values(pending) };
}

async function* values(pending: readonly PendingValue[]): AsyncGenerator<string | Uint8Array> {
  for (const { type, value } of pending) {
    const { element } = type;
    if (type.kind === 'stream') {
      for await (const item of value as AsyncIterable<unknown>) {
        if (element?.kind === 'u8') yield item as Uint8Array;
        else yield* printed(item, element);
      }
    } else yield* printed(await value, element);
  }
}

async function* printed(value: unknown, type: ValType | undefined): AsyncGenerator<string | Uint8Array> {
  const inner: PendingValue[] = [];
  yield `${type === undefined ? '()' : printValue(value, type, inner)}\n`;
  yield* values(inner);
}
