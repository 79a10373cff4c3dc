/** Splits what a guest writes into lines. */

export interface LinesOptions {
  /** Stands before each line. */
  readonly prefix?: string | undefined;
  /** Longer lines are given in parts; 65,536 characters unless said. */
  readonly maxLength?: number | undefined;
}

/** Takes bytes, and what is left when no more come: a last line without an end. */
export interface LineSink extends Disposable {
  (bytes: Uint8Array): void;
  /** Gives the last line, if it had no end. */
  flush(): void;
}

const MAX_LENGTH = 65_536;

/**
 * Makes a standard output of a function that takes lines. Lines end with `\n` or `\r\n`, which is not part of them.
 * @param line takes each line, decoded from UTF-8
 * @example wasi({ stdout: lines((line) => console.log(line), { prefix: 'greeter: ' }) })
 */
export function lines(line: (text: string) => void, { prefix = '', maxLength = MAX_LENGTH }: LinesOptions = {}): LineSink {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let rest = '';
  const take = (text: string): void => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) give(part.endsWith('\r') ? part.slice(0, -1) : part);
    if (rest.length >= maxLength) {
      // A `\r` may be half of an end of line.
      const held = rest.endsWith('\r') ? '\r' : '';
      give(rest.slice(0, rest.length - held.length));
      rest = held;
    }
  };
  const give = (text: string): void => {
    let from = 0;
    do {
      line(prefix + text.slice(from, from + maxLength));
      from += maxLength;
    } while (from < text.length);
  };
  const flush = (): void => {
    take(decoder.decode());
    const last = rest;
    rest = '';
    if (last !== '') give(last);
  };
  return Object.assign((bytes: Uint8Array) => take(decoder.decode(bytes, { stream: true })), { flush, [Symbol.dispose]: flush });
}
