/** The `tenon` command line, for programs that embed it. */
export { CLI_ERRORS, CliError, type CliErrorCode } from './errors.ts';
export { main } from './main.ts';
