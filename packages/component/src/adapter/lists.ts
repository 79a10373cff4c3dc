/**
 * Lists: one copy of the bytes where every byte pattern is a value, else a loop over the elements.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#loading
 */
import { alignment, elemSize, flatten } from '../types/layout.ts';
import type { ListType, MapType, ValType } from '../types/types.ts';
import { checkAligned, checkBounds, checkLength, memoryOf, reallocate } from './memory.ts';
import { isBits, UNROLL_LENGTH } from './shapes.ts';
import { TRAP } from './traps.ts';
import { type Mover, move, moveBits, type Place, within } from './values.ts';
import { type Local, op } from './wasm-code.ts';

const lists = new WeakMap<MapType, ListType>();

/** A map as the list of pairs that it specialises. */
export function listType(map: MapType): ListType {
  let known = lists.get(map);
  if (known === undefined) {
    known = { kind: 'list', element: { kind: 'tuple', types: [map.key, map.value] }, length: undefined };
    lists.set(map, known);
  }
  return known;
}

/** Moves `length` elements from `pointer` to memory that the other side allocates, and sets `target` to that. */
export function moveList(mover: Mover, element: ValType, pointer: Local, length: Local, target: Local): void {
  const { code, module, passage } = mover;
  const source = memoryOf(module, passage.from);
  const size = elemSize(element);
  const align = alignment(element);
  const bytes = (): void => {
    code.get(length);
    if (size !== 1) code.i32(size).op(op.i32Mul);
  };
  checkLength(code, source, pointer, length, size, { outOfBounds: TRAP.listOutOfBounds, tooLong: TRAP.listTooLong });
  checkAligned(code, pointer, align);
  checkBounds(code, source, pointer, bytes, TRAP.listOutOfBounds);
  reallocate(code, module, passage.to, target, { align, size: bytes, outOfBounds: TRAP.listOutOfBounds });
  if (isBits(element)) {
    code.get(target, pointer);
    bytes();
    code.memoryCopy(memoryOf(module, passage.to), source);
    return;
  }
  code.get(length).if(() =>
    code.scratch('i32', (to) =>
      code.scratch('i32', (end) => {
        code.get(target).set(to);
        code.get(pointer);
        bytes();
        code.op(op.i32Add).set(end);
        loop(mover, element, pointer, to, end);
      }),
    ),
  );
}

/** Moves a list of known length, which stands where it is used. */
export function moveFixedList(mover: Mover, type: ListType, length: number, from: Place, to: Place): void {
  const { code } = mover;
  const { element } = type;
  const size = elemSize(element);
  if (from.kind === 'memory' && to.kind === 'memory' && length > UNROLL_LENGTH) {
    if (isBits(element)) {
      moveBits(mover, length * size, from, to);
      return;
    }
    code.scratch('i32', (source) =>
      code.scratch('i32', (target) =>
        code.scratch('i32', (end) => {
          code.get(to.base).i32(to.offset).op(op.i32Add).set(target);
          code.get(from.base).i32(from.offset).op(op.i32Add).tee(source);
          code
            .i32(length * size)
            .op(op.i32Add)
            .set(end);
          loop(mover, element, source, target, end);
        }),
      ),
    );
    return;
  }
  const slots = from.kind === 'flat' || to.kind === 'flat' ? flatten(element).length : 0;
  for (let i = 0; i < length; i++) move(mover, element, within(from, i * size, i * slots), within(to, i * size, i * slots));
}

/** Moves elements until `source` reaches `end`; there is at least one. Advances `source` and `target`. */
function loop(mover: Mover, element: ValType, source: Local, target: Local, end: Local): void {
  const { code } = mover;
  const size = elemSize(element);
  code.loop((next) => {
    move(mover, element, { kind: 'memory', base: source, offset: 0 }, { kind: 'memory', base: target, offset: 0 });
    code.get(target).i32(size).op(op.i32Add).set(target);
    code.get(source).i32(size).op(op.i32Add).tee(source);
    code.get(end).op(op.i32Ne).brIf(next);
  });
}
