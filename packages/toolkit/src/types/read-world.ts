/** Reads a world from WIT text, before there is any component of it. */
import { Component, type ExternDescription, type ExternType } from '@tenon/component';
import { ToolkitError } from '../errors.ts';

/** What a world imports and exports. */
export interface WitWorld {
  readonly imports: readonly ExternDescription[];
  readonly exports: readonly ExternDescription[];
}

/**
 * @param path a folder of WIT (with its dependencies in `deps/`), or a file
 * @param world its name, where there are several
 * @throws ToolkitError TENON_WIT when it cannot be read, TENON_WIT_READER when what reads it is not installed
 */
export async function readWorld(path: string, world?: string): Promise<WitWorld> {
  const { componentEmbed } = await loadReader();
  let core: Uint8Array;
  try {
    core = await componentEmbed({ witPath: path, dummy: true, ...(world === undefined ? {} : { world }) });
  } catch (error) {
    const lines = (error instanceof Error ? error.message : String(error)).split('\n');
    throw new ToolkitError('TENON_WIT', [`${path}: the world cannot be read:`, ...lines], error);
  }
  const [section] = WebAssembly.Module.customSections(new WebAssembly.Module(new Uint8Array(core)), 'component-type');
  return inPackage(await Component.compile(section ?? new ArrayBuffer(0)));
}

/** A package in binary form exports a component type that exports that of the world. */
function inPackage({ exports: [world] }: Component): WitWorld {
  const outer = world?.type.kind === 'type' && world.type.type.kind === 'component' ? world.type.type.type : undefined;
  const [inner] = outer?.exports.values() ?? [];
  if (inner?.kind !== 'component') throw new Error('internal error: no world in the package');
  const list = (externs: ReadonlyMap<string, ExternType>): ExternDescription[] => [...externs].map(([name, type]) => ({ name, type }));
  return { imports: list(inner.type.imports), exports: list(inner.type.exports) };
}

async function loadReader(): Promise<typeof import('@bytecodealliance/jco-transpile/wasm-tools')> {
  try {
    return await import('@bytecodealliance/jco-transpile/wasm-tools');
  } catch (cause) {
    throw new ToolkitError('TENON_WIT_READER', 'WIT text needs a reader: run `npm install @bytecodealliance/jco-transpile@0.14.0`', cause);
  }
}
