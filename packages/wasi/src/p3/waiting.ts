import type { Readiness } from '../body/readiness.ts';

/** Resolves when something is ready. Rejects with the signal's reason when the guest wants it no more. */
export function awaited(on: Readiness, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const waiter = {
      wake(): void {
        if (!on.ready()) {
          on.add(waiter);
          return;
        }
        signal.removeEventListener('abort', abort);
        resolve();
      },
    };
    const abort = (): void => {
      on.remove(waiter);
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    waiter.wake();
  });
}
