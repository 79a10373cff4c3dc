/** `wasi:clocks` 0.3 — https://github.com/WebAssembly/WASI/tree/main/proposals/clocks */
import { cancellable } from '@tenon/component';
import { type Clocks, type Datetime, datetimeOf, nanosecondsOf } from '../body/clock.ts';
import { mustTurn, turn } from '../body/readiness.ts';
import { Timer } from '../body/timer.ts';
import { awaited } from './waiting.ts';

function wait(clocks: Clocks, when: bigint, signal: AbortSignal): Promise<void> | undefined {
  const timer = new Timer(clocks, when);
  if (timer.ready()) return mustTurn() ? turn() : undefined;
  return awaited(timer, signal);
}

/** The interface `types` has nothing but a name for nanoseconds. */
export const types: object = {};

export function monotonicClock(clocks: Clocks): object {
  return {
    now: () => clocks.monotonic(),
    getResolution: () => 1n,
    waitUntil: cancellable((when: bigint, signal: AbortSignal) => wait(clocks, when, signal)),
    waitFor: cancellable((howLong: bigint, signal: AbortSignal) => wait(clocks, clocks.monotonic() + howLong, signal)),
  };
}

export function systemClock(clocks: Clocks): object {
  return {
    now: (): Datetime => datetimeOf(clocks.wall()),
    // It is read in microseconds.
    getResolution: () => 1000n,
  };
}

/** The instants that the zones of JavaScript know, in nanoseconds from the epoch. */
const FARTHEST = 8_640_000_000_000_000_000_000n;

/** @param zone the IANA name of the zone that guests are told they are in. */
export function timezone(zone: string): object {
  return {
    ianaId: () => zone,
    utcOffset(when: Datetime): bigint | undefined {
      const instant = nanosecondsOf(when);
      if (instant < -FARTHEST || instant > FARTHEST) return undefined;
      return BigInt(new Temporal.ZonedDateTime(instant, zone).offsetNanoseconds);
    },
    toDebugString: () => zone,
  };
}
