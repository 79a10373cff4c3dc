/**
 * Variants, and enums, options and results as variants.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#loading
 */
import { alignment, alignTo, casesOf, discriminantSize, type VariantTypeLike } from '../types/layout.ts';
import type { ValType } from '../types/types.ts';
import { TRAP } from './traps.ts';
import { type Mover, move, type Place, read, unsignedScalar, within, write } from './values.ts';
import { type Label, type Local, op } from './wasm-code.ts';

export function moveVariant(mover: Mover, type: VariantTypeLike, from: Place, to: Place): void {
  const { code } = mover;
  const cases = casesOf(type);
  const bytes = discriminantSize(cases.length);
  const scalar = unsignedScalar(bytes);
  code.scratch('i32', (discriminant) => {
    read(mover, scalar, from);
    code.set(discriminant);
    // A full discriminant byte in memory cannot be out of range.
    if (from.kind === 'flat' || cases.length < 2 ** (8 * bytes)) {
      code.trapIf(TRAP.invalidDiscriminant, () => code.get(discriminant).i32(cases.length).op(op.i32GeU));
    }
    write(mover, scalar, to, () => code.get(discriminant));
    const payloads = cases.map((c) => c.type);
    const align = payloads.reduce((most, payload) => (payload === undefined ? most : Math.max(most, alignment(payload))), 1);
    const offset = alignTo(bytes, align);
    movePayload(mover, payloads, 0, discriminant, within(from, offset, 1), within(to, offset, 1));
  });
}

/** More payload types than this are halved before they become a table, so that blocks are not nested without end. */
const MAX_TABLE_TYPES = 32;

/**
 * Moves the payload of the case that the discriminant chooses. The flat slots that the case has no use for stay zero.
 * `payloads` are those of the cases from `first` on, and the discriminant is known to be one of theirs.
 */
function movePayload(
  mover: Mover,
  payloads: readonly (ValType | undefined)[],
  first: number,
  discriminant: Local,
  from: Place,
  to: Place,
): void {
  const { code } = mover;
  // Cases of one and the same type share their code.
  const distinct = [...new Set(payloads)].filter((payload) => payload !== undefined);
  const only = distinct[0];
  if (only === undefined) return;
  if (distinct.length === 1 && !payloads.includes(undefined)) {
    move(mover, only, from, to);
  } else if (payloads.length === 2 || distinct.length > MAX_TABLE_TYPES) {
    const middle = payloads.length >> 1;
    const halves = [payloads.slice(0, middle), payloads.slice(middle)] as const;
    const [low, high] = halves.map((half) => (half.some((payload) => payload !== undefined) ? half : undefined));
    code.get(discriminant).i32(first + middle);
    code.op(low === undefined ? op.i32GeU : op.i32LtU);
    if (low === undefined) code.if(() => movePayload(mover, high ?? [], first + middle, discriminant, from, to));
    else {
      code.if(
        () => movePayload(mover, low, first, discriminant, from, to),
        high && (() => movePayload(mover, high, first + middle, discriminant, from, to)),
      );
    }
  } else moveByTable(mover, payloads, distinct, first, discriminant, from, to);
}

function moveByTable(
  mover: Mover,
  payloads: readonly (ValType | undefined)[],
  distinct: readonly ValType[],
  first: number,
  discriminant: Local,
  from: Place,
  to: Place,
): void {
  const { code } = mover;
  code.block((done) => {
    const starts = new Map<ValType | undefined, Label>([[undefined, done]]);
    const nest = (index: number): void => {
      const payload = distinct[index];
      if (payload === undefined) {
        code.get(discriminant);
        if (first > 0) code.i32(first).op(op.i32Sub);
        code.brTable([...payloads.map((p) => starts.get(p) ?? done), done]);
        return;
      }
      code.block((start) => {
        starts.set(payload, start);
        nest(index + 1);
      });
      move(mover, payload, from, to);
      code.br(done);
    };
    nest(0);
  });
}
