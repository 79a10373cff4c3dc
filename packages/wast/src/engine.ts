/** What the runner asks of an engine, so that the same scripts measure Tenon and its peers. */
import type { ExternDescription } from '@tenon/component';

export interface WastEngine {
  /** Decodes and validates. Rejects when the component is invalid. */
  compile(bytes: Uint8Array): Promise<WastComponent>;
  /** What a thrown error means. */
  classify(error: unknown): Failure;
}

export interface WastComponent {
  /** @param named the host instances and functions, and earlier instances of the script, by import name. */
  instantiate(named: ReadonlyMap<string, unknown>): Promise<WastInstance>;
}

export interface WastInstance {
  readonly exports: readonly ExternDescription[];
  /** What later components of the script import under the instance's name. */
  readonly value: unknown;
  /** Calls an exported function with JavaScript values. */
  call(name: string, args: readonly unknown[]): unknown;
}

/**
 * - `invalid`: the bytes are no valid component
 * - `unsupported`: a feature that the engine does not have
 * - `link`: an import is missing or of another type
 * - `trap`: the guest trapped, or had trapped before
 * - `result`: the error case of a function's result
 * - `crash`: the engine broke: always a failure of the directive
 */
export type FailureKind = 'invalid' | 'unsupported' | 'link' | 'trap' | 'result' | 'crash';

export interface Failure {
  readonly kind: FailureKind;
  /** All that the error says, causes included, to look for expected texts in. */
  readonly message: string;
  /** For `result`. */
  readonly payload?: unknown;
}

/** The message of an error and of its causes. */
export function messages(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at instanceof Error && parts.length < 8; at = at.cause) {
    const { message } = at;
    if (!parts.some((part) => part.includes(message))) parts.push(message);
  }
  return parts.length > 0 ? parts.join(': ') : String(error);
}
