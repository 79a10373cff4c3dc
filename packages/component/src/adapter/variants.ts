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
    movePayload(mover, payloads, discriminant, within(from, offset, 1), within(to, offset, 1));
  });
}

/** Moves the payload of the case that the discriminant chooses. The flat slots that the case has no use for stay zero. */
function movePayload(mover: Mover, payloads: readonly (ValType | undefined)[], discriminant: Local, from: Place, to: Place): void {
  const { code } = mover;
  // Cases of one and the same type share their code.
  const distinct = [...new Set(payloads)].filter((payload) => payload !== undefined);
  const only = distinct[0];
  if (only === undefined) return;
  if (distinct.length === 1 && !payloads.includes(undefined)) {
    move(mover, only, from, to);
    return;
  }
  if (payloads.length === 2) {
    const [zero, one] = payloads;
    code.get(discriminant);
    if (one === undefined) code.op(op.i32Eqz);
    code.if(
      () => move(mover, one ?? only, from, to),
      zero !== undefined && one !== undefined ? () => move(mover, zero, from, to) : undefined,
    );
    return;
  }
  code.block((done) => {
    const labels = new Map<ValType, Label>();
    const nest = (index: number): void => {
      const payload = distinct[index];
      if (payload === undefined) {
        code.get(discriminant).brTable([...payloads.map((p) => (p === undefined ? done : (labels.get(p) ?? done))), done]);
        return;
      }
      code.block((start) => {
        labels.set(payload, start);
        nest(index + 1);
      });
      move(mover, payload, from, to);
      code.br(done);
    };
    nest(0);
  });
}
