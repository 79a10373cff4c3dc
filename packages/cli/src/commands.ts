/** All commands: to add one, write a file in `commands/` and a row here. A command's code is loaded when it is called. */
import type { Command } from './command.ts';

interface Entry {
  readonly summary: string;
  load(): Promise<{ readonly command: Command }>;
}

export const COMMANDS: Readonly<Record<string, Entry>> = {
  run: { summary: 'run a command component, or call one of its functions', load: () => import('./commands/run.ts') },
  serve: { summary: 'serve an HTTP component', load: () => import('./commands/serve.ts') },
  up: { summary: 'run the application that tenon.yaml describes', load: () => import('./commands/up.ts') },
  down: { summary: 'stop an application, or the host', load: () => import('./commands/down.ts') },
  ps: { summary: 'show what runs on the host', load: () => import('./commands/ps.ts') },
  status: { summary: 'show how the host or a workload is', load: () => import('./commands/status.ts') },
  logs: { summary: 'print what the host and its workloads log', load: () => import('./commands/logs.ts') },
  restart: { summary: 'start a workload anew, or go back to an earlier revision', load: () => import('./commands/restart.ts') },
  call: { summary: 'call an export of a running workload', load: () => import('./commands/call.ts') },
  compose: { summary: 'plug components into a component', load: () => import('./commands/compose.ts') },
  inspect: { summary: 'show what a component imports, exports, consists of and can touch', load: () => import('./commands/inspect.ts') },
  types: { summary: 'generate TypeScript declarations for a component', load: () => import('./commands/types.ts') },
  validate: { summary: 'check that files are valid components', load: () => import('./commands/validate.ts') },
  wast: { summary: 'run component test scripts', load: () => import('./commands/wast.ts') },
};
