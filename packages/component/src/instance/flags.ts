/**
 * The per-component-instance flags and task-local storage, in one small linear memory per JavaScript realm, so that
 * JavaScript (a typed array: ~1 ns) and fused adapters (a load: ~1 ns) read and write the same words.
 * A `WebAssembly.Global` would cost JavaScript 27 ns an access.
 *
 * Layout of a slot (32 bytes): `flags: i32 @0`, `context 0: i64 @8`, `context 1: i64 @16`.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#component-instances
 */
export const FLAGS_SLOT_BYTES = 32;
export const FLAGS_CONTEXT_OFFSET = 8;
/** Set while the instance may be entered. Cleared while a task is in it, and for ever once it trapped. */
export const MAY_ENTER = 1;
/** Set while the instance may call its imports. Cleared during `realloc` and `post-return`. */
export const MAY_LEAVE = 2;

const PAGE = 65536;

export const flagsMemory: WebAssembly.Memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
/** A view of all slots as 32-bit words; a live binding that is renewed when the memory grows. */
export let flagWords: Int32Array = new Int32Array(flagsMemory.buffer);
/** The same view as the field of an object, which optimised code reads faster than a binding of a module that can change. */
export const flags: { words: Int32Array } = { words: flagWords };

const free: number[] = [];
// Address 0 stays unused so that an address is always truthy.
let next = FLAGS_SLOT_BYTES;

/** Takes a slot for a new component instance, with both flags set. Returns its byte address in {@link flagsMemory}. */
export function allocateFlags(): number {
  let address = free.pop();
  if (address === undefined) {
    address = next;
    next += FLAGS_SLOT_BYTES;
    if (next > flagWords.length * 4) {
      flagsMemory.grow(Math.max(1, flagWords.length >> 14));
      flagWords = new Int32Array(flagsMemory.buffer, 0, flagsMemory.buffer.byteLength >> 2);
      flags.words = flagWords;
    }
  }
  resetFlags(address);
  return address;
}

/** Sets both flags, and the task-local storage to zero. */
export function resetFlags(address: number): void {
  flagWords.fill(0, address >> 2, (address + FLAGS_SLOT_BYTES) >> 2);
  flagWords[address >> 2] = MAY_ENTER | MAY_LEAVE;
}

/** Whether nobody is in the instance with that flags word. */
export function isFree(word: number): boolean {
  return flagWords[word] === (MAY_ENTER | MAY_LEAVE);
}

/** Gives a slot back. The instance must not be reachable any more. */
export function freeFlags(address: number): void {
  free.push(address);
}

/** The number of slots that one page holds; for tests. */
export const SLOTS_PER_PAGE = PAGE / FLAGS_SLOT_BYTES;
