/** A turn of the event loop, in whatever runs this: Node's timers, or a channel where there are none. */

declare const setImmediate: ((callback: () => void) => void) | undefined;

let waiting: (() => void)[] = [];
let channel: MessageChannel | undefined;

function throughChannel(done: () => void): void {
  if (channel === undefined) {
    channel = new MessageChannel();
    channel.port1.onmessage = () => {
      const ready = waiting;
      waiting = [];
      for (const each of ready) each();
    };
  }
  waiting.push(done);
  channel.port2.postMessage(undefined);
}

/** Resolves when the event loop has come round. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else throughChannel(resolve);
  });
}
