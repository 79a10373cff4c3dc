/**
 * How much of what a client of HTTP/2 sends belongs to no request. Node tells nothing of frames such as WINDOW_UPDATE, nor of heads that it
 * refuses as too large once they are unpacked (HPACK bombs), and both cost time that other clients wait for: but their bytes show.
 */

/** The bytes of a connection, both ways. */
interface Counted {
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** Bytes that may belong to no request, at once and each second after that. */
const BURST = 512 * 1024;
const PER_SECOND = 256 * 1024;
/** What a frame of a body and a field of a head take beside their own bytes, and what a head takes beside its fields. */
const FRAME = 32;
const FIELD = 8;
const HEAD = 64;
/** A client acknowledges what it gets, with so much less than that at most. */
const ACKNOWLEDGED = 4;

export class Traffic {
  readonly #connection: Counted;
  #explained = 0;
  #since: number;

  /** @param now milliseconds */
  constructor(connection: Counted, now: number) {
    this.#connection = connection;
    this.#since = now;
  }

  /** A head came. @param rawHeaders names and values in turn */
  head(rawHeaders: readonly string[]): void {
    let bytes = HEAD;
    for (const text of rawHeaders) bytes += text.length + FIELD;
    this.#explained += bytes;
  }

  /** A part of a body came. */
  body(bytes: number): void {
    this.#explained += bytes + FRAME;
  }

  /** Bytes for which there is no reason, beyond what is allowed; 0 where all is well. */
  excess(now: number): number {
    const { bytesRead, bytesWritten } = this.#connection;
    const allowed = this.#explained + bytesWritten / ACKNOWLEDGED + ((now - this.#since) / 1000) * PER_SECOND;
    const unexplained = bytesRead - allowed;
    // What was not used up is not saved for later.
    if (unexplained < 0) {
      this.#explained += unexplained;
      return 0;
    }
    return unexplained > BURST ? Math.round(unexplained) : 0;
  }
}
