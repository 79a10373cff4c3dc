/** Components for tests: of any WIT world, with functions that trap, or from text. */

import { componentEmbed, componentNew, componentWit, parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { Component, type ExternDescription, type ExternType } from '@tenon/component';
import type { Part } from '../src/compose/compose.ts';

/** A component of a world; its package has to come first in the source. */
export async function dummy(name: string, wit: string): Promise<Part> {
  const core = await componentEmbed({ witSource: wit, dummy: true });
  return part(name, await componentNew(core, []));
}

/** A component in the text format. */
export async function assemble(name: string, text: string): Promise<Part> {
  return part(name, await parse(text));
}

export async function part(name: string, bytes: Uint8Array): Promise<Part> {
  const own = new Uint8Array(bytes);
  return { name, bytes: own, component: await Component.compile(own) };
}

/** The binary form of a package with its world, as toolchains put it into core modules. */
export async function binaryPackage(wit: string): Promise<Uint8Array> {
  const core = await WebAssembly.compile(new Uint8Array(await componentEmbed({ witSource: wit, dummy: true })));
  const [section] = WebAssembly.Module.customSections(core, 'component-type');
  if (section === undefined) throw new Error('the core module holds no world');
  return new Uint8Array(section);
}

/** The imports and exports of the world in some WIT, as wasm-tools reads it. */
export async function readWorld(
  wit: string,
): Promise<{ readonly imports: readonly ExternDescription[]; readonly exports: readonly ExternDescription[] }> {
  const [world] = (await Component.compile((await binaryPackage(wit)) as Uint8Array<ArrayBuffer>)).exports;
  const outer = world?.type.kind === 'type' && world.type.type.kind === 'component' ? world.type.type.type : undefined;
  const [inner] = outer?.exports.values() ?? [];
  if (inner?.kind !== 'component') throw new Error('no world in the package');
  const list = (externs: ReadonlyMap<string, ExternType>): ExternDescription[] => [...externs].map(([name, type]) => ({ name, type }));
  return { imports: list(inner.type.imports), exports: list(inner.type.exports) };
}

/** The WIT of a component as wasm-tools prints it, which validates the component too. */
export async function referenceWit(bytes: Uint8Array): Promise<string> {
  return componentWit(bytes);
}
