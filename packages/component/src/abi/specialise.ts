/**
 * Calls of scalars, and of scalars and strings from the host, where the call itself is what costs: a few nanoseconds, and nothing is
 * allocated but the strings.
 * Their code is generated for each signature, since V8 then sees each in isolation: it inlines the check of each value and the way
 * into or out of wasm. (A closure that all signatures share costs twice as much.) Nothing in the text comes from a component but
 * the choice among the expressions below. Where code generation is forbidden, callers take the general path.
 * Generated code is kept for the next component with the same signature: to generate it takes longer than all else about a binding.
 */
import type { Trap } from '../errors.ts';
import type { Account } from '../instance/account.ts';
import { MAY_ENTER, MAY_LEAVE } from '../instance/flags.ts';
import type { FuncType, ValType } from '../types/types.ts';
import type { Context } from './context.ts';
import type { Binding, CoreFunction, HostFunction } from './contract.ts';
import type { Entry } from './entry.ts';
import { BOOL, CHAR, F32, F64, NONE, S8, S16, S32, S64, scalarCode, U8, U16, U32, U64 } from './scalars.ts';

interface Expressions {
  /** Whether a JavaScript value is one of the type. */
  readonly fits: (v: string) => string;
  /** Core values, separated by commas. */
  readonly toCore: (v: string) => string;
  readonly fromCore: (v: string) => string;
  /** Comes before all `toCore`: it runs `realloc` of the guest. */
  readonly store?: (v: string) => string;
}

/** The code of a string, which is no scalar. */
const STRING = CHAR + 1;

const same = (v: string): string => v;
const number = (convert: (v: string) => string): Expressions => ({
  // What is no number may throw in the operators, or run code of its own.
  fits: (v) => `typeof ${v} === 'number' && ${convert(v)} === ${v}`,
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
  [
    STRING,
    {
      fits: (v) => `typeof ${v} === 'string'`,
      store: (v) => `var ${v}p = storeString(cx, ${v}), ${v}n = cx.units;`,
      toCore: (v) => `${v}p, ${v}n`,
      fromCore: (v) => `loadResult(cx, ${v})`,
    },
  ],
]);

/** Longer signatures are rare, and the array of the general path no longer matters to them. */
const MAX_ARITY = 8;

/** The codes of the parameters and of the result; undefined when the signature is not of scalars (and strings) only. */
function codesOf(type: FuncType, strings: boolean): readonly number[] | undefined {
  if (type.params.length > MAX_ARITY) return undefined;
  const codeOf = (t: ValType | undefined): number => (strings && t?.kind === 'string' ? STRING : (scalarCode(t) ?? CHAR));
  const codes: number[] = [];
  for (const param of type.params) codes.push(codeOf(param.type));
  codes.push(codeOf(type.result));
  return codes.includes(CHAR) ? undefined : codes;
}

interface Signature {
  /** `a0, a1` */
  readonly names: string;
  readonly params: readonly Expressions[];
  readonly result: Expressions;
  readonly resultCode: number;
}

function signatureOf(codes: readonly number[]): Signature {
  const expressions = codes.map((code) => EXPRESSIONS.get(code) as Expressions);
  const params = expressions.slice(0, -1);
  return {
    names: params.map((_, i) => `a${i}`).join(', '),
    params,
    result: expressions.at(-1) as Expressions,
    resultCode: codes.at(-1) as number,
  };
}

/** Far more signatures than programs have, and few enough that hostile components cannot fill the memory with them. */
const MAX_KEPT = 1000;

/** What was generated, each kind of code by the codes of its signature. */
type Kept<Factory> = Map<string, Factory>;

/**
 * @param kind of code, which with the codes makes it out
 * @param shared what all code of this kind uses
 * @param names its properties, which are variables in the text
 * @param text what follows `return`: a function that binds and returns the function to be called
 */
function generate<Shared extends object, Factory>(
  kept: Kept<Factory>,
  kind: string,
  codes: readonly number[],
  shared: Shared,
  names: readonly (keyof Shared & string)[],
  text: (signature: Signature) => string,
): Factory | undefined {
  const key = kind + codes.join();
  let factory = kept.get(key);
  if (factory !== undefined) return factory;
  try {
    factory = new Function('shared', `'use strict'; const { ${names.join(', ')} } = shared; return ${text(signatureOf(codes))};`)(
      shared,
    ) as Factory;
  } catch (error) {
    // A content security policy, or --disallow-code-generation-from-strings.
    if (error instanceof EvalError) return undefined;
    throw error;
  }
  if (kept.size < MAX_KEPT) kept.set(key, factory);
  return factory;
}

/** Defers work to its first use: many functions of a component are never bound in this way or that. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

type Bound = (...args: unknown[]) => unknown;

/** What the code of lifted functions uses. */
export interface LiftHelpers {
  readonly flags: { readonly words: Int32Array };
  readonly enter: (entry: Entry) => void;
  readonly leave: (entry: Entry) => void;
  /** The error for an instance that cannot be entered. */
  readonly refused: (binding: Binding) => unknown;
  /** The error for arguments of which one does not fit. */
  readonly misfit: (type: FuncType, binding: Binding, args: readonly unknown[]) => unknown;
  /** The error for what the core function threw. */
  readonly failed: (error: unknown, binding: Binding) => unknown;
  /** The error for what was thrown before the core function ran. */
  readonly failedStoring: (error: unknown, binding: Binding, type: FuncType, args: readonly unknown[]) => unknown;
  /** The error for a core function that returned after its store was poisoned. */
  readonly swallowed: (trap: Trap) => unknown;
  /** Returns the address, and leaves the length in `cx.units`. */
  readonly storeString: (cx: Context, text: string) => number;
  /** Loads a string that is the result, from where the core function says. */
  readonly loadResult: (cx: Context, core: number) => string;
}

/**
 * @param core a core function of the signature
 * @param entry undefined where the instance is alone
 * @param cx undefined where there are no strings
 */
export type LiftFactory = (
  core: CoreFunction,
  binding: Binding,
  entry: Entry | undefined,
  type: FuncType,
  cx: Context | undefined,
  postReturn: CoreFunction | undefined,
) => Bound;

export interface SpecialisedLift {
  readonly alone: boolean;
  readonly posts: boolean;
  /** Whether there are strings. */
  readonly strings: boolean;
  /** Undefined when the signature is not of scalars and strings only. */
  readonly factory: LiftFactory | undefined;
}

const lifts: Kept<LiftFactory> = new Map();

/**
 * Host → component.
 * @param alone whether the instance has no parent and no task-local storage: then entering it is one word, and done in place
 * @param posts whether there is a post-return function
 */
export function specialisedLift(type: FuncType, alone: boolean, posts: boolean, helpers: LiftHelpers): SpecialisedLift {
  const codes = codesOf(type, true);
  if (codes === undefined) return { alone, posts, strings: false, factory: undefined };
  const kind = `${alone ? 'alone ' : ''}${posts ? 'posts ' : ''}`;
  const factory = generate(lifts, kind, codes, helpers, LIFT_NAMES, ({ names, params, result, resultCode }) => {
    const fits = params.map((param, i) => param.fits(`a${i}`)).join(' && ');
    const stores = params.map((param, i) => param.store?.(`a${i}`) ?? '').join('');
    const args = params.map((param, i) => param.toCore(`a${i}`)).join(', ');
    const checkTrap = 'if (store.trap !== undefined) throw swallowed(store.trap);';
    const post = `flags.words[word] &= ~${MAY_LEAVE}; postReturn(${resultCode === NONE ? '' : 'r'}); ${checkTrap} flags.words[word] |= ${MAY_LEAVE};`;
    return `(core, binding, entry, type, cx, postReturn) => { const { store, flagsWord: word } = binding.instance; return (${names}) => {
      ${fits === '' ? '' : `if (!(${fits})) throw misfit(type, binding, [${names}]);`}
      ${alone ? `const { words } = flags; if ((words[word] & ${MAY_ENTER}) === 0) throw refused(binding); words[word] &= ~${MAY_ENTER};` : 'enter(entry);'}
      ${stores === '' ? '' : `try { ${stores} } catch (error) { throw failedStoring(error, binding, type, [${names}]); }`}
      let value;
      try {
        const r = core(${args});
        ${checkTrap}
        value = ${result.fromCore('r')};
        ${posts ? post : ''}
      } catch (error) { throw failed(error, binding); }
      ${alone ? `flags.words[word] = ${MAY_ENTER | MAY_LEAVE};` : 'leave(entry);'}
      return value;
    }; }`;
  });
  return { alone, posts, strings: codes.includes(STRING), factory };
}

const LIFT_NAMES = [
  'flags', 'enter', 'leave', 'refused', 'misfit', 'failed', 'failedStoring', 'swallowed', 'storeString', 'loadResult',
] as const; // biome-ignore format: one list

/** What the code of lowered functions uses. */
export interface LowerHelpers {
  readonly callFrom: (account: Account | undefined, signal: AbortSignal | undefined) => void;
  readonly flags: { readonly words: Int32Array };
  readonly isThenable: (value: unknown) => boolean;
  /** The error for a call that MAY_LEAVE forbids. */
  readonly refused: (binding: Binding) => unknown;
  /** The error for what the host function threw. */
  readonly threw: (error: unknown, binding: Binding) => unknown;
  /** Throws the error for a result that does not fit. */
  readonly misfit: (code: number, result: unknown, binding: Binding) => unknown;
  /** The core result of a Promise. Only a function that suspends waits for one. */
  readonly settle: (code: number, result: PromiseLike<unknown>, binding: Binding) => unknown;
}

/** @param word index of the flags word of the instance */
export type LowerFactory = (host: HostFunction, binding: Binding, word: number) => Bound;

const lowers: Kept<LowerFactory> = new Map();

/** Component → host; undefined when the signature is not of scalars only. */
export function specialisedLower(type: FuncType, suspends: boolean, helpers: LowerHelpers): LowerFactory | undefined {
  const codes = codesOf(type, false);
  if (codes === undefined) return undefined;
  return generate(
    lowers,
    suspends ? 'suspends ' : '',
    codes,
    helpers,
    ['flags', 'isThenable', 'refused', 'threw', 'misfit', 'settle', 'callFrom'],
    (signature) => {
      const { names, params, result, resultCode } = signature;
      const args = params.map((param, i) => param.fromCore(`a${i}`)).join(', ');
      return `(host, binding, word) => (${names}) => {
      if ((flags.words[word] & ${MAY_LEAVE}) === 0) throw refused(binding);
      ${suspends ? 'callFrom(binding.instance.store.account, binding.instance.store.signal);' : ''}
      let r;
      try { r = host(${args}); } catch (error) { throw threw(error, binding); }
      ${suspends ? `if (isThenable(r)) return settle(${resultCode}, r, binding);` : ''}
      if (!(${result.fits('r')})) throw misfit(${resultCode}, r, binding);
      return ${result.toCore('r')};
    }`;
    },
  );
}
