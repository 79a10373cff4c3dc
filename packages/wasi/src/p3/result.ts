/** `result` as a value: what a future of one resolves to. */
export type Result<T, E> = { readonly tag: 'ok'; readonly val: T } | { readonly tag: 'err'; readonly val: E };

/** Success that says nothing more. */
export const OK: { readonly tag: 'ok'; readonly val: undefined } = { tag: 'ok', val: undefined };

/** The cases of error codes that hold nothing, and the one for all else. */
export type Coded<Code extends string> = { readonly tag: Code } | { readonly tag: 'other'; readonly val: string | undefined };
