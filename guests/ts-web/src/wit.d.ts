/** The part of the world's imports that this component uses. */
declare module 'example:calculator/math' {
  export function add(a: number, b: number): number;
  export function multiply(a: number, b: number): number;
}

declare module 'wasi:http/types@0.2.10' {
  export type Method =
    | { tag: 'get' | 'head' | 'post' | 'put' | 'delete' | 'connect' | 'options' | 'trace' | 'patch' }
    | { tag: 'other'; val: string };

  export class Fields {
    static fromList(entries: [string, Uint8Array][]): Fields;
    clone(): Fields;
  }

  export class IncomingRequest {
    method(): Method;
    pathWithQuery(): string | undefined;
  }

  export class OutputStream {
    blockingWriteAndFlush(contents: Uint8Array): void;
    [Symbol.dispose](): void;
  }

  export class OutgoingBody {
    write(): OutputStream;
    static finish(body: OutgoingBody, trailers: Fields | undefined): void;
  }

  export class OutgoingResponse {
    constructor(headers: Fields);
    setStatusCode(code: number): void;
    body(): OutgoingBody;
  }

  export class ResponseOutparam {
    static set(out: ResponseOutparam, response: { tag: 'ok'; val: OutgoingResponse }): void;
    [Symbol.dispose](): void;
  }
}
