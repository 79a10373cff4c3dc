/** The thread that runs one script: it tells before and after each directive, so that a hang or crash is known to the line. */
import { parentPort, workerData } from 'node:worker_threads';
import type { WastEngine } from './engine.ts';
import { type Outcome, Runner } from './run.ts';
import type { Directive } from './script.ts';

export interface WorkerInput {
  readonly directives: readonly Directive[];
  /** URL of a module that exports `engine`; Tenon when absent. */
  readonly engine: string | undefined;
}
export type WorkerMessage = { readonly started: number } | { readonly finished: number; readonly outcome: Outcome };

const { directives, engine: url } = workerData as WorkerInput;

async function main(): Promise<void> {
  const engine: WastEngine = url === undefined ? (await import('./tenon.ts')).tenonEngine : (await import(url)).engine;
  const runner = new Runner(engine);
  // When nothing is left that could settle what a directive waits for, the event loop runs empty: that is a deadlock, not a hang.
  let stuck: (() => void) | undefined;
  // The turn that setImmediate asks for keeps the loop alive for the next directive.
  process.on('beforeExit', () => stuck && setImmediate(stuck));
  for (const [index, directive] of directives.entries()) {
    parentPort?.postMessage({ started: index } satisfies WorkerMessage);
    const deadlock = new Promise<Outcome>((resolve) => {
      stuck = () => resolve({ status: 'fail', message: 'it waits for ever: nothing is left that could wake it' });
    });
    const outcome = await Promise.race([runner.run(directive), deadlock]);
    stuck = undefined;
    parentPort?.postMessage({ finished: index, outcome } satisfies WorkerMessage);
  }
}

void main();
