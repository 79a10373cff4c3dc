/**
 * The built-in functions on resources that core code calls, and the moves of handles between component instances
 * that fused adapters ask for.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#canon-resourcenew
 */
import { Trap } from '../errors.ts';
import { freshContext, restoreContext } from '../instance/context.ts';
import { flagWords, MAY_ENTER } from '../instance/flags.ts';
import { CallScope, type ComponentInstance, dispose, ResourceHandle, type RuntimeResource, type Store } from '../instance/state.ts';
import { coreDrop } from './destructor.ts';
import { cannotLeave, mayLeave } from './entry.ts';
import { handleAt, takeHandle, takeOwn } from './handles.ts';
import { CORE_EXCEPTION, isUnwind, raise, thrown } from './traps.ts';

/** @throws Trap when MAY_LEAVE is cleared: during `realloc` and `post-return`, and after a trap. */
export function checkMayLeave(instance: ComponentInstance): void {
  if (!mayLeave(instance.flagsWord)) throw cannotLeave();
}

/** `canon resource.new`: `(rep: i32) -> i32`. Only the implementer has it. */
export function resourceNew(instance: ComponentInstance, resource: RuntimeResource): (rep: number) => number {
  return (rep) => {
    try {
      checkMayLeave(instance);
      return instance.handles.add(new ResourceHandle(resource, rep, true, undefined));
    } catch (error) {
      return raise(instance, `[resource-new]${resource.name}`, error);
    }
  };
}

/** `canon resource.rep`: `(handle: i32) -> i32`. Only the implementer has it. */
export function resourceRep(instance: ComponentInstance, resource: RuntimeResource): (handle: number) => number {
  return (index) => {
    try {
      return handleAt(instance, index, resource).rep as number;
    } catch (error) {
      return raise(instance, `[resource-rep]${resource.name}`, error);
    }
  };
}

/** `canon resource.drop`: `(handle: i32) -> ()`. */
export function resourceDrop(instance: ComponentInstance, resource: RuntimeResource): (handle: number) => void {
  const { destructor, implementer } = resource;
  if (implementer === undefined) {
    return (index) => {
      try {
        const rep = takeToDrop(instance, resource, index);
        if (rep !== undefined) disposeHost(rep, instance);
      } catch (error) {
        raise(instance, `[resource-drop]${resource.name}`, error);
      }
    };
  }
  const call = new DestructorCall(instance, implementer);
  const begin = (index: number): number => {
    try {
      const rep = takeToDrop(instance, resource, index);
      if (rep === undefined) return NOTHING;
      call.check();
      if (destructor === undefined) return NOTHING;
      call.begin();
      return (rep as number) >>> 0;
    } catch (error) {
      return raise(instance, `[resource-drop]${resource.name}`, error);
    }
  };
  const threw = (error: unknown): never => raise(implementer, `[dtor]${resource.name}`, error);
  if (destructor !== undefined && resource.destructorSuspends === true) {
    return coreDrop(
      begin,
      destructor,
      () => call.end(),
      () => threw(new Trap(CORE_EXCEPTION)),
    );
  }
  return (index) => {
    const rep = begin(index);
    if (rep === NOTHING) return;
    try {
      destructor?.(rep);
    } catch (error) {
      threw(error);
    }
    call.end();
  };
}

/** Takes a handle out of the table. @returns the representation of what must be destroyed, if anything */
function takeToDrop(instance: ComponentInstance, resource: RuntimeResource, index: number): number | object | undefined {
  checkMayLeave(instance);
  const handle = takeHandle(instance, index, resource);
  if (handle.own) return handle.rep;
  if (handle.scope !== undefined) handle.scope.borrows--;
  return undefined;
}

/** What {@link coreDrop} takes for "no destructor to call". */
const NOTHING = -1;

function disposeHost(rep: number | object, { store }: ComponentInstance): void {
  const threw = (error: unknown): Trap => new Trap(`the host's dispose function threw ${thrown(error)}`, error);
  try {
    // The guest does not wait for it, so a failure ends the instance when it comes.
    dispose(rep)?.then(undefined, (error: unknown) => store.end(threw(error)));
  } catch (error) {
    throw isUnwind(error) ? error : threw(error);
  }
}

/** The call of a destructor as a lifted function of the implementer: its flags checked, and with task-local storage of its own. */
class DestructorCall {
  private readonly enters: readonly number[];
  private readonly implementer: ComponentInstance;
  /** Storage of the calls that destructors interrupted, innermost last. */
  private readonly saved: Int32Array[] = [];

  constructor(caller: ComponentInstance, implementer: ComponentInstance) {
    this.enters = enteringSet(implementer, caller)
      .filter((instance) => !instance.closed)
      .map((instance) => instance.flagsWord);
    this.implementer = implementer;
  }

  /** @throws Trap when the implementer, or an instance around it, cannot be entered */
  check(): void {
    for (const word of this.enters) {
      if (((flagWords[word] ?? 0) & MAY_ENTER) === 0) throw new Trap('wasm trap: cannot enter component instance');
    }
  }

  begin(): void {
    this.saved.push(freshContext(this.implementer));
    for (const word of this.enters) flagWords[word] = (flagWords[word] ?? 0) & ~MAY_ENTER;
  }

  end(): void {
    for (const word of this.enters) flagWords[word] = (flagWords[word] ?? 0) | MAY_ENTER;
    const saved = this.saved.pop();
    if (saved !== undefined) restoreContext(this.implementer, saved);
  }
}

/** `entering_set`: the callee and its ancestors, less the caller and its ancestors. */
export function enteringSet(callee: ComponentInstance, caller: ComponentInstance): ComponentInstance[] {
  const inside = new Set<ComponentInstance>();
  for (let each: ComponentInstance | undefined = caller; each !== undefined; each = each.parent) inside.add(each);
  const set: ComponentInstance[] = [];
  for (let each: ComponentInstance | undefined = callee; each !== undefined && !inside.has(each); each = each.parent) set.push(each);
  return set;
}

/** `lift_own` from one table, `lower_own` into another. */
export function transferOwn(from: ComponentInstance, to: ComponentInstance, resource: RuntimeResource): (handle: number) => number {
  return (index) => {
    try {
      const rep = takeOwn(from, index, resource);
      return to.handles.add(new ResourceHandle(resource, rep, true, undefined));
    } catch (error) {
      return raise(from, `[transfer-own]${resource.name}`, error);
    }
  };
}

/** `lift_borrow` from one table, `lower_borrow` into another; the implementer gets the representation. */
export function transferBorrow(from: ComponentInstance, to: ComponentInstance, resource: RuntimeResource): (handle: number) => number {
  return (index) => {
    try {
      const handle = handleAt(from, index, resource);
      const { scope } = from.store;
      if (scope === undefined) throw new Error('internal error: a borrow outside of a call');
      handle.lends++;
      scope.lenders ??= [];
      scope.lenders.push(handle);
      if (resource.implementer === to) return handle.rep as number;
      scope.borrows++;
      return to.handles.add(new ResourceHandle(resource, handle.rep, false, scope));
    } catch (error) {
      return raise(from, `[transfer-borrow]${resource.name}`, error);
    }
  };
}

/** Makes the scope that the borrows of a fused call belong to. */
export function enterCall(callee: ComponentInstance): () => void {
  const { store } = callee;
  return () => {
    store.scope = new CallScope(callee, store.scope);
  };
}

/** Ends the current scope of a fused call. */
export function exitCall(store: Store): () => void {
  return () => {
    const { scope } = store;
    if (scope === undefined) throw new Error('internal error: no call to end');
    if (scope.borrows > 0) raise(scope.instance, '[exit-call]', new Trap('borrow handles still remain at the end of the call'));
    if (scope.lenders !== undefined) for (const handle of scope.lenders) handle.lends--;
    store.scope = scope.caller;
  };
}
