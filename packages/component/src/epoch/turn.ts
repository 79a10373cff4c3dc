/** A turn of the event loop, in whatever runs this: Node's timers, or a channel where there are none. */

declare const setImmediate: ((callback: () => void) => void) | undefined;

/** Those who wait, first come first served: one goes on in each turn, so that however many there are, others wait for one of them only. */
const waiting: (() => void)[] = [];
let channel: MessageChannel | undefined;

function goOn(): void {
  waiting.shift()?.();
  if (waiting.length > 0) later();
}

function later(): void {
  if (typeof setImmediate === 'function') {
    setImmediate(goOn);
    return;
  }
  if (channel === undefined) {
    channel = new MessageChannel();
    channel.port1.onmessage = goOn;
  }
  channel.port2.postMessage(undefined);
}

/** Resolves when the event loop has come round, and those who waited before have had their turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) later();
  });
}
