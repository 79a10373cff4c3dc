/** What the embedder sees of an instance: an object of functions, classes and inner instances. */

import { type GuestResourceClass, guestResourceClass, setGuestConstructor } from '../abi/guest-resource.ts';
import { camelCase, interfaceName, parseFunctionName, pascalCase } from '../abi/names.ts';
import type { PlanExports, PlanLift } from '../link/plan.ts';
import type { Instantiation } from './instantiate.ts';

type Callable = (...args: unknown[]) => unknown;

/** @returns the exports under their full names and, where that is free, under their short names in camel case */
export function makeExports(made: Instantiation, plan: PlanExports, owner = ''): Record<string, unknown> {
  const exports: Record<string, unknown> = {};
  const short: [string, unknown][] = [];
  for (const [name, item] of plan) {
    switch (item.kind) {
      case 'instance': {
        const value = makeExports(made, item.exports, name);
        exports[name] = value;
        short.push([interfaceName(name), value]);
        break;
      }
      case 'resource':
        exports[pascalCase(name)] = resourceClass(made, item.resource, name);
        break;
      case 'module':
        exports[name] = made.linked.modules[item.module];
        break;
      case 'lift':
      case 'host function': {
        const label = owner === '' ? name : `${owner}#${name}`;
        const call = item.kind === 'lift' ? liftedFunction(made, item, label) : (made.linked.host.functions[item.func] as Callable);
        addFunction(exports, name, call);
        break;
      }
    }
  }
  for (const [name, value] of short) if (!(name in exports)) exports[name] = value;
  return exports;
}

function liftedFunction(made: Instantiation, lift: PlanLift, name: string): Callable {
  const instance = made.instance(lift.instance);
  const binding = { ...made.canon(lift.options), instance, resources: made.resources, name };
  const postReturn = lift.postReturn === undefined ? undefined : made.func(lift.postReturn);
  const suspends = made.linked.suspends[lift.instance] === true;
  return made.linked.lift(lift).bind(binding, made.func(lift.core), postReturn, suspends);
}

function resourceClass(made: Instantiation, index: number, name: string): unknown {
  const resource = made.resource(index);
  return resource.implementer === undefined ? resource.constructorFunction : guestResourceClass(resource, pascalCase(name));
}

/** Methods, statics and constructors go to the class of their resource, which stands before them in the exports. */
function addFunction(exports: Record<string, unknown>, exportName: string, call: Callable): void {
  const name = parseFunctionName(exportName);
  if (name.kind === 'plain') {
    exports[camelCase(name.name)] = call;
    return;
  }
  const type = exports[pascalCase(name.resource)] as GuestResourceClass | undefined;
  if (type === undefined) return;
  switch (name.kind) {
    case 'constructor':
      setGuestConstructor(type, call);
      break;
    case 'static':
      Object.defineProperty(type, camelCase(name.name), { value: call, writable: true, configurable: true });
      break;
    case 'method':
      Object.defineProperty(type.prototype, camelCase(name.name), { value: methodOf(call), writable: true, configurable: true });
      break;
  }
}

function methodOf(call: Callable): Callable {
  return function (this: unknown, ...args: unknown[]): unknown {
    return call(this, ...args);
  };
}
