import { type CompileOptions, limitMemories } from '@tenon/component';

/** What tells a core module of preview 1 from others. */
export const NAMESPACE = 'wasi_snapshot_preview1';

/**
 * The module when the bytes are a core module that imports `wasi_snapshot_preview1`, `undefined` when they are anything else.
 * @throws ComponentError TENON_MEMORY_LIMIT
 */
export async function preview1Module(
  bytes: Uint8Array<ArrayBuffer>,
  { maxMemoryBytes }: CompileOptions = {},
): Promise<WebAssembly.Module | undefined> {
  const version = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  if (version.some((byte, index) => bytes[index] !== byte)) return undefined;
  try {
    const module = await WebAssembly.compile(maxMemoryBytes === undefined ? bytes : limitMemories(bytes, maxMemoryBytes));
    return WebAssembly.Module.imports(module).some((item) => item.module === NAMESPACE) ? module : undefined;
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return undefined;
    throw error;
  }
}
