/** `wasi:clocks` — https://github.com/WebAssembly/WASI/tree/main/wasip2/clocks */
import { type Clocks, type Datetime, datetimeOf, nanosecondsOf } from '../body/clock.ts';
import { Timer } from '../body/timer.ts';
import { Pollable } from './io-poll.ts';

export function monotonicClock(clocks: Clocks): object {
  return {
    now: () => clocks.monotonic(),
    resolution: () => 1n,
    subscribeInstant: (when: bigint) => new Pollable(new Timer(clocks, when)),
    subscribeDuration: (when: bigint) => new Pollable(new Timer(clocks, clocks.monotonic() + when)),
  };
}

export function wallClock(clocks: Clocks): object {
  return {
    now: () => datetimeOf(clocks.wall()),
    // The system clock is read in microseconds.
    resolution: (): Datetime => ({ seconds: 0n, nanoseconds: 1000 }),
  };
}

/** @param zone the IANA name of the zone that guests are told they are in. */
export function timezone(zone: string): object {
  const at = (when: Datetime): Temporal.ZonedDateTime => new Temporal.ZonedDateTime(nanosecondsOf(when), zone);
  const offset = (when: Datetime): number => at(when).offsetNanoseconds / 1e9;
  return {
    utcOffset: offset,
    display(when: Datetime) {
      const time = at(when);
      const utcOffset = offset(when);
      const year = time.year;
      const winter = [1, 7].map((month) => Temporal.ZonedDateTime.from({ timeZone: zone, year, month, day: 1 }).offsetNanoseconds / 1e9);
      const parts = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'short' }).formatToParts(time.epochMilliseconds);
      const name = parts.find((part) => part.type === 'timeZoneName')?.value ?? zone;
      return { utcOffset, name, inDaylightSavingTime: utcOffset > Math.min(...winter) };
    },
  };
}
