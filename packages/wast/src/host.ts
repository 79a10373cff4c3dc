/**
 * The host that component test suites expect: the names and types that Wasmtime's `wast` command provides.
 */

// (module (global (export "g") i32 (i32.const 100)) (func (export "f") (result i32) (i32.const 101)))
const SIMPLE_MODULE = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7f], // type 0: () -> i32
  ...[0x03, 0x02, 0x01, 0x00], // func 0: type 0
  ...[0x06, 0x07, 0x01, 0x7f, 0x00, 0x41, 0xe4, 0x00, 0x0b], // global 0: i32 = 100
  ...[0x07, 0x09, 0x02, 0x01, 0x67, 0x03, 0x00, 0x01, 0x66, 0x00, 0x00], // exports g and f
  ...[0x0a, 0x07, 0x01, 0x05, 0x00, 0x41, 0xe5, 0x00, 0x0b], // f returns 101
);

/** Definitions by import name, fresh for each store. */
export function hostDefinitions(): ReadonlyMap<string, unknown> {
  let drops = 0;
  let lastDrop = 0;

  const check = (condition: boolean, message: string): void => {
    if (!condition) throw new Error(message);
  };

  class Resource1 {
    readonly rep: number;

    constructor(rep: number) {
      this.rep = rep;
    }

    static assert(resource: Resource1, rep: number): void {
      check(resource.rep === rep, `resource1 holds ${resource.rep}, not ${rep}`);
    }

    static lastDrop(): number {
      return lastDrop;
    }

    static drops(): number {
      return drops;
    }

    simple(rep: number): void {
      Resource1.assert(this, rep);
    }

    takeBorrow(other: Resource1): void {
      check(other instanceof Resource1, 'not a resource1');
    }

    takeOwn(other: Resource1): void {
      check(other instanceof Resource1, 'not a resource1');
    }

    async neverReturn(): Promise<void> {
      await never();
    }

    [Symbol.dispose](): void {
      drops++;
      lastDrop = this.rep;
    }
  }

  class Resource2 {}

  const host = {
    Resource1,
    Resource2,
    Resource1Again: Resource1,
    'simple-module': new WebAssembly.Module(SIMPLE_MODULE),
    nested: { returnFour: (): number => 4 },
    returnThree: (): number => 3,
    returnHi: (): string => 'hi',
    neverReturn: async (): Promise<void> => never(),
    returnTwoSlowly: async (): Promise<number> => {
      await nextTurn();
      return 2;
    },
    echoSlowly: async (value: number): Promise<number> => {
      await nextTurn();
      return value;
    },
  };
  return new Map<string, unknown>([
    ['host', host],
    ['host-return-two', (): number => 2],
    ['host-echo-u32', async (value: number): Promise<number> => value],
  ]);
}

const never = (): Promise<void> => new Promise(() => undefined);
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
