/** What a fused adapter traps with. The texts are those that users of Wasmtime know. */
const MESSAGES = {
  cannotLeave: 'cannot leave component instance',
  cannotEnter: 'cannot enter component instance',
  unalignedPointer: 'unaligned pointer',
  listOutOfBounds: 'list content out-of-bounds',
  stringOutOfBounds: 'string content out-of-bounds',
  listTooLong: 'list over the limit of 268435455 bytes',
  stringTooLong: 'string over the limit of 268435455 bytes',
  pointerOutOfBounds: 'pointer out of bounds of memory',
  invalidChar: 'invalid `char` bit pattern',
  invalidDiscriminant: 'invalid variant discriminant',
  invalidUtf8: 'invalid utf8 encoding',
  invalidUtf16: 'invalid utf16 encoding',
  exception: 'a core exception reached the boundary of the component',
} as const;

type TrapName = keyof typeof MESSAGES;

const names = Object.keys(MESSAGES) as TrapName[];

/** The code that an adapter passes to its `trap` import. */
export const TRAP: Readonly<Record<TrapName, number>> = Object.fromEntries(names.map((name, code) => [name, code])) as Record<
  TrapName,
  number
>;

/** The message of each code. */
export const ADAPTER_TRAPS: readonly string[] = names.map((name) => `wasm trap: ${MESSAGES[name]}`);
