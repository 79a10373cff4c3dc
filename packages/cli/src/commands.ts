/** All commands: to add one, write a file in `commands/` and a row here. A command's code is loaded when it is called. */
import type { Command } from './command.ts';

interface Entry {
  readonly summary: string;
  load(): Promise<{ readonly command: Command }>;
}

export const COMMANDS: Readonly<Record<string, Entry>> = {
  run: { summary: 'run a command component, or call one of its functions', load: () => import('./commands/run.ts') },
  serve: { summary: 'serve an HTTP component', load: () => import('./commands/serve.ts') },
  compose: { summary: 'plug components into a component', load: () => import('./commands/compose.ts') },
  inspect: { summary: 'show what a component imports, exports, consists of and can touch', load: () => import('./commands/inspect.ts') },
  types: { summary: 'generate TypeScript declarations for a component', load: () => import('./commands/types.ts') },
  validate: { summary: 'check that files are valid components', load: () => import('./commands/validate.ts') },
  wast: { summary: 'run component test scripts', load: () => import('./commands/wast.ts') },
};
