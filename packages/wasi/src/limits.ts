/** How much of the host a guest may hold. All that is granted by one call of `wasi()` counts together, in however many instances. */
export interface WasiLimits {
  /** Files and directories open at the same time; 1,024. Opening one more fails with `insufficient-memory`, in preview 1 with `EMFILE`. */
  readonly openFiles: number;
  /** Sockets open at the same time; 1,024. One more fails with `new-socket-limit`; connections that cannot be accepted are reset. */
  readonly sockets: number;
  /** HTTP requests of which the response has not been read to its end; 1,024. One more fails with `connection-limit-reached`. */
  readonly outgoingRequests: number;
  /**
   * Bytes that the host holds for guests, beside their own memories: fields, bodies and other streams that wait to go on, datagrams, lookups;
   * 256 MiB. What would go over it fails with the error that the interface has for it, and where it has none the instance traps.
   */
  readonly hostBytes: number;
  /** The same for each instance, and what it may pass in one call; 64 MiB. */
  readonly instanceHostBytes: number;
}

/** Limits of which some are given. */
export type GivenLimits = { readonly [Name in keyof WasiLimits]?: number | undefined };

const MIB = 1024 * 1024;

export const DEFAULT_WASI_LIMITS: WasiLimits = limitsOf();

/** What is not given, or given as `undefined`, has its default. */
export function limitsOf(given: GivenLimits = {}): WasiLimits {
  const { openFiles = 1024, sockets = 1024, outgoingRequests = 1024, hostBytes = 256 * MIB, instanceHostBytes = 64 * MIB } = given;
  return { openFiles, sockets, outgoingRequests, hostBytes, instanceHostBytes };
}

/** So many of something at a time. */
export class Quota {
  readonly #most: number;
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes one. @returns false where none is left */
  take(): boolean {
    if (this.#taken >= this.#most) return false;
    this.#taken++;
    return true;
  }

  give(): void {
    this.#taken--;
  }
}
