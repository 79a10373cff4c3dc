/** https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#-canon-error-contextnew */
import { Context } from '../../abi/context.ts';
import { loadString, storeString } from '../../abi/strings.ts';
import { ErrorContext, errorContextAt } from '../error-context.ts';
import { guarded, type Maker } from './environment.ts';

/** `(address: i32, length: i32) -> i32`. */
export const errorContextNew: Maker<'error-context.new'> = ({ binding, instance }, { kind, options }) => {
  const cx = new Context(binding(options, kind), options.encoding);
  return guarded(instance, kind, (address: number, length: number): number => {
    cx.renew();
    return instance.handles.add(new ErrorContext(loadString(cx, address >>> 0, length >>> 0)));
  });
};

/** `(context: i32, address: i32) -> ()`: stores the pointer and length of the message. */
export const errorContextDebugMessage: Maker<'error-context.debug-message'> = ({ binding, instance }, { kind, options }) => {
  const cx = new Context(binding(options, kind), options.encoding);
  return guarded(instance, kind, (index: number, at: number): void => {
    const { debugMessage } = errorContextAt(instance, index);
    const address = at >>> 0;
    cx.check(address, 8, 4, 'message');
    const begin = storeString(cx, debugMessage);
    cx.renew();
    cx.view.setUint32(address, begin, true);
    cx.view.setUint32(address + 4, cx.units, true);
  });
};

/** `(context: i32) -> ()`. */
export const errorContextDrop: Maker<'error-context.drop'> = ({ instance }) =>
  guarded(instance, 'error-context.drop', (index: number): void => {
    errorContextAt(instance, index);
    instance.handles.remove(index);
  });
