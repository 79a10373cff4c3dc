import { type Message, TenonError } from '@tenon/component/errors';

/** What each error code of this package means for the person who reads it. Kept in step with `docs/errors.md` by a test. */
export const RUNTIME_ERRORS = {
  TENON_RUNTIME_FILE: 'The component file cannot be read: check the path.',
  TENON_RUNTIME_OPTION: 'An option has a value outside its range: the message names the option and the range.',
  TENON_RUNTIME_INTERFACE: 'No trigger or grant of this name: `withInterface` knows the names that the message lists.',
  TENON_RUNTIME_TRIGGER: 'The workload has no address: add `withInterface("wasi:http/incoming-handler")`.',
  TENON_RUNTIME_EXPORT: 'The component does not export what is to be called: see its exports with `tenon inspect`.',
  TENON_RUNTIME_ADDRESS: 'The address cannot be listened on: choose another host or port, or port 0 for a free one.',
  TENON_RUNTIME_TLS: 'The certificate or its key cannot be used: both must be PEM files, and the key must be that of the certificate.',
  TENON_RUNTIME_START: 'The workload could not start: its first instance trapped or did not come up in time.',
  TENON_RUNTIME_STOPPED: 'The runtime or workload is stopped: make a new one.',
  TENON_RUNTIME_BUSY: 'All instances are in use and the queue is full: the client got 503 and may try again later.',
  TENON_RUNTIME_SLOW_CLIENT:
    'Too many clients were slow to send or to take, and others waited: the one that was served for longest got 408 or was cut off.',
  TENON_RUNTIME_CELL: 'A thread of the runtime ended and is being replaced: try again.',
  TENON_RUNTIME_WORKER:
    'The code of the worker threads was not found: bundle `@tenon/runtime/worker` as a file of its own and name it as `worker`.',
  TENON_RUNTIME_TIMEOUT: 'The guest did not answer within the request timeout: the client got 504, the instance was thrown away.',
} as const;

/** A stable error code of this package. */
export type RuntimeErrorCode = keyof typeof RUNTIME_ERRORS;

/** A workload is configured wrongly, cannot start, or cannot serve a request. */
export class RuntimeError extends TenonError {
  override readonly name = 'RuntimeError';
  declare readonly code: RuntimeErrorCode;

  constructor(code: RuntimeErrorCode, message: Message, cause?: unknown) {
    super(code, message, cause);
  }
}
