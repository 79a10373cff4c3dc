import { fstatSync } from 'node:fs';
import { Readable, Writable } from 'node:stream';
import { builtins } from './body/builtins.ts';
import { DescriptorSink } from './body/descriptor-sink.ts';
import { BytesSource, CallSink, EMPTY, ReadableSource, type Sink, type Source, WritableSink } from './body/streams.ts';

/** Where a guest's standard input comes from: the process's own, a Node stream, or bytes. */
export type StandardInput = 'inherit' | Readable | Uint8Array | string;

/** Where a guest's standard output goes to: the process's own, a Node stream, or a function that takes the bytes at once. */
export type StandardOutput = 'inherit' | Writable | ((bytes: Uint8Array) => void);

/** One of the three standard streams. */
export interface Standard<Stream> {
  readonly stream: Stream;
  readonly terminal: boolean;
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

export function standardOutput(output: StandardOutput | undefined, fd: 1 | 2): Standard<Sink> {
  if (output === 'inherit') {
    return { stream: new DescriptorSink(fd), terminal: isTerminal(fd) };
  }
  if (output instanceof Writable) {
    return { stream: new WritableSink(output, { keepOpen: true }), terminal: 'isTTY' in output && output.isTTY === true };
  }
  return { stream: new CallSink(output ?? (() => {})), terminal: false };
}
