import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { transpile } from '@bytecodealliance/jco';
import fc from 'fast-check';
import { extremes } from '../extremes.ts';
import { mutant } from '../mutate.ts';
import { Random } from '../random.ts';
import { examine } from '../target.ts';
import { callAll, type Engine, tenon } from './call.ts';
import { echoes } from './corpus.ts';
import { type Encoding, EXPORT, echo, IMPORT } from './echo.ts';
import { calls, signature } from './signature.ts';
import { Thing } from './types.ts';

/** FUZZ_RUNS asks for more, FUZZ_SEED for others. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 500);
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_123);
/** Transpiling takes long. */
const JCO_RUNS = Math.ceil(RUNS / 30);
const MAX_BYTES = 8_192;

test('wasm-tools accepts and rejects the same components', async () => {
  const corpus = [...extremes(), ...(await echoes())].filter((bytes) => bytes.length <= MAX_BYTES);
  let valid = 0;
  for (let i = 0; i < RUNS; i++) {
    const bytes = mutant(new Random(SEED, i), corpus, MAX_BYTES);
    try {
      if ((await examine(bytes, true)).verdict === 'valid') valid++;
    } catch (error) {
      throw new Error(`input ${i}: ${Buffer.from(bytes).toString('hex')}`, { cause: error });
    }
  }
  assert.ok(valid > RUNS / 50 && valid < RUNS, `${valid} of ${RUNS} inputs are valid: that compares nothing`);
});

const folder = mkdtempSync(path.join(tmpdir(), 'tenon-agreement-'));
after(() => rmSync(folder, { recursive: true }));
let transpiled = 0;

const jco: Engine = async (bytes, f) => {
  const name = `component${transpiled++}`;
  const { files } = await transpile(bytes, { name, instantiation: 'sync', multiMemory: true });
  const modules = new Map<string, WebAssembly.Module>();
  for (const [file, content] of Object.entries(files)) {
    if (file.endsWith('.wasm')) modules.set(path.basename(file), await WebAssembly.compile(Uint8Array.from(content)));
    else if (file === `${name}.js`) writeFileSync(path.join(folder, `${name}.mjs`), content);
  }
  const { instantiate } = await import(pathToFileURL(path.join(folder, `${name}.mjs`)).href);
  const exports = instantiate((file: string) => modules.get(path.basename(file)), { [IMPORT]: { f, R: Thing } });
  return exports[EXPORT].f;
};

// The transpiler knows no other way than UTF-8 from one component to another.
const encodings = fc.constantFrom<readonly [inner: Encoding | undefined, outer: Encoding]>(['utf8', 'utf8'], [undefined, 'utf16']);
const property = signature({ recent: false, handles: false }).chain((type) =>
  fc.record({ type: fc.constant(type), list: calls(type, 2), encodings }),
);

test('jco passes the same values', async (t) => {
  const differences: unknown[] = [];
  await fc.assert(
    fc.asyncProperty(property, async ({ type, list, encodings: [inner, outer] }) => {
      const bytes = await echo(type, inner, outer);
      await callAll(tenon, bytes, type, list, { suspends: false });
      await callAll(jco, bytes, type, list, { suspends: false, lenient: true }).catch((error) => void differences.push(error));
    }),
    { numRuns: JCO_RUNS, seed: SEED },
  );
  // What Tenon passed on came out as it went in; where jco's did not, the mistake is not ours.
  t.diagnostic(`jco differs in ${differences.length} of ${JCO_RUNS} components`);
  assert.ok(differences.length <= JCO_RUNS / 4, String(differences[0]));
});
