/** @tenon/runtime: serves WebAssembly components as workloads. */
export {
  DEFAULT_LIMITS,
  type DirectoryGrant,
  type HttpEgress,
  type HttpTrigger,
  type Imports,
  type InterfaceOptions,
  type Limits,
  REUSES,
  type Reuse,
  type SocketGrants,
  type TlsFiles,
  WorkloadConfig,
  type WorkloadSpec,
} from './config.ts';
export { RUNTIME_ERRORS, RuntimeError, type RuntimeErrorCode } from './errors.ts';
export { formatEntry, type LogEntry } from './log.ts';
export type { Match } from './router.ts';
export { Runtime, type RuntimeOptions } from './runtime.ts';
export type { CallOptions, Handler, Workload } from './workload.ts';
