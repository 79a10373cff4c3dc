/**
 * Reads errors by their code. The bundled command line has an engine of its own beside that of packages which stay outside the bundle,
 * so the class of an error says less than its code.
 */
import type { ComponentError, MissingImportsError, TenonError, Trap } from '@tenon/component';

/** An error that a package of Tenon threw on purpose. */
export function isTenonError(error: unknown): error is TenonError & Partial<Pick<ComponentError, 'offset' | 'path'>> {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('TENON_');
}

export function isTrap(error: unknown): error is Trap {
  return isTenonError(error) && error.name === 'Trap';
}

export function isMissingImports(error: unknown): error is MissingImportsError {
  return isTenonError(error) && error.code === 'TENON_IMPORT_MISSING' && 'missing' in error && Array.isArray(error.missing);
}
