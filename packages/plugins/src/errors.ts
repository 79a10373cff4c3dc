/** The errors of the built-in plugins. */
import { TenonError } from '@tenon/component/errors';

/** What each code means for the person who reads it. Kept in step with `docs/errors.md` by a test. */
export const STORE_ERRORS = {
  TENON_STORE_OPEN: 'The database cannot be opened: check that its folder exists and may be written.',
  TENON_STORE_CORRUPT: 'The database file is damaged or not a database: restore it from a backup or move it away; Tenon never replaces it.',
  TENON_STORE_VERSION: 'A newer Tenon wrote this database: use that version, or another file.',
  TENON_STORE_BUSY: 'Another process holds the database: give each host a file of its own, or stop the other one.',
  TENON_STORE_FULL: 'The disk is full, or the store has reached its limit: free space, delete what is old, or raise the limit.',
  TENON_STORE_FAILED: 'The database failed for another reason, which the message names.',
} as const;

export type PluginErrorCode = keyof typeof STORE_ERRORS;

export class PluginError extends TenonError {
  override readonly name = 'PluginError';
  declare readonly code: PluginErrorCode;

  constructor(code: PluginErrorCode, message: string, cause?: unknown) {
    super(code, message, cause);
  }
}
