/** Finds what a plan imports in the embedder's definitions: functions, classes, methods, by the names that they have in JavaScript. */
import type { HostFunction } from '../abi/contract.ts';
import { guestConstructorOf } from '../abi/guest-resource.ts';
import { camelCase, parseFunctionName, pascalCase, placeFunction } from '../abi/names.ts';
import { cancellable, takesSignal } from '../concurrency/host/cancellable.ts';
import type { ResourceClass } from '../instance/state.ts';
import { blocking, isBlocking } from './blocking.ts';
import type { Definition, Definitions, Waits } from './definition-set.ts';
import type { HostPath } from './plan.ts';

// What an import expects, in words.
export const INSTANCE = 'an object with the functions and classes of the interface';
export const CLASS = 'a class';
const FUNCTION = 'a function';

/** A function that the ABI can call. */
export interface FoundFunction {
  readonly call: HostFunction;
  /** As the embedder wrote it. */
  readonly declared: unknown;
  readonly blocks: boolean;
}

/** What stands, if anything, where something else is expected. */
export class NotFound {
  readonly found: unknown;
  readonly place: HostPath;
  readonly expected: string;

  constructor(found: unknown, place: HostPath, expected: string) {
    this.found = found;
    this.place = place;
    this.expected = expected;
  }
}

type Owner = { readonly [name: string | symbol]: unknown };

export class HostItems {
  private readonly definitions: Definitions;
  private lastName: string | undefined = undefined;
  private last: Definition | undefined = undefined;

  constructor(definitions: Definitions) {
    this.definitions = definitions;
  }

  /** The object that is defined for an instance. */
  instance(path: HostPath): Owner | NotFound {
    let value = this.definition(path[0]);
    for (let depth = 1; ; depth++) {
      const place = path.slice(0, depth) as unknown as HostPath;
      if (!isOwner(value)) return new NotFound(value, place, INSTANCE);
      if (depth === path.length) return value;
      const name = path[depth] ?? '';
      value = member(value, name) ?? member(value, camelCase(name));
    }
  }

  resource(path: HostPath): ResourceClass | NotFound {
    const found = path.length === 1 ? this.definition(path[0]) : this.of(path, pascalCase(lastOf(path)));
    if (found instanceof NotFound) return found;
    return isClass(found) ? found : new NotFound(found, path, CLASS);
  }

  module(path: HostPath): WebAssembly.Module | NotFound {
    const found = path.length === 1 ? this.definition(path[0]) : this.of(path, lastOf(path));
    if (found instanceof NotFound) return found;
    return found instanceof WebAssembly.Module ? found : new NotFound(found, path, 'a WebAssembly.Module');
  }

  /** Host functions are called as free functions by the ABI: methods get their resource as first parameter. */
  func(path: HostPath, arity: number): FoundFunction | NotFound {
    const found = this.unmarked(path, arity);
    if (found instanceof NotFound || found.blocks) return found;
    const { waits } = this.found(path[0]) ?? {};
    if (waits === undefined || !waitsAmong(waits, path)) return found;
    const { call, declared } = found;
    return { call: call === declared ? blocking((...args: never[]) => call(...args)) : blocking(call), declared, blocks: true };
  }

  private unmarked(path: HostPath, arity: number): FoundFunction | NotFound {
    const parsed = parseFunctionName(lastOf(path));
    const { name: key } = placeFunction(lastOf(path));
    const nowhere = (found: unknown): NotFound => new NotFound(found, path, FUNCTION);
    if (parsed.kind === 'plain') {
      if (path.length === 1) {
        const found = this.definition(path[0]);
        return typeof found === 'function' ? asCall(found as HostFunction, found) : nowhere(found);
      }
      const owner = this.instance(path.slice(0, -1) as unknown as HostPath);
      if (owner instanceof NotFound) return owner;
      const found = member(owner, key);
      return typeof found === 'function' ? asCall(found.bind(owner) as HostFunction, found) : nowhere(found);
    }
    const type = this.resource([...path.slice(0, -1), parsed.resource] as unknown as HostPath);
    if (type instanceof NotFound) {
      // What is not there at all is missing with each of its functions.
      return type.place.length === path.length && isNothing(type.found) ? new NotFound(type.found, path, FUNCTION) : type;
    }
    switch (parsed.kind) {
      case 'constructor': {
        const construct = (...args: never[]): unknown => Reflect.construct(type, args);
        return { call: construct, declared: undefined, blocks: isBlocking(guestConstructorOf(type)) };
      }
      case 'static': {
        const found = member(type as unknown as Owner, key);
        return typeof found === 'function' ? asCall(found.bind(type) as HostFunction, found) : nowhere(found);
      }
      case 'method': {
        const found = member(type.prototype as Owner, key);
        if (typeof found === 'function') return asCall(methodCall(key, takesSignal(found as HostFunction) ? arity + 1 : arity), found);
        const field = found === undefined ? fieldOf(type, key) : undefined;
        if (field === undefined) return nowhere(found);
        return { call: methodCall(key, arity), declared: undefined, blocks: field === 'async' };
      }
    }
  }

  private definition(name: string): unknown {
    return this.found(name)?.value;
  }

  /** Many functions are of one import. */
  private found(name: string): Definition | undefined {
    if (this.lastName !== name) {
      this.lastName = name;
      this.last = this.definitions.find(name);
    }
    return this.last;
  }

  private of(path: HostPath, key: string): unknown {
    const owner = this.instance(path.slice(0, -1) as unknown as HostPath);
    return owner instanceof NotFound ? owner : owner[key];
  }
}

/** Whether a function is one of those that the embedder says may wait. */
function waitsAmong(waits: Waits, path: HostPath): boolean {
  const { place, resource, name } = placeFunction(lastOf(path));
  if (place === 'constructor') return false;
  return waits === true || waits.includes(place === 'plain' ? name : `${resource}.${name}`);
}

/** Whether a definition has a function of that name: `read`, or `Connection.query` for a method or static. */
export function isMember(value: unknown, name: string): boolean {
  if (!isOwner(value)) return false;
  const [first = '', second] = name.split('.');
  const found = value[first];
  if (second === undefined) return typeof found === 'function';
  if (!isClass(found)) return false;
  const statics = found as unknown as Owner;
  return second in found.prototype || typeof statics[second] === 'function' || fieldOf(found, second) !== undefined;
}

const lastOf = (path: HostPath): string => path[path.length - 1] ?? path[0];

export const isNothing = (value: unknown): boolean => value === undefined || value === null;

const asCall = (call: HostFunction, declared: unknown): FoundFunction => {
  const blocks = isBlocking(declared);
  // It may be exported again, and imported elsewhere.
  if (call !== declared && blocks) blocking(call);
  if (call !== declared && takesSignal(declared as HostFunction)) cancellable(call);
  return { call, declared, blocks };
};

function isOwner(value: unknown): value is Owner {
  return (typeof value === 'object' && value !== null && !(value instanceof WebAssembly.Module)) || typeof value === 'function';
}

/** Whether objects can be instances of it. */
export function isClass(value: unknown): value is ResourceClass {
  if (typeof value !== 'function' || typeof value.prototype !== 'object' || value.prototype === null) return false;
  try {
    // Fails, before it runs anything, for what `new` does not take.
    Reflect.construct(Object, [], value);
    return true;
  } catch {
    return false;
  }
}

/** What a definition is, in words. */
export function kindOf(value: unknown): string {
  if (value instanceof WebAssembly.Module) return 'a WebAssembly.Module';
  if (typeof value === 'function') return /^class\b/.test(Function.prototype.toString.call(value)) ? CLASS : FUNCTION;
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`;
  const name: unknown = value.constructor?.name;
  return typeof name === 'string' && name !== '' && name !== 'Object' ? `an object of class ${name}` : 'an object';
}

/** A member that the embedder defined: `constructor`, `toString`, `call`, which objects and functions have anyway, define nothing. */
function member(owner: Owner, key: string): unknown {
  const everyOneHas = key in Object.prototype || (typeof owner === 'function' && key in Function.prototype);
  return everyOneHas && !defines(owner, key) ? undefined : owner[key];
}

function defines(owner: Owner, key: string): boolean {
  if (key === 'constructor') return Object.hasOwn(owner, key) && Object(owner[key]).prototype !== owner;
  for (let object: object | null = owner; object !== null; object = Object.getPrototypeOf(object)) {
    if (object === Object.prototype || object === Function.prototype) return false;
    if (Object.hasOwn(object, key)) return true;
  }
  return false;
}

/**
 * Whether the text of a class, or of one that it extends, sets such a field: `read = (n) => …`, which only its objects have. Whether it is
 * a function shows when it is called.
 */
function fieldOf(type: ResourceClass, key: string): 'async' | 'sync' | undefined {
  const pattern = new RegExp(`(?:^|[\\s;{.#])${key}\\s*=(?![=>])[\\s(]*(async\\b)?`);
  for (let each: object | null = type; typeof each === 'function'; each = Object.getPrototypeOf(each)) {
    const found = pattern.exec(Function.prototype.toString.call(each));
    if (found !== null) return found[1] === undefined ? 'sync' : 'async';
  }
  return undefined;
}

/** Dispatches on the object, so that subclasses of a resource class may override. One shape for each arity: no rest arrays. */
function methodCall(key: string, arity: number): HostFunction {
  type Self = Record<string, (...args: unknown[]) => unknown>;
  const method = (self: Self): ((...args: unknown[]) => unknown) => {
    const fn = self[key];
    if (typeof fn !== 'function') throw new TypeError(`the resource has no method ${key}`);
    return fn;
  };
  const shapes: ((self: Self, ...args: unknown[]) => unknown)[] = [
    (self) => method(self).call(self),
    (self, a) => method(self).call(self, a),
    (self, a, b) => method(self).call(self, a, b),
    (self, a, b, c) => method(self).call(self, a, b, c),
    (self, a, b, c, d) => method(self).call(self, a, b, c, d),
  ];
  const call = shapes[arity - 1] ?? ((self: Self, ...args: unknown[]) => method(self).apply(self, args));
  return call as HostFunction;
}
