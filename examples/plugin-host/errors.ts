/** What goes wrong with plugins, told to whoever can do something about it. */
import { ComponentError, TenonError, Trap } from '@tenon/component';

/** A plugin did not do what it was asked for. `cause` is the engine's error. */
export class PluginError extends Error {
  override readonly name = 'PluginError';
  readonly plugin: string;
  /**
   * `refused`: it returned the error case of its result, and is well. `failed`: it trapped, or broke a limit; the next call meets a new instance.
   * `unusable`: what is in its file is no plugin.
   */
  readonly kind: 'refused' | 'failed' | 'unusable';

  constructor(plugin: string, kind: PluginError['kind'], cause: unknown) {
    super(`${plugin}: ${sentence(cause)}`, { cause });
    this.plugin = plugin;
    this.kind = kind;
  }

  static of(plugin: string, error: unknown): PluginError {
    return new PluginError(plugin, isResult(error) ? 'refused' : 'failed', error);
  }
}

/** Whether a call returned the error case of its `result`. */
function isResult(error: unknown): error is ComponentError {
  return error instanceof ComponentError && error.code === 'TENON_RESULT';
}

/** One line, for users. */
function sentence(error: unknown): string {
  if (isResult(error)) return String(error.payload);
  if (!(error instanceof TenonError)) return error instanceof Error ? error.message : String(error);
  switch (error.code) {
    case 'TENON_DEADLINE':
      return 'it took too long';
    case 'TENON_TRAP':
      return 'it crashed';
    default:
      return error.message;
  }
}

/** All that helps the author of the plugin: the code, the message, where the guest was, and what lies behind it. */
export function details(error: unknown): string {
  const cause = error instanceof PluginError ? error.cause : error;
  if (!(cause instanceof TenonError)) return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  const lines = [`${cause.code}: ${cause.message}`];
  if (cause instanceof Trap) {
    if (cause.func !== undefined) lines.push(`  in ${cause.func} of ${cause.component ?? 'the plugin'}`);
    lines.push(...cause.backtrace.map((line) => `  ${line}`));
  }
  if (cause.cause instanceof Error) lines.push(`  because of ${cause.cause.name}: ${cause.cause.message}`);
  return lines.join('\n');
}
