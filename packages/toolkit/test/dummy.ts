/** Components for tests: of any WIT world, with functions that trap, or from text. */

import { componentEmbed, componentNew, componentWit, parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { Component } from '@tenon/component';
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

/** The WIT of a component as wasm-tools prints it, which validates the component too. */
export async function referenceWit(bytes: Uint8Array): Promise<string> {
  return componentWit(bytes);
}
