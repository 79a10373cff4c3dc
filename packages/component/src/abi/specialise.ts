/**
 * Calls of scalars only, where the call itself is what costs: a few nanoseconds, and nothing is allocated.
 * Their code is generated for each signature, since V8 then sees each in isolation: it inlines the check of each value and the way
 * into or out of wasm. (A closure that all signatures share costs twice as much.) Nothing in the text comes from a component but
 * the choice among the expressions below. Where code generation is forbidden, callers take the general path.
 */
import { MAY_ENTER, MAY_LEAVE } from '../instance/flags.ts';
import type { FuncType } from '../types/types.ts';
import { BOOL, CHAR, F32, F64, NONE, S8, S16, S32, S64, scalarCode, U8, U16, U32, U64 } from './scalars.ts';

interface Expressions {
  /** Whether a JavaScript value is one of the type. */
  readonly fits: (v: string) => string;
  readonly toCore: (v: string) => string;
  readonly fromCore: (v: string) => string;
}

const same = (v: string): string => v;
const number = (convert: (v: string) => string): Expressions => ({
  fits: (v) => `${convert(v)} === ${v}`,
  toCore: same,
  fromCore: convert,
});
const float: Expressions = { fits: (v) => `typeof ${v} === 'number'`, toCore: same, fromCore: same };
const wide = (wrap: string, fromCore: (v: string) => string): Expressions => ({
  fits: (v) => `typeof ${v} === 'bigint' && BigInt.${wrap}(64, ${v}) === ${v}`,
  toCore: same,
  fromCore,
});

// `char` is missing: it is no core value in JavaScript, and lifting it can trap.
const EXPRESSIONS: ReadonlyMap<number, Expressions> = new Map([
  [NONE, { fits: (v) => `(${v} === undefined || !isThenable(${v}))`, toCore: () => 'undefined', fromCore: () => 'undefined' }],
  [BOOL, { fits: (v) => `typeof ${v} === 'boolean'`, toCore: (v) => `${v} ? 1 : 0`, fromCore: (v) => `${v} !== 0` }],
  [S8, number((v) => `((${v} << 24) >> 24)`)],
  [U8, number((v) => `(${v} & 0xff)`)],
  [S16, number((v) => `((${v} << 16) >> 16)`)],
  [U16, number((v) => `(${v} & 0xffff)`)],
  [S32, number((v) => `(${v} | 0)`)],
  [U32, number((v) => `(${v} >>> 0)`)],
  [S64, wide('asIntN', same)],
  [U64, wide('asUintN', (v) => `BigInt.asUintN(64, ${v})`)],
  [F32, float],
  [F64, float],
]);

/** Longer signatures are rare, and the array of the general path no longer matters to them. */
const MAX_ARITY = 8;

interface ScalarSignature {
  readonly params: readonly Expressions[];
  readonly result: Expressions;
}

function signatureOf(type: FuncType): ScalarSignature | undefined {
  if (type.params.length > MAX_ARITY) return undefined;
  const params: Expressions[] = [];
  for (const param of type.params) {
    const expressions = EXPRESSIONS.get(scalarCode(param.type) ?? CHAR);
    if (expressions === undefined) return undefined;
    params.push(expressions);
  }
  const result = EXPRESSIONS.get(scalarCode(type.result) ?? CHAR);
  return result && { params, result };
}

type Factory<Environment> = (environment: Environment) => (...args: unknown[]) => unknown;

/** A function body in which the properties of the environment are variables. */
function generate<Environment>(names: readonly (keyof Environment & string)[], body: string): Factory<Environment> | undefined {
  try {
    return new Function(
      'environment',
      `'use strict'; const { ${names.join(', ')} } = environment; return ${body};`,
    ) as Factory<Environment>;
  } catch (error) {
    // A content security policy, or --disallow-code-generation-from-strings.
    if (error instanceof EvalError) return undefined;
    throw error;
  }
}

/** Defers work to its first use: many functions of a component are never bound in this way or that. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** What the code of a lifted function uses. */
export interface LiftEnvironment<Entry> {
  // biome-ignore lint/complexity/noBannedTypes: a core function of the signature
  readonly core: Function;
  readonly entry: Entry;
  readonly store: { readonly trap: unknown };
  readonly flags: { readonly words: Int32Array };
  /** Index of the flags word of the instance. */
  readonly word: number;
  readonly enter: (entry: Entry) => void;
  readonly leave: (entry: Entry) => void;
  /** The error for arguments of which one does not fit. */
  readonly misfit: (args: readonly unknown[]) => unknown;
  readonly failed: (error: unknown) => unknown;
  /** The error for a core function that returned after its store was poisoned. */
  readonly swallowed: () => unknown;
}

/**
 * Host → component; undefined when the signature is not of scalars only.
 * @param alone whether the instance has no parent and no task-local storage: then entering it is one word, and done in place
 */
export function specialisedLift<Entry>(type: FuncType, alone: boolean): Factory<LiftEnvironment<Entry>> | undefined {
  const signature = signatureOf(type);
  if (signature === undefined) return undefined;
  const names = signature.params.map((_, i) => `a${i}`);
  const fits = signature.params.map((param, i) => param.fits(`a${i}`)).join(' && ');
  const args = signature.params.map((param, i) => param.toCore(`a${i}`)).join(', ');
  return generate(
    ['core', 'entry', 'store', 'flags', 'word', 'enter', 'leave', 'misfit', 'failed', 'swallowed'],
    `(${names.join(', ')}) => {
      ${fits === '' ? '' : `if (!(${fits})) throw misfit([${names.join(', ')}]);`}
      ${alone ? `const { words } = flags; if ((words[word] & ${MAY_ENTER}) === 0) enter(entry); words[word] &= ~${MAY_ENTER};` : 'enter(entry);'}
      let r;
      try { r = core(${args}); } catch (error) { throw failed(error); }
      if (store.trap !== undefined) throw swallowed();
      ${alone ? `flags.words[word] = ${MAY_ENTER | MAY_LEAVE};` : 'leave(entry);'}
      return ${signature.result.fromCore('r')};
    }`,
  );
}

/** What the code of a lowered function uses. */
export interface LowerEnvironment {
  // biome-ignore lint/complexity/noBannedTypes: a host function of the signature
  readonly host: Function;
  readonly flags: { readonly words: Int32Array };
  /** Index of the flags word of the instance. */
  readonly word: number;
  readonly isThenable: (value: unknown) => boolean;
  /** The error for a call that MAY_LEAVE forbids. */
  readonly refused: () => unknown;
  /** The error for what the host function threw. */
  readonly threw: (error: unknown) => unknown;
  /** The error for a result that does not fit. */
  readonly misfit: (result: unknown) => unknown;
  /** The core result of a Promise. Only a function that suspends waits for one. */
  readonly settle: (result: PromiseLike<unknown>) => unknown;
}

/** Component → host; undefined when the signature is not of scalars only. */
export function specialisedLower(type: FuncType, suspends: boolean): Factory<LowerEnvironment> | undefined {
  const signature = signatureOf(type);
  if (signature === undefined) return undefined;
  const names = signature.params.map((_, i) => `a${i}`);
  const args = signature.params.map((param, i) => param.fromCore(`a${i}`)).join(', ');
  return generate(
    ['host', 'flags', 'word', 'isThenable', 'refused', 'threw', 'misfit', 'settle'],
    `(${names.join(', ')}) => {
      if ((flags.words[word] & ${MAY_LEAVE}) === 0) throw refused();
      let r;
      try { r = host(${args}); } catch (error) { throw threw(error); }
      ${suspends ? 'if (isThenable(r)) return settle(r);' : ''}
      if (!(${signature.result.fits('r')})) throw misfit(r);
      return ${signature.result.toCore('r')};
    }`,
  );
}
