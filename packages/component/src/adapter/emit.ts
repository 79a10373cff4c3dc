/**
 * Fused adapters: `canon lower` of the caller and `canon lift` of the callee as one core function, so that a call from
 * component to component goes from wasm to wasm.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md#canon-lower
 */
import { ComponentError } from '../errors.ts';
import { MAY_ENTER, MAY_LEAVE } from '../instance/flags.ts';
import { hasBorrow } from '../types/handles.ts';
import { alignment, elemSize, flatten, flattenFunc, MAX_FLAT_PARAMS } from '../types/layout.ts';
import type { FuncType, TupleType, ValType } from '../types/types.ts';
import { checkPointer, freshContext, memoryOf, reallocate, setFlags, withoutLeave } from './memory.ts';
import { type Passage, passage, SharedModule } from './module.ts';
import type { AdapterModule, AdapterRequest } from './requests.ts';
import { TRAP } from './traps.ts';
import { type MemoryPlace, move, moverIn, type Place } from './values.ts';
import { type Code, type Local, mem, op } from './wasm-code.ts';

export { ADAPTER_TRAPS } from './traps.ts';

/**
 * Emits one core module with an adapter for each request.
 * @param spend called with the bytes of each function as it is made, so that the caller can bound them by throwing
 * @throws ComponentError `TENON_UNSUPPORTED` for signatures that need concurrency.
 */
export function emitAdapters(requests: readonly AdapterRequest[], spend: (bytes: number) => void = () => {}): AdapterModule {
  const module = new SharedModule(spend);
  const exports = requests.map((request, index) => {
    const name = String(index);
    const type = flattenFunc(request.type, 'lower');
    const func = module.writer.func(`adapter ${request.name}`, type, (code) => new Adapter(module, request, code).emit());
    module.writer.exportFunc(name, func);
    return name;
  });
  return { bytes: module.finish(), imports: module.imports, exports };
}

/** Core types whose every value is a value of the type, so that lifting and lowering change and check nothing. */
const SAME_AS_CORE: ReadonlySet<ValType['kind']> = new Set(['s32', 'u32', 's64', 'u64', 'f32', 'f64']);

/** Whether an adapter, but for flags, would only call the callee: all that moves are numbers which both sides have as core values. */
export function passesStraight({ type, callee }: Pick<AdapterRequest, 'type' | 'callee'>): boolean {
  const { params, result } = type;
  return (
    !type.async &&
    callee.postReturn === undefined &&
    !callee.usesContext &&
    !callee.mayThrow &&
    params.length <= MAX_FLAT_PARAMS &&
    params.every((param) => SAME_AS_CORE.has(param.type.kind)) &&
    (result === undefined || SAME_AS_CORE.has(result.kind))
  );
}

class Adapter {
  private readonly module: SharedModule;
  private readonly request: AdapterRequest;
  private readonly code: Code;

  constructor(module: SharedModule, request: AdapterRequest, code: Code) {
    if (request.type.async)
      throw new ComponentError('TENON_UNSUPPORTED', `${request.name} is an async function: calling it from a component needs concurrency`);
    this.module = module;
    this.request = request;
    this.code = code;
  }

  /**
   * An exception that leaves a component is a trap: `call_and_trap_on_throw` of the spec. Nothing is caught where nothing can be thrown;
   * what JavaScript throws are traps already.
   */
  emit(): void {
    const { code, request } = this;
    const { caller, callee } = request;
    if (!callee.mayThrow && !(caller.mayThrow && caller.realloc !== undefined)) {
      this.emitCall();
      return;
    }
    code.catchAll(() => {
      this.emitCall();
      code.op(op.return);
    });
    code.trap(TRAP.exception);
  }

  private emitCall(): void {
    const { code, module, request } = this;
    const { caller, callee, type } = request;
    const borrows = hasBorrow(paramsType(type));

    const leave = this.enter();
    if (borrows) code.call(module.enterCall(callee.instance));
    const restoreContext = freshContext(code, module, callee);
    const args = this.moveParams(passage(caller, callee));

    const core = flattenFunc(type, 'lift');
    code.get(...args).call(module.func(callee.func, core));
    const returned = core.results.map((result) => code.fresh(result));
    for (const local of returned) code.set(local);

    const results = this.moveResult(type.result, returned, passage(callee, caller));
    const { postReturn } = callee;
    if (postReturn !== undefined) {
      withoutLeave(code, module, callee.instance, () => {
        code.get(...returned).call(module.postReturn(postReturn, { params: core.results, results: [] }));
      });
    }
    restoreContext();
    if (borrows) code.call(module.exitCall());
    leave();
    code.get(...results);
  }

  /** The flags: MAY_LEAVE of the caller, then MAY_ENTER of all that are entered. Returns what undoes it. */
  private enter(): () => void {
    const { code, module, request } = this;
    const load = (instance: number): void => {
      code.globalGet(module.flagsAddress(instance)).access(mem.i32Load, module.flagsMemory());
    };
    code.trapIf(TRAP.cannotLeave, () => {
      load(request.caller.instance);
      code.i32(MAY_LEAVE).op(op.i32And, op.i32Eqz);
    });
    for (const instance of request.enters) {
      code.trapIf(TRAP.cannotEnter, () => {
        load(instance);
        code.i32(MAY_ENTER).op(op.i32And, op.i32Eqz);
      });
    }
    for (const instance of request.enters) setFlags(code, module, instance, MAY_LEAVE);
    return () => {
      for (const instance of request.enters) setFlags(code, module, instance, MAY_ENTER | MAY_LEAVE);
    };
  }

  /** Returns the locals that hold the callee's core arguments. */
  private moveParams(direction: Passage): readonly Local[] {
    const { code, module } = this;
    const type = paramsType(this.request.type);
    if (type.types.length === 0) return [];
    const mover = moverIn(code, module, direction);
    const flat = flatten(type);
    if (flat.length <= MAX_FLAT_PARAMS) {
      const target: Place = { kind: 'flat', slots: flat.map((core) => code.fresh(core)) };
      move(mover, type, { kind: 'flat', slots: code.params }, target);
      return target.slots;
    }
    const align = alignment(type);
    const size = elemSize(type);
    const source = place(code.params[0]);
    checkPointer(code, memoryOf(module, direction.from), source.base, align, size);
    const target = place(code.fresh('i32'));
    reallocate(code, module, direction.to, target.base, { align, size: () => code.i32(size), outOfBounds: TRAP.pointerOutOfBounds });
    move(mover, type, source, target);
    return [target.base];
  }

  /** Returns the locals that hold the caller's core results. */
  private moveResult(type: ValType | undefined, returned: readonly Local[], direction: Passage): readonly Local[] {
    if (type === undefined) return [];
    const { code, module } = this;
    const mover = moverIn(code, module, direction);
    const flat = flatten(type);
    if (flat.length <= 1) {
      const target: Place = { kind: 'flat', slots: flat.map((core) => code.fresh(core)) };
      move(mover, type, { kind: 'flat', slots: returned }, target);
      return target.slots;
    }
    const source = place(returned[0]);
    const target = place(code.params.at(-1));
    checkPointer(code, memoryOf(module, direction.from), source.base, alignment(type), elemSize(type));
    checkPointer(code, memoryOf(module, direction.to), target.base, alignment(type), elemSize(type));
    move(mover, type, source, target);
    return [];
  }
}

const params = new WeakMap<FuncType, TupleType>();

/** The parameters as the tuple that they are spilled as. */
function paramsType(type: FuncType): TupleType {
  let known = params.get(type);
  if (known === undefined) {
    known = { kind: 'tuple', types: type.params.map((param) => param.type) };
    params.set(type, known);
  }
  return known;
}

function place(base: Local | undefined): MemoryPlace {
  if (base === undefined) throw new TypeError('a spilled value has no pointer');
  return { kind: 'memory', base, offset: 0 };
}
