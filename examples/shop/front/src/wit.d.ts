/** The part of the world's imports that this component uses. */
declare module 'shop:api/prices' {
  export function items(): string[];
  export function price(item: string): number | null;
}

declare module 'shop:api/orders' {
  export interface Order {
    id: number;
    item: string;
    count: number;
    cents: number;
    state: 'placed' | 'packed' | 'shipped';
  }
  /** Throws a text when the order cannot be kept. */
  export function place(item: string, count: number, cents: number): number;
  export function all(): Order[];
}

declare module 'wasi:http/types@0.2.10' {
  export interface Method {
    readonly tag: 'get' | 'head' | 'post' | 'put' | 'delete' | 'connect' | 'options' | 'trace' | 'patch' | 'other';
  }

  export class Fields {
    static fromList(entries: [string, Uint8Array][]): Fields;
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
  }
}
