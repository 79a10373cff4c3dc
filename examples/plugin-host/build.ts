/** Builds the plugins of the example: `node examples/plugin-host/build.ts FOLDER`. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { componentize } from 'componentize-qjs';

const HERE = import.meta.dirname;

/** Makes a component of a program in JavaScript. */
export async function build(source: string): Promise<Uint8Array> {
  const { component } = await componentize({ jsSource: source, witPath: join(HERE, 'wit'), optSize: true, sync: true });
  return component;
}

export const sourceOf = (name: string): string => readFileSync(join(HERE, 'guests', `${name}.js`), 'utf8');

if (import.meta.main) {
  const [folder = join(HERE, 'plugins')] = process.argv.slice(2);
  mkdirSync(folder, { recursive: true });
  for (const name of ['outline', 'rogue']) {
    const file = join(folder, `${name}.wasm`);
    writeFileSync(file, await build(sourceOf(name)));
    console.log(file);
  }
}
