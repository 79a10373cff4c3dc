import { type Message, TenonError } from '@tenon/component/errors';

/** What each error code of this package means for the person who reads it. Kept in step with `docs/errors.md` by a test. */
export const RUNTIME_ERRORS = {
  TENON_RUNTIME_FILE: 'The component file cannot be read: check the path.',
  TENON_MANIFEST:
    'The file does not describe an application: each line of the message names a place in it, what is wrong there, and what was meant.',
  TENON_PLUGIN_LOAD: 'A plugin cannot be loaded: install its package, or correct the path; it must export `plugin`, made by definePlugin.',
  TENON_PLUGIN_OPTION: 'An option of a plugin does not fit its schema, or two plugins bring the same: the message names the key.',
  TENON_PLUGIN_START: 'A plugin failed at its start or took too long: the message says why.',
  TENON_PLUGIN_CONFIG: 'What a workload configures for a plugin does not fit: the message names the key and what was expected.',
  TENON_PLUGIN_BIND: 'A plugin refuses a workload: the message says why, and what to change.',
  TENON_LINK:
    'A workload is linked to another that does not run or does not export the interface: start that one first, or correct `links`.',
  TENON_HOST_STATE:
    'What the host keeps (`host.db` and the components beside it) cannot be read: restore it, or start with another data folder; it is never replaced.',
  TENON_HOST_REQUEST: 'A request to the host is not what its API takes: see docs/host-api.md.',
  TENON_HOST_UNKNOWN: 'The host has no workload, component or address of this name: see `tenon ps`.',
  TENON_HOST_AWAY: 'No host answers at the socket: start one with `tenon up`, or name its folder with `--data`.',
  TENON_HOST_RUNNING: 'Another host uses this data folder: stop it with `tenon down --host`, or choose another folder with `--data`.',
  TENON_HOST_FAILED: 'The host failed at a request in a way that it does not know: its log says more.',
  TENON_HOST_DIGEST: 'A component has other bytes than the manifest wants: rebuild it, or change the digest in the manifest.',
  TENON_HOST_CALL: 'The function that was called returned the error case of its result, which the message shows.',
  TENON_HOST_CONFLICT: 'Another application of the namespace has a workload of this name: rename one, or use another namespace.',
  TENON_HOST_REVISION: 'There is no such revision to go back to: the last ten of a workload are kept.',
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
