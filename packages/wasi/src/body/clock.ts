/** A point in time: seconds since the epoch, and nanoseconds below a second. */
export interface Datetime {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

const SECOND = 1_000_000_000n;

export function datetimeOf(epochNanoseconds: bigint): Datetime {
  const nanoseconds = ((epochNanoseconds % SECOND) + SECOND) % SECOND;
  return { seconds: (epochNanoseconds - nanoseconds) / SECOND, nanoseconds: Number(nanoseconds) };
}

/** Nanoseconds since the epoch. */
export function nanosecondsOf(datetime: Datetime): bigint {
  return datetime.seconds * SECOND + BigInt(datetime.nanoseconds);
}

/** Where the time comes from. */
export interface Clocks {
  /** Nanoseconds from an arbitrary start, never going back. */
  monotonic(): bigint;
  /** Nanoseconds since the epoch. */
  wall(): bigint;
}

export const SYSTEM_CLOCKS: Clocks = {
  monotonic: () => process.hrtime.bigint(),
  wall: () => Temporal.Now.instant().epochNanoseconds,
};
