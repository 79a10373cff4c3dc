/**
 * `example:calculator` and `example:consumer`, which uses it, in several languages, to be composed with each other.
 * The built forms under 1 MB are in git beside the sources; the others are built when they are first asked for.
 */
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lock } from '../build.ts';
import { CACHE_FOLDER, GUESTS_FOLDER } from '../guests.ts';
import { CALCULATOR_RECIPES } from './recipes.ts';

export type Role = 'calculator' | 'consumer';

export const LANGUAGES = ['rust', 'c', 'zig', 'go', 'kotlin', 'js', 'qjs', 'python'] as const;

export type CalculatorLanguage = (typeof LANGUAGES)[number];

/** Those that are small enough for git. The calculator in Rust is a guest of its own. */
const COMMITTED: ReadonlySet<CalculatorLanguage> = new Set(['rust', 'c', 'zig', 'kotlin']);

function committedPath(language: CalculatorLanguage, role: Role): string | undefined {
  if (language === 'rust' && role === 'calculator') return join(GUESTS_FOLDER, 'rust-calculator', 'rust-calculator.wasm');
  return COMMITTED.has(language) ? join(GUESTS_FOLDER, 'calculators', language, `${role}.wasm`) : undefined;
}

/**
 * The bytes of one, built first where that is needed.
 * @throws MissingToolchain when the language is not installed on this machine.
 */
export async function readCalculator(language: CalculatorLanguage, role: Role): Promise<Uint8Array> {
  const path = committedPath(language, role) ?? join(CACHE_FOLDER, 'calculators', `${language}-${role}-${hashSources(language)}.wasm`);
  if (!existsSync(path)) await buildCalculator(language, role, path);
  return new Uint8Array(readFileSync(path));
}

/** Builds one anew, into a file. One process at a time builds. */
export async function buildCalculator(language: CalculatorLanguage, role: Role, path = committedPath(language, role)): Promise<void> {
  if (path === undefined) throw new Error(`${language} is not in git`);
  const unlock = await lock();
  try {
    process.stderr.write(`Building the ${role} in ${language} …\n`);
    const component = await CALCULATOR_RECIPES[language](role);
    mkdirSync(join(CACHE_FOLDER, 'calculators'), { recursive: true });
    writeFileSync(`${path}.${process.pid}`, component);
    renameSync(`${path}.${process.pid}`, path);
  } finally {
    unlock();
  }
}

function hashSources(language: CalculatorLanguage): string {
  const hash = createHash('sha256');
  const sources = globSync([`calculators/${language === 'qjs' ? 'js' : language}/**/*`, 'calculators/wit/*', 'calculators/recipes.ts'], {
    cwd: GUESTS_FOLDER,
  }).sort();
  for (const source of sources.filter((each) => !/\.wasm$|__pycache__/.test(each))) {
    const file = join(GUESTS_FOLDER, source);
    if (statSync(file).isFile()) hash.update(source).update(readFileSync(file));
  }
  return hash.digest('hex').slice(0, 16);
}

// `node guests/calculators/calculators.ts LANGUAGE…` builds again what is in git.
if (import.meta.main) {
  for (const language of process.argv.slice(2) as CalculatorLanguage[]) {
    for (const role of ['calculator', 'consumer'] as const) {
      if (language !== 'rust' || role === 'consumer') await buildCalculator(language, role);
    }
  }
}
