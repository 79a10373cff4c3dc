/** What a runtime tells about its workloads. */
import { visible } from '@tenon/component/errors';

/** One thing that happened. */
export interface LogEntry {
  readonly level: 'info' | 'warn' | 'error';
  readonly event:
    | 'listening'
    | 'request'
    | 'output'
    | 'trap'
    | 'error'
    | 'timeout'
    | 'busy'
    | 'restart'
    | 'certificate'
    | 'refused'
    | 'reuse'
    | 'stopped'
    | 'plugin'
    | 'state';
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
  /** Of output: which stream of the guest it was, and what the guest did meanwhile: `GET /path`, `math.add`. */
  readonly stream?: 'stdout' | 'stderr';
  readonly request?: string;
  /** The plugin that says it. */
  readonly plugin?: string;
  /** Of a trap: the component instance, the function of it that was called, and V8's wasm backtrace. */
  readonly component?: string;
  readonly func?: string;
  readonly backtrace?: string;
}

/** Takes an entry of one workload. */
export type Log = (entry: Omit<LogEntry, 'workload' | 'time'>) => void;

/** A log entry as a line of text, with the backtrace below it. */
export function formatEntry(entry: LogEntry): string {
  const time = new Date(entry.time).toISOString();
  const level = entry.level === 'info' ? '' : `${entry.level}: `;
  const code = entry.code === undefined ? '' : ` [${entry.code}]`;
  if (entry.event === 'output') {
    const about = entry.request === undefined ? '' : ` ${visible(entry.request)}`;
    return `${time} ${visible(entry.workload)}${about} ${entry.stream}: ${visible(entry.message)}`;
  }
  const backtrace = entry.backtrace === undefined ? '' : `\n${entry.backtrace.split('\n').map(visible).join('\n')}`;
  return `${time} ${visible(entry.workload)} ${level}${visible(entry.message)}${code}${backtrace}`;
}
