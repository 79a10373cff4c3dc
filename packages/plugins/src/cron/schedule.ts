/** When a job is due: cron expressions with time zones, and what to make of times that were missed. */
import { Cron } from 'croner';

/** When a job runs. */
export interface Schedule {
  /** Five fields, six with seconds first, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. */
  readonly schedule: string;
  /** The IANA name of the time zone. */
  readonly timezone: string;
}

/** @returns why the schedule cannot be used, in one sentence; undefined when it can */
export function scheduleProblem({ schedule, timezone }: Schedule): string | undefined {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone });
  } catch {
    return `"${timezone}" is not the name of a time zone`;
  }
  try {
    return next({ schedule, timezone }, 0) === undefined ? `"${schedule}" is never due` : undefined;
  } catch (error) {
    return `"${schedule}" is not a schedule: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/**
 * When a job is due next.
 * @param after milliseconds since 1970
 * @returns a later time in milliseconds since 1970; undefined when there is none
 */
export function next({ schedule, timezone }: Schedule, after: number): number | undefined {
  return new Cron(schedule, { timezone, paused: true, legacyMode: true }).nextRun(new Date(after))?.getTime();
}
