/**
 * Built-ins of the asynchronous Canonical ABI, as far as synchronous tasks can come across them.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#-canon-backpressureinc-backpressuredec
 */
import { ComponentError, Trap } from '../errors.ts';
import type { ComponentInstance } from '../instance/state.ts';
import type { CoreFunction } from './contract.ts';
import { checkMayLeave } from './resources.ts';
import { raise } from './traps.ts';

const BACKPRESSURE_LIMIT = 2 ** 16;

/** `canon backpressure.inc` and `canon backpressure.dec`: `() -> ()`. They may be called while MAY_LEAVE is cleared. */
export function changeBackpressure(instance: ComponentInstance, by: 1 | -1): () => void {
  return () => {
    instance.backpressure += by;
    if (instance.backpressure < 0 || instance.backpressure >= BACKPRESSURE_LIMIT) {
      raise(instance, by === 1 ? 'backpressure.inc' : 'backpressure.dec', new Trap('backpressure counter out of range'));
    }
  };
}

/**
 * Any other built-in of concurrency. A component may define one and never call it, so only the call is refused; but first comes
 * what the specification has all of them do first.
 */
export function unsupportedBuiltin(instance: ComponentInstance, name: string): CoreFunction {
  return () => {
    try {
      checkMayLeave(instance);
      const message = `the built-in ${name} belongs to the asynchronous Canonical ABI, which this engine does not run`;
      throw new Trap(message, new ComponentError('TENON_UNSUPPORTED', message));
    } catch (error) {
      return raise(instance, name, error);
    }
  };
}
