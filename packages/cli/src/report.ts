/** Errors → what a person sees on stderr, and the exit code. */
import { styleText } from 'node:util';
import type { Trap } from '@tenon/component';
import { visible } from '@tenon/component/errors';
import { isTenonError, isTrap } from './failures.ts';

/** The command line or its input cannot be used: exit code 2. Any other failure is the operation's or the guest's: exit code 1. */
const BAD_INPUT: ReadonlySet<string> = new Set([
  'TENON_USAGE',
  'TENON_FILE',
  'TENON_RUN_EXPORT',
  'TENON_NOT_WASM',
  'TENON_CORE_MODULE',
  'TENON_MALFORMED',
  'TENON_INVALID',
  'TENON_CORE_INVALID',
  'TENON_MEMORY_LIMIT',
  'TENON_WAVE',
  'TENON_INVOKE_SYNTAX',
  'TENON_INVOKE_UNKNOWN',
  'TENON_INVOKE_ARGUMENTS',
  'TENON_INVOKE_RESOURCE',
  'TENON_HTTP_CA',
  'TENON_PREOPEN',
  'TENON_PREVIEW1',
  'TENON_NETWORK_RULE',
  'TENON_MANIFEST',
  'TENON_RUNTIME_FILE',
  'TENON_RUNTIME_OPTION',
  'TENON_RUNTIME_EXPORT',
  'TENON_RUNTIME_TLS',
  'TENON_WAST_ASSEMBLER',
  'TENON_WAST_FILE',
]);

/** What shells report for a program that aborts: it tells a guest's trap from its own exit codes. */
const ABORTED = 134;

/** Exit code of an error. */
export function exitCode(error: unknown): number {
  if (isTrap(error)) return ABORTED;
  return isTenonError(error) && BAD_INPUT.has(error.code) ? 2 : 1;
}

/**
 * Prints an error. What is not of Tenon's own making is a bug.
 * @param command the command that was running, for the pointer to its help
 * @returns the exit code
 */
export function report(error: unknown, command?: string): number {
  process.stderr.write(`${describe(error)}\n`);
  if (isTenonError(error) && error.code === 'TENON_USAGE') {
    process.stderr.write(`${paint('dim', `See \`tenon ${command === undefined ? '' : `${command} `}--help\`.`)}\n`);
  }
  return exitCode(error);
}

/** Colours only on a terminal; NO_COLOR and FORCE_COLOR are honoured. */
export function paint(style: Parameters<typeof styleText>[0], text: string, stream: NodeJS.WriteStream = process.stderr): string {
  return styleText(style, text, { stream });
}

/** Text that may have lines of its own. */
const textLines = (text: string): string[] => text.split('\n').map(visible);

/** The names of our own files are for who mends them. */
function internals(error: unknown): string {
  const { TENON_STACK } = process.env;
  if (error instanceof Error && TENON_STACK !== undefined && TENON_STACK !== '') return error.stack ?? error.message;
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return `${what}\n  This is a fault of Tenon's; with TENON_STACK=1 in the environment it says where.`;
}

/** An error as a person sees it, over one line or more. */
export function describe(error: unknown): string {
  if (!isTenonError(error)) {
    return `${paint('red', 'internal error')}: ${textLines(internals(error)).join('\n')}`;
  }
  const lines = [`${paint(['red', 'bold'], `error[${error.code}]`)}: ${error.message}`];
  if (error.path !== undefined && !error.message.includes(error.path)) lines.push(`  in ${visible(error.path)}`);
  if (error.offset !== undefined && !/offset/.test(error.message)) {
    lines.push(`  at byte offset ${error.offset} (0x${error.offset.toString(16)})`);
  }
  if (isTrap(error)) lines.push(...trapLines(error));
  return lines.join('\n');
}

/** Where a trap happened, and how the guest got there. */
function trapLines(trap: Trap): string[] {
  const lines: string[] = [];
  const { component, func } = trap;
  const site = [component && `component ${component}`, func && `function ${func}`].filter((part) => part !== undefined).join(', ');
  if (site !== '') lines.push(`  in ${visible(site)}`);
  lines.push(...trap.backtrace.map((line) => paint('dim', `  ${line}`)));
  return lines;
}
