/** A request that comes from nobody: whoever sends it wants to know the status. */
import { Readable } from 'node:stream';
import type { Message, ReceivedRequest, Responder } from '@tenon/wasi';

export class Probe implements Responder {
  readonly request: ReceivedRequest;
  readonly gone = false;
  readonly writableLength = 0;
  readonly writableHighWaterMark = 65_536;
  /** 0 before there is an answer. */
  status = 0;

  constructor(path: string) {
    const message: Message = Object.assign(Readable.from([]), { rawHeaders: [], rawTrailers: [], complete: true });
    this.request = { method: 'GET', target: path, authority: 'localhost', secure: false, rawHeaders: ['host', 'localhost'], message };
  }

  inform(): void {}

  respond(status: number): void {
    this.status = status;
  }

  begin(status: number): void {
    this.status = status;
  }

  write(_bytes: Uint8Array, written: () => void): void {
    setImmediate(written);
  }

  end(): void {}

  refuse(status: number): void {
    this.status = status;
  }

  watch(): void {}
}
