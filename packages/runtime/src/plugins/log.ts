/** The log of a plugin: entries of the workload that it works for, with its name. */
import type { Logger } from '@tenon/plugin';
import type { LogEntry } from '../log.ts';
import type { CellSinks } from '../messages.ts';

export function pluginLog(sinks: Pick<CellSinks, 'log'>, workload: string, plugin: string): Logger {
  const at =
    (level: LogEntry['level']) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}): void =>
      sinks.log({ level, event: 'plugin', workload, message: withFields(message, fields), time: Date.now(), plugin });
  return { debug: () => {}, info: at('info'), warn: at('warn'), error: at('error') };
}

function withFields(message: string, fields: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(fields).map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return [message, ...parts].join(' ');
}
