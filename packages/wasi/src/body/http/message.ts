import type { Readable } from 'node:stream';

/** What is received of a message: `IncomingMessage` is one, and so is a stream of HTTP/2 that carries these. */
export interface Message extends Readable {
  readonly statusCode?: number | undefined;
  readonly rawHeaders: string[];
  readonly rawTrailers: string[];
  /** All of it is here. */
  readonly complete: boolean;
}
