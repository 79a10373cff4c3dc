import { writeSync } from 'node:fs';
import { CHUNK, Sink, WritableSink } from './streams.ts';

const broken = new Set<number>();

/** Whether the process's own standard output is a pipe that nobody reads any more. Known once something was written to it. */
export function isOutputBroken(): boolean {
  return broken.has(1);
}

/**
 * Writes to the process's own output, each write done when it returns: nothing is lost when the process ends right after.
 * Output that does not take everything at once (a pipe that somebody has made non-blocking) is left to Node's stream from then on.
 */
export class DescriptorSink extends Sink {
  readonly #fd: 1 | 2;
  #rest: WritableSink | undefined;
  #closed = false;

  readonly #failed: ((error: unknown) => void) | undefined;

  /** @param failed is told of what cannot be written */
  constructor(fd: 1 | 2, failed?: (error: unknown) => void) {
    super();
    this.#fd = fd;
    this.#failed = failed;
  }

  override ready(): boolean {
    return this.#rest?.ready() ?? true;
  }

  override room(): number | undefined {
    if (this.#rest !== undefined) return this.#rest.room();
    return this.#closed ? undefined : CHUNK;
  }

  override write(bytes: Uint8Array): void {
    if (this.#rest !== undefined) this.#rest.write(bytes);
    else this.#writeNow(bytes);
  }

  override writeLent(bytes: Uint8Array): void {
    if (this.#rest !== undefined) this.#rest.writeLent(bytes);
    else this.#writeNow(bytes);
  }

  #writeNow(bytes: Uint8Array): void {
    let left = bytes;
    try {
      while (left.length > 0) left = left.subarray(writeSync(this.#fd, left));
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'EAGAIN') {
        this.#closed = true;
        this.#failed?.(error);
        if (error instanceof Error && 'code' in error && error.code === 'EPIPE') broken.add(this.#fd);
        throw error;
      }
      this.#rest = new WritableSink(this.#fd === 1 ? process.stdout : process.stderr, {
        keepOpen: true,
        failed: (error) => this.#failed?.(error),
      });
      this.#rest.add({ wake: this.#woken });
      this.#rest.writeLent(left);
    }
  }

  override flush(): void {
    this.#rest?.flush();
  }

  readonly #woken = (): void => {
    this.#rest?.add({ wake: this.#woken });
    this.notify();
  };
}
