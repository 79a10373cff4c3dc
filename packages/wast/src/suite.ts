/** Runs files and folders of scripts: one worker a file, each with a watchdog. */
import { globSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { type Assemble, assembleScript, loadAssembler } from './assemble.ts';
import { WastError } from './errors.ts';
import type { Outcome, Status } from './run.ts';
import { type Directive, directiveType, readScript } from './script.ts';
import { type AcceptedTexts, matches, type Texts } from './texts.ts';
import type { WorkerInput, WorkerMessage } from './worker.ts';

/** What became of one directive. */
export interface DirectiveReport {
  /** As given, or relative to the folder that was given, with `/`. */
  readonly file: string;
  readonly line: number;
  /** `component`, `assert_return`, … */
  readonly type: string;
  readonly status: Status;
  readonly message: string;
  /** The text that the script expects in the error, and what was found. */
  readonly text: (Texts & { readonly matches: boolean }) | undefined;
}

export interface SuiteOptions {
  /** Milliseconds that a file may take; then its running directive fails and the rest is not run. 30,000 when absent. */
  readonly timeout?: number;
  /** Files at a time. 1 when absent. */
  readonly jobs?: number;
  /** URL of a module that exports `engine: WastEngine`. Tenon when absent. */
  readonly engine?: string | undefined;
  /** Texts of traps that are as good as those that scripts expect; `any` to take each for good, as with an engine of other words. */
  readonly texts?: AcceptedTexts | 'any';
  /** Only decodes and validates: what instantiates, calls or links is left out, so that imports may be missing. */
  readonly validateOnly?: boolean;
  /** Called after each file, in order. */
  readonly onFile?: (reports: readonly DirectiveReport[]) => void;
}

interface Script {
  /** Where to read it. */
  readonly path: string;
  /** Its name in reports. */
  readonly name: string;
}

/**
 * Runs scripts.
 * @param paths files, or folders that are searched for `.wast` files.
 * @throws WastError TENON_WAST_FILE when a path cannot be read, TENON_WAST_ASSEMBLER when an assembler is needed and missing.
 */
export async function runSuite(paths: readonly string[], options: SuiteOptions = {}): Promise<readonly DirectiveReport[]> {
  const scripts = paths.flatMap(findScripts);
  let assembler: Promise<Assemble> | undefined;
  const load = (): Promise<Assemble> => {
    assembler ??= loadAssembler();
    return assembler;
  };
  const reports: (readonly DirectiveReport[])[] = [];
  let shown = 0;
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < scripts.length; index = next++) {
      const script = scripts[index];
      if (script === undefined) return;
      reports[index] = await runScript(script, load, options);
      for (let ready = reports[shown]; ready !== undefined; ready = reports[shown]) {
        shown++;
        options.onFile?.(ready);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, options.jobs ?? 1) }, lane));
  return reports.flat();
}

function findScripts(given: string): readonly Script[] {
  try {
    if (!statSync(given).isDirectory()) return [{ path: given, name: given.split(path.sep).join('/') }];
    const names = globSync('**/*.wast', { cwd: given }).map((name) => name.split(path.sep).join('/'));
    if (names.length === 0) throw new Error('the folder holds no .wast file');
    return names.sort().map((name) => ({ path: path.join(given, name), name }));
  } catch (cause) {
    throw new WastError('TENON_WAST_FILE', `${given}: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

async function runScript(script: Script, load: () => Promise<Assemble>, options: SuiteOptions): Promise<readonly DirectiveReport[]> {
  let directives: readonly Directive[];
  try {
    directives = await assembleScript(readScript(readFileSync(script.path, 'utf8'), script.name), load);
  } catch (error) {
    if (!(error instanceof WastError) || error.code !== 'TENON_WAST_SYNTAX') throw error;
    return [{ file: script.name, line: 1, type: 'script', status: 'fail', message: error.message, text: undefined }];
  }
  if (options.validateOnly === true) directives = directives.flatMap(validation);
  const outcomes = await runInWorker(directives, options);
  return directives.map((directive, index) => {
    const outcome = outcomes[index] ?? { status: 'not-run', message: 'an earlier directive of the file ended the run' };
    return report(script, directive, outcome, options);
  });
}

function report(script: Script, directive: Directive, { status, message, text }: Outcome, { texts }: SuiteOptions): DirectiveReport {
  const place = { file: script.name, line: directive.line, type: directiveType(directive) };
  if (text === undefined) return { ...place, status, message, text };
  const found = { ...text, matches: matches(text, texts === 'any' ? undefined : texts) };
  if (found.matches || texts === 'any' || !TRAPS.has(directive.type)) return { ...place, status, message, text: found };
  // What made it trap may be something else than what the script is about.
  const why = `it trapped, but not with ${JSON.stringify(text.expected)}: ${text.found}`;
  return { ...place, status: 'fail', message: why, text: found };
}

const TRAPS: ReadonlySet<Directive['type']> = new Set(['assert_trap', 'assert_exhaustion']);

/** What is left of a directive when nothing is to be instantiated. */
function validation(directive: Directive): readonly Directive[] {
  switch (directive.type) {
    case 'component':
    case 'module':
      return [{ ...directive, type: `${directive.type} definition` }];
    case 'component definition':
    case 'module definition':
    case 'assert_invalid':
    case 'assert_malformed':
    case 'unreadable':
      return [directive];
    case 'assert_unlinkable':
    case 'assert_trap':
      if (!('source' in directive)) return [];
      return [{ line: directive.line, type: `${directive.source.sort} definition`, source: directive.source }];
    default:
      return [];
  }
}

/** @returns the outcomes of the directives up to the one that hung or crashed, that one included. */
function runInWorker(directives: readonly Directive[], { timeout = 30_000, engine }: SuiteOptions): Promise<readonly Outcome[]> {
  return new Promise((resolve) => {
    const outcomes: Outcome[] = [];
    let running = 0;
    let settled = false;
    const workerData: WorkerInput = { directives, engine };
    const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js';
    const worker = new Worker(new URL(file, import.meta.url), { workerData, stdout: true, stderr: true });
    let noise = '';
    worker.stderr.on('data', (chunk) => {
      noise = `${noise}${chunk}`.slice(0, 500);
    });
    worker.stdout.resume();
    const settle = (why: string | undefined): void => {
      if (settled) return;
      settled = true;
      clearTimeout(watchdog);
      if (why !== undefined && outcomes.length < directives.length) outcomes[running] = { status: 'fail', message: why };
      void worker.terminate();
      resolve(outcomes);
    };
    const watchdog = setTimeout(() => settle(`it took more than ${timeout / 1000} s`), timeout);
    worker.on('message', (message: WorkerMessage) => {
      if ('started' in message) running = message.started;
      else outcomes[message.finished] = message.outcome;
      if (outcomes.length === directives.length) settle(undefined);
    });
    worker.on('error', (error: Error) => settle(`the worker crashed: ${error.message}`));
    worker.on('exit', (code) => settle(`the worker ended with code ${code} ${noise.trim()}`.trim()));
    if (directives.length === 0) settle(undefined);
  });
}
