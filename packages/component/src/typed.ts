/** How the types that `tenon types` generates become those of linkers, components and instances. */

/** The types of a component: `interface Plugin` of what `tenon types` generates. */
export interface WorldTypes {
  /** What it needs: a definition for each name of an import. */
  readonly imports: object;
  /** What an instance of it has. */
  readonly exports: object;
}

export type UntypedImports = Record<string, unknown>;

export type UntypedExports = Readonly<Record<string, unknown>>;

/** A component of which no types were given. */
export interface UntypedWorld {
  readonly imports: UntypedImports;
  readonly exports: UntypedExports;
}

// Only with `never` for parameters do all functions and classes match.
type AnyFunction = (...args: never[]) => unknown;
type AnyClass = abstract new (...args: never[]) => unknown;

/** A function that may return a Promise of what it returns. */
type MayWait<F> = F extends (...args: infer A) => infer R ? (...args: A) => R | PromiseLike<R> : F;

type Names = true | readonly string[];
type Named<Name, W extends Names> = W extends readonly string[] ? (Name extends W[number] ? true : false) : true;

/** The members of a class or its objects, of which some may return Promises. */
type WaitingMembers<T, Class, W extends Names> = {
  [K in keyof T]: T[K] extends AnyFunction ? (Named<`${Class & string}.${K & string}`, W> extends true ? MayWait<T[K]> : T[K]) : T[K];
};

type WaitingClass<T, Class, W extends Names> = T extends abstract new (
  ...args: infer A
) => infer O
  ? (new (...args: A) => WaitingMembers<O, Class, W>) & WaitingMembers<Omit<T, 'prototype'>, Class, W>
  : T;

/** A definition of which some functions may return Promises: all, or those that `W` names. */
export type Waiting<T, W extends Names> = T extends AnyFunction
  ? MayWait<T>
  : unknown extends T
    ? T
    : {
        [K in keyof T]: T[K] extends AnyClass
          ? WaitingClass<T[K], K, W>
          : T[K] extends AnyFunction
            ? Named<K, W> extends true
              ? MayWait<T[K]>
              : T[K]
            : T[K];
      };

type PlainFunction<F> = F extends (...args: infer A) => Promise<infer R> ? (...args: A) => R : F;

type PlainMembers<T> = { [K in keyof T]: K extends symbol ? T[K] : PlainFunction<T[K]> };

type PlainClass<T> = T extends new (
  ...args: infer A
) => Promise<infer O>
  ? (new (...args: A) => PlainMembers<O>) & PlainMembers<Omit<T, 'prototype'>>
  : T;

type PlainItem<T> = T extends AnyFunction
  ? PlainFunction<T>
  : T extends AnyClass
    ? PlainClass<T>
    : T extends object
      ? { [K in keyof T]: T[K] extends AnyClass ? PlainClass<T[K]> : PlainFunction<T[K]> }
      : T;

/** Exports of which some are plain functions, although the component could wait. */
export type Synchronous<Exports, Sync extends Names> = Sync extends true
  ? { [K in keyof Exports]: PlainItem<Exports[K]> }
  : Sync extends readonly never[]
    ? Exports
    : { [K in keyof Exports]: Named<K, Sync> extends true ? PlainItem<Exports[K]> : Exports[K] };

/** Options, with the context that definitions are made from where they are. */
export type ContextArgument<Context, Options> = undefined extends Context
  ? [options?: Options & { readonly context?: Context }]
  : [options: Options & { readonly context: Context }];
