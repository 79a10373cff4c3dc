/** jco as a contender: transpiles a component and imports the result. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface Transpiled {
  readonly exports: Record<string, unknown>;
  close(): Promise<void>;
}

/**
 * @param imports modules to put behind imports: import name → ES module source
 */
export async function transpiled(bytes: Uint8Array, imports: Readonly<Record<string, string>> = {}): Promise<Transpiled> {
  const { transpile } = await import('@bytecodealliance/jco');
  const folder = await mkdtemp(join(tmpdir(), 'tenon-bench-jco-'));
  const map: Record<string, string> = {};
  let i = 0;
  for (const [name, source] of Object.entries(imports)) {
    const file = `./host-${i++}.js`;
    map[name] = file;
    await writeFile(join(folder, file), source);
  }
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  const { files } = await transpile(bytes, { name: 'component', map, noTypescript: true });
  for (const [name, content] of Object.entries(files)) {
    const file = join(folder, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content as Uint8Array);
  }
  const exports = (await import(pathToFileURL(join(folder, 'component.js')).href)) as Record<string, unknown>;
  return { exports, close: () => rm(folder, { recursive: true, force: true }) };
}
