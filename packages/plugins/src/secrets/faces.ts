/** `wasmcloud:secrets` 2.1.0: a secret is a handle, and only who imports `reveal` sees what it stands for. */

import { inspect } from 'node:util';
import { resultError } from '@tenon/component';
import type { Secrets } from './secrets.ts';

/** The resource `secret`. Nothing that prints or serialises it shows the value. */
export class Secret {
  readonly #value: string | Uint8Array;

  constructor(value: string | Uint8Array) {
    this.#value = value;
  }

  static reveal(secret: Secret): string | Uint8Array {
    return secret.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

/** @param own the key of the secret that the interface `secret` hands out, where the workload names one. */
export function secrets(source: Secrets, own?: string): Readonly<Record<string, object>> {
  const get = (key: string): Secret => {
    const value = source.get(key);
    if (value === undefined) throw resultError({ tag: 'not-found' }, 'there is no secret of that name, or it is not granted');
    return new Secret(value);
  };
  const reveal = (secret: Secret): { tag: 'string'; val: string } | { tag: 'bytes'; val: Uint8Array } => {
    const value = Secret.reveal(secret);
    return typeof value === 'string' ? { tag: 'string', val: value } : { tag: 'bytes', val: value };
  };
  return {
    'wasmcloud:secrets/store@2.1.0': { Secret, get },
    'wasmcloud:secrets/reveal@2.1.0': { reveal },
    ...(own === undefined ? {} : { 'wasmcloud:secrets/secret@2.1.0': { get: () => get(own) } }),
  };
}
