import { fstatSync } from 'node:fs';
import { Readable, Writable } from 'node:stream';
import { builtins } from './body/builtins.ts';
import { DescriptorSink } from './body/descriptor-sink.ts';
import { BytesSource, CallSink, EMPTY, ReadableSource, type Sink, type Source, WritableSink } from './body/streams.ts';
import { WasiError } from './errors.ts';

/** Where a guest's standard input comes from: the process's own, a Node stream, or bytes. */
export type StandardInput = 'inherit' | Readable | Uint8Array | string;

/**
 * Where a guest's standard output goes to: the process's own, a Node stream, or a function that takes the bytes. The guest waits while a Promise that
 * the function returned is pending.
 */
export type StandardOutput = 'inherit' | Writable | ((bytes: Uint8Array) => void) | ((bytes: Uint8Array) => Promise<void>);

/** One of the three standard streams. */
export interface Standard<Stream> {
  readonly stream: Stream;
  readonly terminal: boolean;
}

const isBrokenPipe = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EPIPE';

/** What standard output and error have failed with. The guest gets an error that tells it little; the embedder is told why. */
export class OutputFailures {
  #first: WasiError | undefined;

  /** What a sink is to call. */
  of(fd: 1 | 2): (error: unknown) => void {
    return (error) => {
      const why = error instanceof Error ? error.message : String(error);
      this.#first ??= new WasiError('TENON_OUTPUT', `standard ${fd === 1 ? 'output' : 'error'} could not be written: ${why}`, error);
    };
  }

  /** @throws WasiError `TENON_OUTPUT` for the first failure, once */
  check(): void {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined) throw first;
  }
}

/** Asks the system only about what can be a terminal. */
function isTerminal(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice() && builtins.tty.isatty(fd);
  } catch {
    return false;
  }
}

export function standardInput(input: StandardInput | undefined): Standard<Source> {
  if (input === 'inherit') return { stream: new ReadableSource(() => process.stdin, { keepOpen: true }), terminal: isTerminal(0) };
  if (input instanceof Readable)
    return { stream: new ReadableSource(input, { keepOpen: true }), terminal: 'isTTY' in input && input.isTTY === true };
  return { stream: new BytesSource(typeof input === 'string' ? Buffer.from(input) : (input ?? EMPTY)), terminal: false };
}

/** @param failures is told of what goes wrong */
export function standardOutput(output: StandardOutput | undefined, fd: 1 | 2, failures: OutputFailures): Standard<Sink> {
  const failed = failures.of(fd);
  if (output === 'inherit') {
    return {
      stream: new DescriptorSink(fd, (error) => {
        if (!isBrokenPipe(error)) failed(error);
      }),
      terminal: isTerminal(fd),
    };
  }
  if (output instanceof Writable) {
    return { stream: new WritableSink(output, { keepOpen: true, failed }), terminal: 'isTTY' in output && output.isTTY === true };
  }
  return { stream: new CallSink(output ?? (() => {}), failed), terminal: false };
}
