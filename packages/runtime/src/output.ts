/** The standard output or error of a thread's guests, on its way to the main thread. */
import { Writable } from 'node:stream';
import type { FromWorker } from './messages.ts';

/** Bytes that may be on their way. Up to here they leave at once, so that they are not lost with a thread that has to be ended. */
const WINDOW = 1024 * 1024;

export class Output extends Writable {
  private readonly stream: 'stdout' | 'stderr';
  private readonly post: (message: FromWorker) => void;
  private unacknowledged = 0;
  private proceed: (() => void) | undefined;

  constructor(stream: 'stdout' | 'stderr', post: (message: FromWorker) => void) {
    super({ decodeStrings: true });
    this.stream = stream;
    this.post = post;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.unacknowledged += chunk.length;
    this.post({ type: 'output', stream: this.stream, bytes: new Uint8Array(chunk) });
    if (this.unacknowledged < WINDOW) done();
    else this.proceed = done;
  }

  /** The main thread is done with so many bytes. */
  acknowledge(bytes: number): void {
    this.unacknowledged -= bytes;
    if (this.unacknowledged >= WINDOW) return;
    const { proceed } = this;
    this.proceed = undefined;
    proceed?.();
  }
}
