/** What a rewritten module says about itself, in a custom section: all that the engine needs to make an instance of it. */

/** Changes whenever the rewriting does, so that what was kept from before is not used. */
export const REWRITE_VERSION = 3;

export const LAYOUT_SECTION = 'tenon.layout';

export interface MemoryLayout {
  /** Pages. */
  readonly min: number;
  readonly max: number | undefined;
  readonly shared: boolean;
  readonly index64: boolean;
  /** Where the module imports it from. */
  readonly module: string;
  readonly name: string;
  /** Whether the original module defined it, so that the engine makes it. */
  readonly own: boolean;
}

export interface Layout {
  readonly version: number;
  /** By memory index. The word of the clock comes after them. */
  readonly memories: readonly MemoryLayout[];
  /** What the module of added imports is called. */
  readonly namespace: string;
  /** With what the names of added exports begin. */
  readonly prefix: string;
  /** Elements of its own tables when they are new. */
  readonly tableElements: number;
  /** Bytes of the largest array that a constant expression makes; null where that is not known. */
  readonly constantArrayBytes: number | null;
  /** Whether there is a start function, which is exported. */
  readonly start: boolean;
  /** Whether there are globals or tables whose state is recorded and put back. */
  readonly state: boolean;
  /** Why an instance cannot be made as new. */
  readonly remake: readonly string[];
}

/** Names of added imports and exports, after the prefix of exports. */
export const NAMES = { clock: 'clock', init: 'init', start: 'start', record: 'record', restore: 'restore' } as const;

/** What an instance asks of the engine: the second parameter of the service function. */
export const SERVICE = {
  /** Pages of a memory. */
  memorySize: 0,
  /** Grows a memory by so many pages; returns what it had, or -1. */
  memoryGrow: 1,
  /** Whether a table may grow by so many elements: 0, or -1. */
  tableMayGrow: 2,
  /** A table has grown. */
  tableGrew: 3,
  /** A large array is about to be made, of so many bytes. */
  array: 4,
} as const;

/** From so many bytes on, the engine is asked before an array is made. */
export const LARGE_ARRAY_BYTES = 1024 * 1024;

const layouts = new WeakMap<WebAssembly.Module, { readonly layout: Layout | undefined }>();

/** Undefined for a module that was not rewritten. */
export function layoutOf(module: WebAssembly.Module): Layout | undefined {
  let known = layouts.get(module);
  if (known === undefined) {
    const [section] = WebAssembly.Module.customSections(module, LAYOUT_SECTION);
    known = { layout: section === undefined ? undefined : (JSON.parse(new TextDecoder().decode(section)) as Layout) };
    layouts.set(module, known);
  }
  return known.layout;
}
