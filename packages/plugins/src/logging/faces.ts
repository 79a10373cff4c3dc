/** `wasi:logging` 0.1.0-draft — https://github.com/WebAssembly/wasi-logging */
import type { Logger } from '@tenon/plugin';

const LEVELS = { trace: 'debug', debug: 'debug', info: 'info', warn: 'warn', error: 'error', critical: 'error' } as const;

/** Longer messages and contexts are cut: one guest must not fill the host's log by one call. */
const MAX_LENGTH = 16 * 1024;

const cut = (text: string): string => (text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH)}… (${text.length} characters)`);

/** A guest's messages go to the host's log, with the level that the guest gave as a field where the host has none of that name. */
export function logging(log: Logger): Readonly<Record<string, object>> {
  return {
    'wasi:logging/logging@0.1.0-draft': {
      log(level: keyof typeof LEVELS, context: string, message: string): void {
        const fields = { ...(context === '' ? {} : { context: cut(context) }), ...(LEVELS[level] === level ? {} : { level }) };
        log[LEVELS[level]](cut(message), fields);
      },
    },
  };
}
