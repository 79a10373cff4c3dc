/** Tenon as an engine for scripts. */
import { Component, ComponentError, EpochClock, type ErrorCode, type Instance, Linker, placeFunction, Trap } from '@tenon/component';
import { type Failure, type FailureKind, messages, type WastEngine } from './engine.ts';

const KINDS: Readonly<Partial<Record<ErrorCode, FailureKind>>> = {
  TENON_NOT_WASM: 'invalid',
  TENON_CORE_MODULE: 'invalid',
  TENON_MALFORMED: 'invalid',
  TENON_INVALID: 'invalid',
  TENON_CORE_INVALID: 'invalid',
  TENON_UNSUPPORTED: 'unsupported',
  TENON_IMPORT_MISSING: 'link',
  TENON_IMPORT_TYPE: 'link',
  TENON_INSTANCE_BUSY: 'trap',
  TENON_INSTANCE_POISONED: 'trap',
  TENON_RESULT: 'result',
};

/** @param clock makes core modules interruptible; it ticks before each call, so that guests look up wherever they can */
const engineOf = (clock?: EpochClock): WastEngine => ({
  async compile(bytes) {
    const component = await Component.compile(bytes, { interruptible: clock !== undefined });
    return {
      async instantiate(named) {
        clock?.tick();
        const linker = new Linker({ clock });
        for (const [name, value] of named) linker.define(name, value as object);
        const instance: Instance = await linker.instantiate(component);
        return {
          exports: component.exports,
          value: instance.exports,
          call(name, args) {
            const exported = instance.exports[placeFunction(name).name];
            if (typeof exported !== 'function') throw new Error(`instance.exports has no function for \`${name}\``);
            clock?.tick();
            return exported(...args);
          },
        };
      },
    };
  },
  classify(error): Failure {
    const message = messages(error);
    // A trap for want of a feature is not the trap that a script asserts.
    if (lacksFeature(error)) return { kind: 'unsupported', message };
    if (error instanceof Trap) return { kind: 'trap', message };
    if (!(error instanceof ComponentError)) return { kind: 'crash', message: crashMessage(error) };
    return { kind: KINDS[error.code] ?? 'crash', message: `${error.code}: ${message}`, payload: error.payload };
  },
});

export const tenonEngine: WastEngine = engineOf();

export const interruptibleEngine = (): WastEngine => engineOf(new EpochClock());

function lacksFeature(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof ComponentError && at.code === 'TENON_UNSUPPORTED') return true;
  return false;
}

function crashMessage(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return stack.split('\n').slice(0, 4).join(' ').replace(/\s+/g, ' ');
}
