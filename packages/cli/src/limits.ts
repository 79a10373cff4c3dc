/** The options that bound what a guest takes. `run` and `serve` refuse a number outside its range in the same words. */
import { LIMIT_RANGES, type Limits } from '@tenon/runtime/config';
import type { Arguments, Option } from './command.ts';

/** Options by their names, each with the limit that it sets. */
export type LimitNames = Readonly<Record<string, keyof Limits>>;

const GUEST_LIMITS = {
  'max-memory': ['maxMemoryBytes', 'BYTES', 'bytes of all its memories together'],
  'max-handles': ['maxHandles', 'N', 'handles that each part of an instance may hold, to streams, pollables and the like'],
  'max-open-files': ['maxOpenFiles', 'N', 'files and directories that may be open at the same time'],
  'max-sockets': ['maxSockets', 'N', 'sockets that may be open at the same time'],
  'max-outgoing-requests': ['maxOutgoingRequests', 'N', 'HTTP requests that it may have under way at the same time'],
  'max-host-bytes': ['maxHostBytes', 'BYTES', 'bytes that the host holds for all its instances, beside their memories'],
  'max-instance-host-bytes': [
    'maxInstanceHostBytes',
    'BYTES',
    'bytes that the host holds for one instance, and that it may pass in a call',
  ],
} as const satisfies Readonly<Record<string, readonly [limit: keyof Limits, value: string, description: string]>>;

/** The limits of a guest wherever it runs. */
export const GUEST_LIMIT_NAMES: LimitNames = Object.fromEntries(Object.entries(GUEST_LIMITS).map(([name, [limit]]) => [name, limit]));

/** @param defaults what holds where nothing is given, for the help */
export function guestLimitOptions(defaults: Partial<Limits>): Readonly<Record<keyof typeof GUEST_LIMITS, Option>> {
  const options = Object.entries(GUEST_LIMITS).map(([name, [limit, value, text]]) => {
    const otherwise = defaults[limit];
    const description = otherwise === undefined ? text : `${text}; ${otherwise} unless given`;
    return [name, { type: 'string', value, description }] as const;
  });
  return Object.fromEntries(options) as Readonly<Record<keyof typeof GUEST_LIMITS, Option>>;
}

/**
 * The limits that are given.
 * @throws CliError TENON_USAGE for what is no whole number in its range
 */
export function parseLimits(args: Arguments, names: LimitNames): Partial<Limits> {
  const given = Object.entries(names).flatMap(([name, limit]) => {
    const value = args.integer(name, LIMIT_RANGES[limit]);
    return value === undefined ? [] : [[limit, value] as const];
  });
  return Object.fromEntries(given);
}
