/** Core modules in scripts, on the host's own WebAssembly. */
import type { Value } from './values.ts';

export class CoreInstance {
  readonly exports: WebAssembly.Exports;

  constructor(module: WebAssembly.Module, registered: ReadonlyMap<string, CoreInstance>) {
    const imports = Object.fromEntries([...registered].map(([name, instance]) => [name, instance.exports]));
    this.exports = new WebAssembly.Instance(module, imports).exports;
  }

  /** @returns the results as unsigned integers and floats. */
  invoke(name: string, args: readonly Value[]): readonly (bigint | number)[] {
    const exported = this.exports[name];
    if (typeof exported !== 'function') throw new Error(`the module exports no function \`${name}\``);
    const result: unknown = exported(...args.map(toCore));
    return (Array.isArray(result) ? result : result === undefined ? [] : [result]).map(number);
  }

  get(name: string): bigint | number {
    const exported = this.exports[name];
    if (!(exported instanceof WebAssembly.Global)) throw new Error(`the module exports no global \`${name}\``);
    return number(exported.value);
  }
}

/** The results as values of the expected kinds: a core result carries no type that JavaScript could see. */
export function coreValues(results: readonly (bigint | number)[], expected: readonly Value[]): readonly Value[] {
  return results.map((result, index) => {
    const kind = expected[index]?.kind;
    if (typeof result === 'bigint') return { kind: 'i64', value: BigInt.asUintN(64, result) };
    return kind === 'i32' ? { kind, value: BigInt.asUintN(32, BigInt(result)) } : { kind: kind === 'f32' ? 'f32' : 'f64', value: result };
  });
}

/** What `assert_trap` accepts of a core module. */
export function isCoreTrap(error: unknown): boolean {
  return error instanceof WebAssembly.RuntimeError || (error instanceof RangeError && /stack/.test(error.message));
}

function toCore(value: Value): bigint | number {
  if (value.kind === 'i32') return Number(BigInt.asIntN(32, value.value));
  if (value.kind === 'i64' || value.kind === 'f32' || value.kind === 'f64') return value.value;
  throw new Error(`a core function cannot take a ${value.kind}`);
}

function number(value: unknown): bigint | number {
  if (typeof value === 'bigint' || typeof value === 'number') return value;
  throw new Error('the value is no number: references and vectors cannot be compared');
}
