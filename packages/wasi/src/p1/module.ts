import { type CompileOptions, limitModule } from '@tenon/component';

/** What core modules of WASI import from: preview 1, and preview 0, which came before it. */
export const NAMESPACES: readonly string[] = ['wasi_unstable', 'wasi_snapshot_preview1'];

/**
 * The module when the bytes are a core module that imports `wasi_snapshot_preview1` or `wasi_unstable`, or that imports nothing and exports
 * what a command does, `_start` or `_initialize`; `undefined` when they are anything else.
 * @throws ComponentError TENON_MEMORY_LIMIT
 */
export async function preview1Module(
  bytes: Uint8Array<ArrayBuffer>,
  limits: Pick<CompileOptions, 'maxMemoryBytes' | 'maxTableElements'> = {},
): Promise<WebAssembly.Module | undefined> {
  const version = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  if (version.some((byte, index) => bytes[index] !== byte)) return undefined;
  try {
    const module = await WebAssembly.compile(limitModule(bytes, limits));
    const imports = WebAssembly.Module.imports(module);
    const alone = imports.length === 0 && WebAssembly.Module.exports(module).some(isEntry);
    return alone || imports.some((item) => NAMESPACES.includes(item.module)) ? module : undefined;
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return undefined;
    throw error;
  }
}

/** What runs a command, or makes a library ready. */
export function isEntry({ name, kind }: WebAssembly.ModuleExportDescriptor): boolean {
  return kind === 'function' && (name === '_start' || name === '_initialize');
}
