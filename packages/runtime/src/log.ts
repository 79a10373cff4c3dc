/** What a runtime tells about its workloads. */

/** One thing that happened. */
export interface LogEntry {
  readonly level: 'info' | 'warn' | 'error';
  readonly event: 'listening' | 'request' | 'output' | 'trap' | 'error' | 'timeout' | 'busy' | 'restart' | 'certificate' | 'stopped';
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
  /** Of a trap: the component instance, the function of it that was called, and V8's wasm backtrace. */
  readonly component?: string;
  readonly func?: string;
  readonly backtrace?: string;
}

/** Takes an entry of one workload. */
export type Log = (entry: Omit<LogEntry, 'workload' | 'time'>) => void;

// Guests could otherwise forge lines of the log, and do what they like with a terminal.
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not pass
const CONTROLS = /[\x00-\x08\x0a-\x1f\x7f-\x9f]/g;
const escaped = (character: string): string => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;

/** A log entry as a line of text, with the backtrace below it. */
export function formatEntry(entry: LogEntry): string {
  const time = new Date(entry.time).toISOString();
  const level = entry.level === 'info' ? '' : `${entry.level}: `;
  const code = entry.code === undefined ? '' : ` [${entry.code}]`;
  if (entry.event === 'output') {
    const about = entry.request === undefined ? '' : ` ${entry.request}`;
    return `${time} ${entry.workload}${about} ${entry.stream}: ${entry.message.replace(CONTROLS, escaped)}`;
  }
  const backtrace = entry.backtrace === undefined ? '' : `\n${entry.backtrace}`;
  return `${time} ${entry.workload} ${level}${entry.message}${code}${backtrace}`;
}
