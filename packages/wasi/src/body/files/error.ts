/** A file operation failed. `code` is the system's name of the error: `ENOENT`, `EACCES`, … */
export class FileError extends Error {
  override readonly name = 'FileError';
  readonly code: string;

  constructor(code: string, message: string = code, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** The system's name of an error that Node threw, `EIO` where it has none. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return 'EIO';
  return error.code.startsWith('ERR_') ? 'EINVAL' : error.code;
}

/** Any error as a {@link FileError}. */
export function fileError(error: unknown): FileError {
  return error instanceof FileError ? error : new FileError(codeOf(error), error instanceof Error ? error.message : String(error), error);
}
