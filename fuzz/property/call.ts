/** Calls an echo component on Tenon, and what it must have done with the values. */
import assert from 'node:assert/strict';
import { Component, ComponentError, Linker, resultError } from '@tenon/component';
import type { Bytes } from '../bytes.ts';
import { EXPORT, IMPORT, type Signature } from './echo.ts';
import type { Call } from './signature.ts';
import { Thing } from './types.ts';

type HostFunction = (...args: unknown[]) => unknown;
/** Instantiates a component with the host function `f` and returns its export `f`. */
export type Engine = (bytes: Bytes, f: HostFunction) => Promise<HostFunction>;

export interface CallOptions {
  /** Whether the host function is async, so that it suspends the guest. */
  readonly suspends: boolean;
  /** Whether a property that is undefined is as good as none; JavaScript mappings differ in it. */
  readonly lenient?: boolean;
}

export const tenon: Engine = async (bytes, f) => {
  const linker = new Linker().define(IMPORT, { f, R: Thing });
  const { exports } = await linker.instantiate(await Component.compile(bytes));
  return (exports[EXPORT] as { f: HostFunction }).f;
};

/** Makes every call; each side must get what the other gave. */
export async function callAll(
  engine: Engine,
  bytes: Bytes,
  signature: Signature,
  calls: readonly Call[],
  { suspends, lenient = false }: CallOptions,
): Promise<void> {
  let current: Call | undefined;
  let received: readonly unknown[] = [];
  const answer = (args: readonly unknown[]): unknown => {
    received = args;
    return given(signature, current?.result);
  };
  const f = await engine(bytes, suspends ? async (...args) => answer(args) : (...args) => answer(args));
  for (const call of calls) {
    current = call;
    const result = await outcome(signature, () => f(...call.args));
    const seen = lenient ? withoutUndefined : (value: unknown): unknown => value;
    assert.deepEqual(seen(received), seen(call.args), 'the host function got other arguments');
    assert.deepEqual(seen(result), seen(call.result), 'the caller got another result');
  }
}

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  const entries = Object.entries(value).filter(([, property]) => property !== undefined);
  return Object.fromEntries(entries.map(([key, property]) => [key, withoutUndefined(property)]));
}

/** A host function throws the error case of its result. */
function given({ result }: Signature, value: unknown): unknown {
  if (result?.kind !== 'result') return value;
  const { tag, val } = value as { tag: string; val?: unknown };
  if (tag === 'err') throw resultError(val);
  return val;
}

/** The way back: a caller gets the error case as an exception. */
async function outcome({ result }: Signature, call: () => unknown): Promise<unknown> {
  if (result?.kind !== 'result') return call();
  try {
    const val = await call();
    return result.ok === undefined ? { tag: 'ok' } : { tag: 'ok', val };
  } catch (error) {
    if (!isResult(error)) throw error;
    return result.err === undefined ? { tag: 'err' } : { tag: 'err', val: error.payload };
  }
}

/** Engines have error classes of their own. */
function isResult(error: unknown): error is { readonly payload: unknown } {
  if (error instanceof ComponentError) return error.code === 'TENON_RESULT';
  return error instanceof Error && 'payload' in error;
}
