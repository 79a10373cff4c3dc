/** https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#-canon-error-contextnew */
import type { Context } from '../abi/context.ts';
import { Misfit } from '../abi/misfit.ts';
import type { ComponentInstance, TableEntry } from '../instance/state.ts';
import { wrongEntry } from '../instance/state.ts';

/** A value of type `error-context`: what went wrong, for people who look for the cause. */
export class ErrorContext implements TableEntry {
  readonly resource = undefined;
  readonly what = 'error context';
  readonly debugMessage: string;

  constructor(debugMessage: string) {
    this.debugMessage = debugMessage;
  }

  toString(): string {
    return this.debugMessage;
  }
}

/** @throws Trap when the index holds no error context */
export function errorContextAt(instance: ComponentInstance, index: number): ErrorContext {
  const entry = instance.handles.entry(index);
  if (!(entry instanceof ErrorContext)) throw wrongEntry(index, 'an error context', entry);
  return entry;
}

/** `lift_error_context` */
export function liftErrorContext(cx: Context, index: number): ErrorContext {
  return errorContextAt(cx.instance, index);
}

/** `lower_error_context`. From JavaScript any error may be given. */
export function lowerErrorContext(cx: Context, value: unknown): number {
  const context = value instanceof Error ? new ErrorContext(value.message) : value;
  if (!(context instanceof ErrorContext)) throw new Misfit('an ErrorContext or an Error', value);
  return cx.instance.handles.add(context);
}
