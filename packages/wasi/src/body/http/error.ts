/** Why an HTTP exchange failed: the names of WASI's `error-code`, which are those of the HTTP proxy-status registry. */
export type HttpProblem =
  | 'DNS-timeout'
  | 'DNS-error'
  | 'destination-not-found'
  | 'destination-unavailable'
  | 'destination-IP-prohibited'
  | 'connection-refused'
  | 'connection-terminated'
  | 'connection-timeout'
  | 'connection-read-timeout'
  | 'connection-limit-reached'
  | 'TLS-protocol-error'
  | 'TLS-certificate-error'
  | 'TLS-alert-received'
  | 'HTTP-request-denied'
  | 'HTTP-request-body-size'
  | 'HTTP-request-method-invalid'
  | 'HTTP-request-URI-invalid'
  | 'HTTP-response-incomplete'
  | 'HTTP-response-header-section-size'
  | 'HTTP-response-body-size'
  | 'HTTP-response-timeout'
  | 'HTTP-upgrade-failed'
  | 'HTTP-protocol-error'
  | 'configuration-error'
  | 'internal-error';

/** An HTTP exchange failed. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly problem: HttpProblem;
  /** A detail that belongs to the problem: a size in bytes, an alert, a DNS answer. */
  readonly detail: string | number | undefined;

  constructor(problem: HttpProblem, message: string = problem, detail?: string | number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.problem = problem;
    this.detail = detail;
  }
}

const BY_CODE: Readonly<Record<string, HttpProblem>> = {
  EAI_AGAIN: 'DNS-timeout',
  ENOTFOUND: 'DNS-error',
  EAI_NODATA: 'DNS-error',
  ECONNREFUSED: 'connection-refused',
  ECONNRESET: 'connection-terminated',
  ECONNABORTED: 'connection-terminated',
  EPIPE: 'connection-terminated',
  ERR_STREAM_PREMATURE_CLOSE: 'connection-terminated',
  ETIMEDOUT: 'connection-timeout',
  EHOSTUNREACH: 'destination-unavailable',
  ENETUNREACH: 'destination-unavailable',
  EADDRNOTAVAIL: 'destination-unavailable',
  EPROTO: 'TLS-protocol-error',
  HPE_HEADER_OVERFLOW: 'HTTP-response-header-section-size',
  ERR_TLS_CERT_ALTNAME_INVALID: 'TLS-certificate-error',
  ERR_INVALID_HTTP_TOKEN: 'HTTP-request-method-invalid',
  ERR_HTTP2_GOAWAY_SESSION: 'connection-terminated',
  ERR_HTTP2_INVALID_SESSION: 'connection-terminated',
  ERR_HTTP2_SESSION_ERROR: 'connection-terminated',
  ERR_HTTP2_STREAM_CANCEL: 'connection-terminated',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'connection-timeout',
  ERR_UNESCAPED_CHARACTERS: 'HTTP-request-URI-invalid',
  ERR_INVALID_URL: 'HTTP-request-URI-invalid',
};

// The codes that Node and OpenSSL give to certificates they do not trust.
const CERTIFICATE = /CERT|ISSUER|SELF_SIGNED|CRL/;

/** What Node reports, in HTTP's terms. */
export function httpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known = BY_CODE[code];
  if (known !== undefined) return new HttpError(known, message, known === 'DNS-error' ? 'NXDOMAIN' : undefined, error);
  if (code.startsWith('HPE_') || code.startsWith('ERR_HTTP2_') || code === 'ERR_INVALID_CHAR')
    return new HttpError('HTTP-protocol-error', message, undefined, error);
  if (code.includes('ALERT')) return new HttpError('TLS-alert-received', message, code, error);
  if (CERTIFICATE.test(code)) return new HttpError('TLS-certificate-error', message, undefined, error);
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS')) return new HttpError('TLS-protocol-error', message, undefined, error);
  return new HttpError('internal-error', message, message, error);
}
