/**
 * `context.get` and `context.set`: storage of the current task, kept beside the flags of its component instance.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#-canon-contextget
 */
import type { CoreFunction } from '../abi/contract.ts';
import { FLAGS_CONTEXT_OFFSET, FLAGS_SLOT_BYTES, flags, flagWords } from './flags.ts';
import type { ComponentInstance } from './state.ts';

const wordOf = (instance: ComponentInstance, index: number): number => instance.flagsWord + (FLAGS_CONTEXT_OFFSET >> 2) + 2 * index;

export function contextGet(instance: ComponentInstance, type: 'i32' | 'i64', index: number): CoreFunction {
  const word = wordOf(instance, index);
  if (type === 'i32') return (): number => flagWords[word] ?? 0;
  return (): bigint => (BigInt(flagWords[word + 1] ?? 0) << 32n) | BigInt((flagWords[word] ?? 0) >>> 0);
}

export function contextSet(instance: ComponentInstance, type: 'i32' | 'i64', index: number): CoreFunction {
  const word = wordOf(instance, index);
  if (type === 'i32') {
    return (value: number): void => {
      flagWords[word] = value;
      flagWords[word + 1] = 0;
    };
  }
  return (value: bigint): void => {
    flagWords[word] = Number(BigInt.asIntN(32, value));
    flagWords[word + 1] = Number(BigInt.asIntN(32, value >> 32n));
  };
}

const CONTEXT_WORDS = (FLAGS_SLOT_BYTES - FLAGS_CONTEXT_OFFSET) >> 2;

/** Task-local storage, put aside. */
export class Storage {
  private a = 0;
  private b = 0;
  private c = 0;
  private d = 0;

  /** Changes places with what is in the instance. */
  swap(instance: ComponentInstance): void {
    const word = wordOf(instance, 0);
    const { words } = flags;
    const { a, b, c, d } = this;
    this.a = words[word] as number;
    this.b = words[word + 1] as number;
    this.c = words[word + 2] as number;
    this.d = words[word + 3] as number;
    words[word] = a;
    words[word + 1] = b;
    words[word + 2] = c;
    words[word + 3] = d;
  }
}

/** Gives a new thread of the instance zeros for storage. @returns the storage of the thread that it interrupts */
export function freshContext(instance: ComponentInstance): Int32Array {
  const word = wordOf(instance, 0);
  const saved = flagWords.slice(word, word + CONTEXT_WORDS);
  flagWords.fill(0, word, word + CONTEXT_WORDS);
  return saved;
}

export function restoreContext(instance: ComponentInstance, saved: Int32Array): void {
  flagWords.set(saved, wordOf(instance, 0));
}
