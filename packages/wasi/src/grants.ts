/** What a guest is granted, and how it is opened. */
import type { Clocks } from './body/clock.ts';
import { Directory } from './body/files/directory.ts';
import type { GivenPoolOptions } from './body/http/origins.ts';
import type { NetworkGrants } from './body/network/network.ts';
import type { Refusal } from './body/network/refusals.ts';
import type { Randomness } from './body/random.ts';
import { whenReady } from './body/readiness.ts';
import type { Sink } from './body/streams.ts';
import { WasiError } from './errors.ts';
import { type GivenLimits, limitsOf, Quota } from './limits.ts';
import type { StandardInput, StandardOutput } from './standard.ts';

/** A directory of the host that a guest may use. */
export interface Preopen {
  /** Path on the host. */
  readonly host: string;
  /** Path at which the guest finds it. */
  readonly guest: string;
  /** Nothing in it can be changed. */
  readonly readOnly?: boolean | undefined;
}

/** What a guest is granted. What is left out is not granted. */
export interface WasiOptions {
  /** Arguments, the program's name first. */
  readonly args?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** The guest's initial working directory. */
  readonly cwd?: string | undefined;
  readonly stdin?: StandardInput | undefined;
  readonly stdout?: StandardOutput | undefined;
  readonly stderr?: StandardOutput | undefined;
  /** A list, or an object of host paths by guest path: `{ '/data': './data' }`. */
  readonly preopens?: readonly Preopen[] | Readonly<Record<string, string>> | undefined;
  /**
   * Where HTTP requests may go: `example.com`, `*.example.com:443`, `10.0.0.0/8:8080`, `127.0.0.1`, `*`. Loopback and link-local
   * addresses, this machine's others and those that stand for many are reached only by rules that name them, `localhost` or an address.
   */
  readonly http?: readonly string[] | undefined;
  /** Certificates in PEM form, of authorities that HTTP requests trust beside those that Node knows. */
  readonly httpCa?: string | undefined;
  /** How connections of HTTP requests are kept: for 30 s, and for several requests, unless given. */
  readonly httpPool?: GivenPoolOptions | undefined;
  /** What sockets may reach, by direction. */
  readonly network?: NetworkGrants | undefined;
  /** Is told of what the guest asked for that is not granted: each host, address or name once. */
  readonly refused?: ((refusal: Refusal) => void) | undefined;
  readonly clocks?: Clocks | undefined;
  /** IANA name of the time zone that guests are told; UTC unless given, since the host's zone is nobody's business. */
  readonly timezone?: string | undefined;
  readonly random?: Randomness | undefined;
  /** How much of the host it may hold; those that are left out have defaults. */
  readonly limits?: GivenLimits | undefined;
}

/** The names of all options; one that is missing here does not compile. */
export const WASI_OPTIONS: Record<keyof WasiOptions, true> = {
  args: true,
  env: true,
  cwd: true,
  stdin: true,
  stdout: true,
  stderr: true,
  preopens: true,
  http: true,
  httpCa: true,
  httpPool: true,
  network: true,
  refused: true,
  clocks: true,
  timezone: true,
  random: true,
  limits: true,
};

function listed(preopens: NonNullable<WasiOptions['preopens']>): readonly Preopen[] {
  const list = Array.isArray(preopens)
    ? (preopens as readonly Preopen[])
    : Object.entries(preopens as Readonly<Record<string, string>>).map(([guest, host]) => ({ guest, host }));
  const wrong = list.find((each) => typeof each?.host !== 'string' || typeof each.guest !== 'string');
  if (wrong === undefined) return list;
  throw new WasiError(
    'TENON_PREOPEN',
    'preopens are a list of { host, guest } or an object of host paths by guest path, all of them strings',
  );
}

/** @throws WasiError `TENON_PREOPEN` when a directory cannot be opened; then none is. */
export function grant(preopens: NonNullable<WasiOptions['preopens']>, limits?: GivenLimits): [Directory, string][] {
  const granted: [Directory, string][] = [];
  const quota = new Quota(limitsOf(limits).openFiles);
  for (const { host, guest, readOnly = false } of listed(preopens)) {
    try {
      granted.push([Directory.grant(host, readOnly, quota), guest]);
    } catch (error) {
      for (const [directory] of granted) directory.release();
      const why = error instanceof Error ? error.message : String(error);
      throw new WasiError('TENON_PREOPEN', `${host} cannot be granted as ${guest}: ${why}`, error);
    }
  }
  return granted;
}

/** Resolves when all that was written has gone out. */
export async function drained(sink: Sink): Promise<void> {
  sink.flush();
  await whenReady(sink);
}
