/** A later turn of the event loop, in any JavaScript host: microtasks alone would keep timers and sockets from their turn. */

interface Host {
  readonly setImmediate?: (run: () => void) => unknown;
  readonly MessageChannel?: new () => {
    readonly port1: { onmessage: (() => void) | null; unref?(): void };
    readonly port2: { postMessage(message: unknown): void };
  };
  readonly setTimeout?: (run: () => void, milliseconds: number) => unknown;
}

const host = globalThis as unknown as Host;

function make(): (run: () => void) => void {
  const { setImmediate, MessageChannel, setTimeout } = host;
  if (setImmediate !== undefined) return (run) => void setImmediate(run);
  if (MessageChannel !== undefined) {
    const channel = new MessageChannel();
    const waiting: (() => void)[] = [];
    channel.port1.onmessage = () => waiting.shift()?.();
    return (run) => {
      waiting.push(run);
      channel.port2.postMessage(undefined);
    };
  }
  return (run) => void setTimeout?.(run, 0);
}

export const laterTurn: (run: () => void) => void = make();
