/**
 * Lifting and lowering handles.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#lifting-and-lowering-values
 */
import { Trap } from '../errors.ts';
import { type ComponentInstance, type HandleTable, ResourceHandle, type RuntimeResource } from '../instance/state.ts';
import type { BorrowType, OwnType } from '../types/types.ts';
import type { Context } from './context.ts';
import { GuestHandle, guestHandleOf, guestObject } from './guest-resource.ts';
import { Misfit } from './misfit.ts';

/** The entry of a handle table, of the resource that was asked for. @throws Trap */
export function handleAt(instance: ComponentInstance, index: number, resource: RuntimeResource): ResourceHandle {
  const handle = instance.handles.get(index);
  if (handle.resource !== resource) throw wrongType(index, resource, handle.resource);
  return handle;
}

function wrongType(index: number, expected: RuntimeResource, found: RuntimeResource): Trap {
  const inWords = (resource: RuntimeResource) => (resource.implementer === undefined ? 'host resource' : 'guest-defined resource');
  const different = inWords(expected) === inWords(found) ? 'a different ' : '';
  return new Trap(
    `handle index ${index >>> 0} used with the wrong type, expected ${inWords(expected)} but found ${different}${inWords(found)} (\`${expected.name}\`, \`${found.name}\`)`,
  );
}

/** Takes an entry out of a handle table; `lends` must be over. @throws Trap */
export function takeHandle(instance: ComponentInstance, index: number, resource: RuntimeResource): ResourceHandle {
  const handle = handleAt(instance, index, resource);
  if (handle.lends !== 0) throw new Trap(`cannot remove ${handle.own ? 'owned' : 'borrowed'} resource while borrowed`);
  instance.handles.remove(index);
  return handle;
}

/** `lift_own` without the way to JavaScript. @throws Trap */
export function takeOwn(instance: ComponentInstance, index: number, resource: RuntimeResource): number | object {
  const handle = takeHandle(instance, index, resource);
  if (!handle.own) throw new Trap(`cannot give away handle index ${index >>> 0}: it is a borrow`);
  return handle.rep;
}

export function resourceOf(cx: Context, type: OwnType | BorrowType): RuntimeResource {
  const resource = cx.resources[type.resource];
  if (resource === undefined) throw new Error(`internal error: resource ${type.resource} is not defined yet`);
  return resource;
}

/** `lift_own` */
export function liftOwn(cx: Context, index: number, type: OwnType): unknown {
  const resource = resourceOf(cx, type);
  const rep = takeOwn(cx.instance, index, resource);
  if (typeof rep === 'object') return rep;
  const handle = new GuestHandle(resource, rep, true);
  return cx.internal ? handle : guestObject(handle);
}

/** `lift_borrow`. A borrow of a guest's resource becomes an object that can be used until the call ends. */
export function liftBorrow(cx: Context, index: number, type: BorrowType): unknown {
  const handle = handleAt(cx.instance, index, resourceOf(cx, type));
  const { scope } = cx;
  if (scope === undefined) throw new Error('internal error: a borrow outside of parameters');
  if (typeof handle.rep === 'object') {
    scope.borrow(handle, undefined);
    return handle.rep;
  }
  const borrowed = new GuestHandle(handle.resource, handle.rep, false);
  scope.borrow(handle, borrowed);
  return cx.internal ? borrowed : guestObject(borrowed);
}

/** Longer lists grow while their handles are looked up, so that a guest gets no memory for handles that it does not have. */
const MAX_AT_ONCE = 65_536;

/**
 * `lift_borrow` of each element of a list. Who waits for many things passes long lists of a host's resources again and again. Those are
 * not marked as lent: until the call has returned nothing else runs in the instance that could drop them, unless the call itself gives
 * handles away.
 */
export function liftBorrows(cx: Context, indices: Uint32Array, type: BorrowType): unknown[] {
  const resource = resourceOf(cx, type);
  const { scope } = cx;
  const { length } = indices;
  const list: unknown[] = new Array(Math.min(length, MAX_AT_ONCE));
  if (resource.implementer !== undefined || scope === undefined || scope.gives) {
    for (let i = 0; i < length; i++) list[i] = liftBorrow(cx, indices[i] as number, type);
    return list;
  }
  const { handles } = cx.instance;
  for (let i = 0; i < length; i++) list[i] = hostRepAt(handles, indices[i] as number, resource);
  return list;
}

/** `lift_borrow` of a host's resource, of which nothing is marked: see {@link liftBorrows}. @throws Trap */
export function hostRepAt(handles: HandleTable, index: number, resource: RuntimeResource): object {
  const handle = handles.get(index);
  if (handle.resource !== resource) throw wrongType(index, resource, handle.resource);
  return handle.rep as object;
}

/** The representation of a host resource is the object itself. */
function hostRep(value: unknown, resource: RuntimeResource): object {
  const { constructorFunction, name } = resource;
  if (typeof value !== 'object' || value === null || (constructorFunction !== undefined && !(value instanceof constructorFunction))) {
    throw new Misfit(`an instance of the class of resource \`${name}\``, value);
  }
  return value;
}

function guestRep(value: unknown, resource: RuntimeResource): GuestHandle {
  const handle = guestHandleOf(value);
  if (handle === undefined) throw new Misfit(`a handle of resource \`${resource.name}\``, value);
  if (handle.resource !== resource) {
    const found = handle.resource.name;
    throw new Misfit(
      `a handle of resource \`${resource.name}\`${found === resource.name ? ' of this very instance' : ` and not of \`${found}\``}`,
      value,
    );
  }
  return handle;
}

/** `lower_own` */
export function lowerOwn(cx: Context, value: unknown, type: OwnType): number {
  const resource = resourceOf(cx, type);
  const { scope } = cx;
  let rep: number | object;
  if (resource.implementer === undefined) {
    rep = hostRep(value, resource);
  } else {
    const handle = guestRep(value, resource);
    handle.move();
    if (scope === undefined) handle.forget();
    else scope.move(handle);
    rep = handle.rep;
  }
  const index = cx.instance.handles.add(new ResourceHandle(resource, rep, true, undefined));
  scope?.add(index);
  return index;
}

/** `lower_borrow`. The implementer itself gets the representation. */
export function lowerBorrow(cx: Context, value: unknown, type: BorrowType): number {
  const resource = resourceOf(cx, type);
  const { scope } = cx;
  if (scope === undefined) throw new Error('internal error: a borrow outside of parameters');
  let rep: number | object;
  if (resource.implementer === undefined) {
    rep = hostRep(value, resource);
  } else {
    const handle = guestRep(value, resource);
    scope.lend(handle);
    if (resource.implementer === cx.instance) return handle.rep;
    rep = handle.rep;
  }
  scope.task.borrows++;
  const index = cx.instance.handles.add(new ResourceHandle(resource, rep, false, scope.task));
  scope.add(index);
  return index;
}
