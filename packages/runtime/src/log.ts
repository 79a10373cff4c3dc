/** What a runtime tells about its workloads. */
import { visible } from '@tenon/component/errors';

/** One thing that happened. */
export interface LogEntry {
  readonly level: 'info' | 'warn' | 'error';
  readonly event: 'listening' | 'request' | 'trap' | 'error' | 'timeout' | 'busy' | 'restart' | 'certificate' | 'refused' | 'stopped';
  readonly workload: string;
  /** One sentence for people. */
  readonly message: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly code?: string;
  readonly method?: string;
  readonly path?: string;
  /** HTTP status that the client got; 0 when it went away before. */
  readonly status?: number;
  readonly durationMs?: number;
  /** Of a trap: the component instance, the function of it that was called, and V8's wasm backtrace. */
  readonly component?: string;
  readonly func?: string;
  readonly backtrace?: string;
}

/** A log entry as a line of text, with the backtrace below it. */
export function formatEntry(entry: LogEntry): string {
  const time = new Date(entry.time).toISOString();
  const level = entry.level === 'info' ? '' : `${entry.level}: `;
  const code = entry.code === undefined ? '' : ` [${entry.code}]`;
  const backtrace = entry.backtrace === undefined ? '' : `\n${entry.backtrace.split('\n').map(visible).join('\n')}`;
  return `${time} ${visible(entry.workload)} ${level}${visible(entry.message)}${code}${backtrace}`;
}
