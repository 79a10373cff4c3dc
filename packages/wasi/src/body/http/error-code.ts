/** The variant `error-code` of `wasi:http/types`. */
import type { HttpError, HttpProblem } from './error.ts';

/** A case of `error-code`. */
export interface ErrorCode {
  readonly tag: HttpProblem;
  readonly val?: unknown;
}

export function errorCode(error: HttpError): ErrorCode {
  const tag = error.problem;
  const number = typeof error.detail === 'number' ? error.detail : undefined;
  const string = typeof error.detail === 'string' ? error.detail : undefined;
  switch (tag) {
    case 'DNS-error':
      return { tag, val: { rcode: string, infoCode: undefined } };
    case 'TLS-alert-received':
      return { tag, val: { alertId: alertIn(error.message), alertMessage: string } };
    case 'HTTP-request-body-size':
    case 'HTTP-response-body-size':
      return { tag, val: number === undefined ? undefined : BigInt(number) };
    case 'HTTP-response-header-section-size':
      return { tag, val: number };
    case 'internal-error':
      return { tag, val: string };
    default:
      return { tag };
  }
}

/** An error code as a line of a log shows it. */
export function shown({ tag, val }: ErrorCode): string {
  if (val === undefined) return tag;
  const text = JSON.stringify(val, (_key, value: unknown) => (typeof value === 'bigint' ? Number(value) : value));
  return `${tag}(${text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text})`;
}

const MOST_SHOWN = 1000;

/** OpenSSL tells the number of an alert (RFC 8446, section 6) only in its text. */
function alertIn(message: string): number | undefined {
  const number = /alert number (\d+)/.exec(message)?.[1];
  return number === undefined ? undefined : Number(number);
}
