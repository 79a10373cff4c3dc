/**
 * What the declarations of this package name of the host, as far as users of them may lack it: a project without `lib: ["dom"]` and without
 * `@types/node`. Where the real declarations are, these merge with them.
 */

declare namespace WebAssembly {
  // biome-ignore lint/suspicious/noEmptyInterface: as the real one
  interface Module {}

  interface Memory {
    readonly buffer: ArrayBuffer;
    grow(delta: number): number;
  }

  interface Table {
    readonly length: number;
  }
}

interface AbortSignal {
  readonly aborted: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: as the real one
  readonly reason: any;
}

interface AbortController {
  readonly signal: AbortSignal;
  // biome-ignore lint/suspicious/noExplicitAny: as the real one
  abort(reason?: any): void;
}

// biome-ignore lint/suspicious/noExplicitAny: as the real one
interface ReadableStream<R = any> {
  readonly locked: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: as the real one
  cancel(reason?: any): Promise<void>;
}
