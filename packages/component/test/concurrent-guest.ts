/** Components in text that use the built-ins of concurrency, for tests. */
import { parse } from '@bytecodealliance/jco';
import { Component, type Instance, Linker, type LinkerOptions } from '../src/index.ts';

export type Exports = Record<string, (...args: unknown[]) => Promise<unknown>>;

export async function instantiate(
  text: string,
  imports: Readonly<Record<string, unknown>> = {},
  options: LinkerOptions = {},
): Promise<Instance> {
  const linker = new Linker(options);
  for (const [name, value] of Object.entries(imports)) linker.define(name, value);
  return linker.instantiate(await Component.compile(new Uint8Array(await parse(text))));
}

/** The functions that a component in text exports. */
export async function exportsOf(
  text: string,
  imports: Readonly<Record<string, unknown>> = {},
  options: LinkerOptions = {},
): Promise<Exports> {
  return (await instantiate(text, imports, options)).exports as unknown as Exports;
}

/** A core module with one page of memory, and `realloc` that gives memory from 1024 on and never takes it back. */
export const MEMORY = `
  (core module $memory (memory (export "mem") 2)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (local.get $at)))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "mem" (core memory $mem))
  (alias core export $memory "realloc" (core func $realloc))`;
