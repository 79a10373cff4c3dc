import { type Message, TenonError } from '@tenon/component/errors';

/** What each error code of the command line means for the person who reads it. Kept in step with `docs/errors.md` by a test. */
export const CLI_ERRORS = {
  TENON_USAGE: 'The command line is not as the command expects: see `tenon COMMAND --help`.',
  TENON_FILE: 'A file cannot be read or written: check the path.',
  TENON_NODE_VERSION: 'This version of Node.js is too old for Tenon: install Node.js 26 or newer.',
  TENON_RUN_EXPORT:
    'The component is no command: it does not export `wasi:cli/run`. Call one of its functions with `--invoke`, or serve it.',
  TENON_RUN_TIMEOUT: 'The guest did not end within the time that `--timeout` gave it: its process was killed.',
} as const;

export type CliErrorCode = keyof typeof CLI_ERRORS;

/** The command line was used wrongly, or the files that it names cannot be used. */
export class CliError extends TenonError {
  override readonly name: string = 'CliError';
  declare readonly code: CliErrorCode;

  constructor(code: CliErrorCode, message: Message, cause?: unknown) {
    super(code, message, cause);
  }
}

export function usage(message: string): CliError {
  return new CliError('TENON_USAGE', message);
}
