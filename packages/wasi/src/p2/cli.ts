/** `wasi:cli` — https://github.com/WebAssembly/WASI/tree/main/wasip2/cli */
import type { Sink, Source } from '../body/streams.ts';
import { InputStream, OutputStream } from './io-streams.ts';

const UNWIND: unique symbol = Symbol.for('tenon.unwind');

/**
 * What `wasi:cli/exit` throws: it unwinds the guest and reaches the caller of the export unchanged.
 * `code` is the exit code, 0 … 255.
 */
export class Exit extends Error {
  override readonly name = 'Exit';
  readonly code: number;
  readonly [UNWIND] = true;

  constructor(code: number) {
    super(`the guest exited with code ${code}`);
    this.code = code;
  }
}

export const exit: object = {
  exit(status: { readonly tag: 'ok' | 'err' }): never {
    throw new Exit(status.tag === 'ok' ? 0 : 1);
  },
  exitWithCode(code: number): never {
    throw new Exit(code);
  },
};

export function environment(env: Readonly<Record<string, string>>, args: readonly string[], cwd: string | undefined): object {
  const entries = Object.entries(env);
  return { getEnvironment: () => entries, getArguments: () => args, initialCwd: () => cwd };
}

/** A standard stream outlives every handle to it: dropping one closes nothing. */
class StandardInput extends InputStream {
  override [Symbol.dispose](): void {}
}

class StandardOutput extends OutputStream {
  override [Symbol.dispose](): void {}
}

export const stdin = (source: Source): object => ({ getStdin: () => new StandardInput(source) });
export const stdout = (sink: Sink): object => ({ getStdout: () => new StandardOutput(sink) });
export const stderr = (sink: Sink): object => ({ getStderr: () => new StandardOutput(sink) });

export class TerminalInput {}
export class TerminalOutput {}

export const terminalInput: object = { TerminalInput };
export const terminalOutput: object = { TerminalOutput };

/** @param terminals which of the three standard streams are terminals. */
export function terminals(terminals: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean }): {
  readonly stdin: object;
  readonly stdout: object;
  readonly stderr: object;
} {
  return {
    stdin: { getTerminalStdin: () => (terminals.stdin ? new TerminalInput() : undefined) },
    stdout: { getTerminalStdout: () => (terminals.stdout ? new TerminalOutput() : undefined) },
    stderr: { getTerminalStderr: () => (terminals.stderr ? new TerminalOutput() : undefined) },
  };
}
