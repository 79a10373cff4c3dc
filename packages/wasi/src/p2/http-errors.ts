/** What a failed stream of a body says about its failure. */
import { HttpError } from '../body/http/error.ts';
import { type ErrorCode, errorCode } from '../body/http/error-code.ts';
import type { IoError } from './io-error.ts';

export { type ErrorCode, errorCode, shown } from '../body/http/error-code.ts';

export function httpErrorCode(error: IoError): ErrorCode | undefined {
  return error.cause instanceof HttpError ? errorCode(error.cause) : undefined;
}
