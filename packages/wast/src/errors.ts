import { TenonError } from '@tenon/component';

/** What each error code of this package means for the person who reads it. Kept in step with `docs/errors.md` by a test. */
export const WAST_ERRORS = {
  TENON_WAST_SYNTAX: 'The script does not follow the .wast format: see the line and column in the message.',
  TENON_WAST_ASSEMBLER: 'Text components need an assembler: `npm install @bytecodealliance/jco-transpile`.',
  TENON_WAST_FILE: 'A script, folder or list of expected failures cannot be read: check the path.',
} as const;

/** A script cannot be read, or the assembler for its components is missing. */
export class WastError extends TenonError {
  override readonly name = 'WastError';
  declare readonly code: keyof typeof WAST_ERRORS;

  constructor(code: keyof typeof WAST_ERRORS, message: string, cause?: unknown) {
    super(code, message, cause);
  }
}
