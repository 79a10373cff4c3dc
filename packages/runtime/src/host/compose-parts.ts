/** Links the components of a workload with each other. */
import { Component } from '@tenon/component';
import { compose, type Part } from '@tenon/toolkit';
import { RuntimeError } from '../errors.ts';

/**
 * One component in which each part's imports are satisfied by what others export.
 * @param parts the one that is called `main`, or the only one from which no other imports, gives the result its exports
 * @throws RuntimeError TENON_MANIFEST when it is not clear which that is; ToolkitError when parts do not fit
 */
export async function composeParts(parts: readonly { readonly name: string; readonly bytes: Uint8Array }[]): Promise<Uint8Array> {
  const compiled: Part[] = await Promise.all(
    parts.map(async ({ name, bytes }) => ({ name, bytes: new Uint8Array(bytes), component: await Component.compile(bytes) })),
  );
  const main = compiled.find((part) => part.name === 'main') ?? onlyRoot(compiled);
  return compose(
    main,
    compiled.filter((part) => part !== main),
  ).bytes;
}

const withoutVersion = (name: string): string => name.replace(/@.*/, '');

function onlyRoot(parts: readonly Part[]): Part {
  const imported = new Set(parts.flatMap(({ component }) => component.imports.map(({ name }) => withoutVersion(name))));
  const roots = parts.filter(({ component }) => !component.exports.some(({ name }) => imported.has(withoutVersion(name))));
  const [root] = roots;
  if (root !== undefined && roots.length === 1) return root;
  const names = parts.map((part) => part.name).join(', ');
  throw new RuntimeError('TENON_MANIFEST', `it is not clear which of the components ${names} is called from outside: call it \`main\``);
}
