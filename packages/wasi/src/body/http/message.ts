import type { Readable } from 'node:stream';

/** What is received of a message: `IncomingMessage` is one, and so is a stream of HTTP/2 that carries these. */
export interface Message extends Readable {
  readonly statusCode?: number | undefined;
  readonly rawHeaders: string[];
  readonly rawTrailers: string[];
  /** Whether the client sends the body only when somebody reads it, and nobody has. */
  readonly unasked?: boolean;
  /** All of it is here. */
  readonly complete: boolean;
}

/** Breaks off a response of which no more is read, unless it is here already and its connection can be kept. */
export function abandon(message: Message): void {
  if (message.complete) message.resume();
  else message.destroy();
}
