import { type Message, TenonError } from '@tenon/component';

/** What each error code of this package means for the person who reads it. Kept in step with `docs/errors.md` by a test. */
export const WASI_ERRORS = {
  TENON_BAD_RESPONSE:
    'The guest gave a response that HTTP forbids, an error in place of one, or left its body incomplete: the message says what; the client got 500, or an answer that breaks off.',
  TENON_BODY_READ: 'The body of the request was read before the component could: put the component in front of what parses bodies.',
  TENON_HTTP_CA: 'The authorities that HTTP requests are to trust cannot be read: give certificates in PEM form.',
  TENON_NETWORK_RULE: 'A rule for what may be reached cannot be read: write a host, an address or a range, with or without a port.',
  TENON_NO_RESPONSE: 'The guest returned without an answer to the request: it must set the response-outparam.',
  TENON_OUTPUT:
    'What the guest wrote to standard output or error could not be passed on, and the guest was told that it failed: `cause` is the error of the stream or function that was given for it.',
  TENON_PREVIEW1:
    'The core module is no command of WASI preview 1: it must export `_start` or `_initialize`, and its memory, and import `wasi_snapshot_preview1` or `wasi_unstable` only.',
  TENON_PREOPEN: 'A directory to grant cannot be opened: give the path of an existing directory.',
} as const;

/** A stable error code of this package. */
export type WasiErrorCode = keyof typeof WASI_ERRORS;

/** The host side of a system interface was set up wrongly. */
export class WasiError extends TenonError {
  override readonly name = 'WasiError';
  declare readonly code: WasiErrorCode;

  constructor(code: WasiErrorCode, message: Message, cause?: unknown) {
    super(code, message, cause);
  }
}
