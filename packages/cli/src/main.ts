/** The `tenon` command line: finds the command, parses its arguments, runs it, and turns what it throws into a message and an exit code. */

import { keepIn } from './cache-folder.ts';
import { type Command, helpText, parse } from './command.ts';
import { COMMANDS } from './commands.ts';

/**
 * Runs a command line and sets the process's exit code: 0 for success, 1 when the guest or the operation failed, 2 for a wrong command
 * line or input that cannot be used, 134 when the guest trapped, and a guest's own exit code for `run`.
 * @param args without the names of the program
 * @param cache the folder in which to keep what is worked out about components; undefined for none
 */
export async function main(args: readonly string[], cache?: string): Promise<void> {
  keepIn(cache);

  // What reads our output may stop reading: `tenon inspect x.wasm | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  const [name = '', ...rest] = args;
  try {
    process.exitCode = await dispatch(name, rest);
  } catch (error) {
    const { report } = await import('./report.ts');
    process.exitCode = report(error, Object.hasOwn(COMMANDS, name) ? name : undefined);
  }
}

async function dispatch(name: string, args: readonly string[]): Promise<number> {
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry === undefined) return topLevel(name, args);
  const { command } = await entry.load();
  return runCommand(name, command, args);
}

async function runCommand(name: string, command: Command, args: readonly string[]): Promise<number> {
  const parsed = parse(command, args);
  if (parsed !== undefined) return command.run(parsed);
  process.stdout.write(helpText(name, command));
  return 0;
}

async function topLevel(name: string, args: readonly string[]): Promise<number> {
  if (name === '--version' || name === '-V') {
    const { version } = await import('./version.ts');
    process.stdout.write(`tenon ${version}\n`);
    return 0;
  }
  if (name === '' || name === '--help' || name === '-h' || name === 'help') {
    const [topic] = args;
    if (topic !== undefined && Object.hasOwn(COMMANDS, topic)) return dispatch(topic, ['--help']);
    process[name === '' ? 'stderr' : 'stdout'].write(overview());
    return name === '' ? 2 : 0;
  }
  const { usage } = await import('./errors.ts');
  const { nearest } = await import('@tenon/toolkit');
  const near = nearest(name, Object.keys(COMMANDS));
  throw usage(`there is no command \`${name}\`${near === undefined ? '; see `tenon --help`' : `; did you mean \`tenon ${near}\`?`}`);
}

function overview(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  return [
    'Runs, composes, serves and inspects WebAssembly components.',
    '',
    'Usage: tenon COMMAND [OPTIONS]',
    '',
    'Commands:',
    ...Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'Options:',
    '  -h, --help     print this help; `tenon COMMAND --help` for a command',
    '  -V, --version  print the version',
    '',
    'Example:',
    "  tenon run --invoke 'add(1, 2)' calculator.wasm",
    '',
  ].join('\n');
}
