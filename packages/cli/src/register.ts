/**
 * `node --import tenon/register app.js`: WebAssembly components can be imported as modules.
 * `import { math } from './calculator.wasm'` gives the interface `math` that the component exports; core modules keep Node's own way.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Explainer.md#esm-integration
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { exportNames } from './module-exports.ts';

const INSTANTIATE = new URL('./module-instance.ts', import.meta.url).href;
/** The layer field of the preamble tells a component from a core module. */
const COMPONENT_PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];

registerHooks({
  load(url, context, nextLoad) {
    if (!isWasmFile(url) || !isComponent(url)) return nextLoad(url, context);
    return { format: 'module', source: moduleSource(url), shortCircuit: true };
  },
});

function isWasmFile(url: string): boolean {
  return url.startsWith('file:') && new URL(url).pathname.endsWith('.wasm');
}

function isComponent(url: string): boolean {
  const file = openSync(fileURLToPath(url), 'r');
  try {
    const preamble = new Uint8Array(8);
    readSync(file, preamble);
    return COMPONENT_PREAMBLE.every((byte, i) => preamble[i] === byte);
  } finally {
    closeSync(file);
  }
}

/** A module that instantiates the component and exports what it exports, under the same names as `Instance.exports`. */
function moduleSource(url: string): string {
  const names = exportNames(readFileSync(fileURLToPath(url)));
  return [
    `import { instantiateModule } from ${JSON.stringify(INSTANTIATE)};`,
    'const instance = await instantiateModule(import.meta.url, (specifier) => import(specifier));',
    ...names.map((name, i) => `const export${i} = instance[${JSON.stringify(name)}];`),
    `export { ${names.map((name, i) => `export${i} as ${JSON.stringify(name)}`).join(', ')} };`,
    '',
  ].join('\n');
}
