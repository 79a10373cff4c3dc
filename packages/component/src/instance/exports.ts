/** What the embedder sees of an instance: an object of functions, classes and inner instances. */

import { type GuestResourceClass, guestResourceClass, setGuestConstructor } from '../abi/guest-resource.ts';
import { hostCall } from '../concurrency/host/call.ts';
import { blocking, isBlocking } from '../link/blocking.ts';
import type { NamedExport } from '../link/export-names.ts';
import type { Instantiation } from './instantiate.ts';
import type { Store } from './state.ts';

type Callable = (...args: unknown[]) => unknown;

/** @returns the exports under their full names and, where that is free, under their short names in camel case */
export function makeExports(
  made: Instantiation,
  named: readonly NamedExport[],
  isSync: (named: NamedExport) => boolean = made.isSync,
): Record<string, unknown> {
  const exports: Record<string, unknown> = {};
  // Indices, as in {@link Instantiation}.
  for (let i = 0; i < named.length; i++) {
    const each = named[i] as NamedExport;
    switch (each.kind) {
      case 'function':
        if (each.place === 'plain') exports[each.name] = functionOf(made, each, isSync(each));
        else addMember(exports, each, functionOf(made, each, isSync(each)));
        break;
      case 'instance':
        exports[each.name] = makeExports(made, each.exports, isSync(each) ? () => true : () => false);
        break;
      case 'resource':
        exports[each.name] = resourceClass(made, each.item.resource, each.name);
        break;
      case 'module':
        exports[each.name] = made.linked.modules[each.item.module];
        break;
    }
  }
  for (let i = 0; i < named.length; i++) {
    const each = named[i] as NamedExport;
    if (each.kind === 'instance' && each.short !== undefined) exports[each.short] = exports[each.name];
  }
  return exports;
}

type NamedFunction = Extract<NamedExport, { kind: 'function' }>;

function functionOf(made: Instantiation, { item, label }: NamedFunction, isSync: boolean): Callable {
  const { linked, store } = made;
  if (item.kind !== 'lift') return linked.host.functions[item.func] as Callable;
  const suspends = linked.suspends[item.instance] === true && !isSync;
  if (linked.tasks[item.instance] === true) {
    const task = hostCall(made.lifted(item, label), suspends);
    return suspends ? blocking(task) : task;
  }
  const postReturn = item.postReturn === undefined ? undefined : made.func(item.postReturn);
  const call = linked.lift(item).bind(made.binding(item.instance, item.options, label), made.func(item.core), postReturn, suspends);
  if (!suspends) return isSync && made.noSuspension !== undefined ? made.noSuspension.during(call) : call;
  const { turns } = store;
  const inTurn: Callable = turns === undefined ? call : (...args) => turns.take(call, args);
  // So it can be another component's import as it is.
  return blocking(afterDrops(store, inTurn));
}

/** The same function, which waits for a destructor that is under way in the instance. */
function afterDrops(store: Store, call: Callable): Callable {
  const after: Callable = (...args) => {
    const { dropping } = store;
    return dropping === undefined ? call(...args) : dropping.then(() => after(...args));
  };
  return after;
}

function resourceClass(made: Instantiation, index: number, name: string): unknown {
  const resource = made.resource(index);
  return resource.implementer === undefined ? resource.constructorFunction : guestResourceClass(resource, name);
}

/** Methods, statics and constructors go to the class of their resource, which stands before them in the exports. */
function addMember(exports: Record<string, unknown>, { name, place, resource }: NamedFunction, call: Callable): void {
  const type = exports[resource] as GuestResourceClass | undefined;
  if (type === undefined) return;
  switch (place) {
    case 'constructor':
      setGuestConstructor(type, call);
      break;
    case 'static':
      Object.defineProperty(type, name, { value: call, writable: true, configurable: true });
      break;
    case 'method':
      Object.defineProperty(type.prototype, name, { value: methodOf(call), writable: true, configurable: true });
      break;
  }
}

function methodOf(call: Callable): Callable {
  const method = function (this: unknown, ...args: unknown[]): unknown {
    return call(this, ...args);
  };
  return isBlocking(call) ? blocking(method) : method;
}
