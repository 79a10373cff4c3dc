/** https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#-canon-backpressureincdec */
import { raise } from '../../abi/traps.ts';
import { Trap } from '../../errors.ts';
import type { Maker } from './environment.ts';

const LIMIT = 2 ** 16;

/** `() -> ()`. They may be called while MAY_LEAVE is cleared. */
export const backpressureInc: Maker<'backpressure.inc'> =
  ({ instance }) =>
  () => {
    if (++instance.backpressure >= LIMIT) raise(instance, 'backpressure.inc', new Trap('backpressure counter out of range'));
  };

export const backpressureDec: Maker<'backpressure.dec'> =
  ({ instance }) =>
  () => {
    if (--instance.backpressure < 0) raise(instance, 'backpressure.dec', new Trap('backpressure counter out of range'));
    if (instance.backpressure === 0) instance.unpark();
  };
