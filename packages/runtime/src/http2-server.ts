/** HTTP/2 inside a worker thread, on the same streams as HTTP/1.1. */
import type { Http2Session, Http2Server as NodeServer, ServerHttp2Session } from 'node:http2';
import type { Limits } from './config.ts';
import type { Announced, Counted } from './http-server.ts';
import type { TunnelSocket } from './tunnel.ts';

const http2 = process.getBuiltinModule('node:http2');

/** Streams that a client may have open at once on one connection. */
const MAX_STREAMS = 128;
/** Streams that a client may open and reset in a row, and each second after that (CVE-2023-44487). */
const RESET_BURST = 200;
const RESET_RATE = 33;

class CountedRequest extends http2.Http2ServerRequest implements Counted {
  counted: ((bytes: number) => void) | undefined = undefined;

  override push(chunk: Buffer | null, encoding?: BufferEncoding): boolean {
    if (chunk !== null) {
      this.counted?.(chunk.length);
    } else if (this.stream?.rstCode) {
      // Node ends the body of a stream that was reset, but one that breaks off must not look like one that ended.
      this.destroy(Object.assign(new Error('the client broke the request off'), { code: 'ECONNRESET' }));
      return false;
    }
    return super.push(chunk, encoding);
  }
}

class AnnouncedResponse extends http2.Http2ServerResponse<CountedRequest> implements Announced {
  beforeHead: (() => void) | undefined = undefined;

  // biome-ignore lint/suspicious/noExplicitAny: passes on whatever overload it was called with
  override writeHead(...args: [any, any?, any?]): this {
    this.beforeHead?.();
    return super.writeHead(...args);
  }
}

/** Takes a request; `waits` when the client sends its body only once it is told to. */
export type Arrival = (socket: TunnelSocket, request: CountedRequest, response: AnnouncedResponse, waits: boolean) => void;

export class Http2Server {
  private readonly server: NodeServer;
  private readonly sessions = new Map<Http2Session, TunnelSocket>();
  private readonly idleTimeoutMs: number;
  private draining = false;

  constructor(limits: Limits, arrive: Arrival) {
    this.idleTimeoutMs = limits.idleTimeoutMs;
    const settings = {
      Http2ServerRequest: CountedRequest,
      Http2ServerResponse: AnnouncedResponse,
      settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: 2 * limits.maxHeaderBytes, enableConnectProtocol: false },
      // Somewhat more than allowed comes through, to be answered by 431 and not by a reset.
      maxHeaderListPairs: 2 * limits.maxHeaders + 4,
      streamResetBurst: RESET_BURST,
      streamResetRate: RESET_RATE,
      maxSessionInvalidFrames: 100,
      maxOutstandingPings: 10,
    };
    const take =
      (waits: boolean) =>
      (request: CountedRequest, response: AnnouncedResponse): void => {
        const socket = request.stream.session === undefined ? undefined : this.sessions.get(request.stream.session);
        request.on('aborted', () => request.destroy(Object.assign(new Error('the client went away'), { code: 'ECONNRESET' })));
        request.on('error', () => {});
        if (socket !== undefined) arrive(socket, request, response, waits);
      };
    this.server = http2.createServer(settings, take(false)) as NodeServer;
    this.server.on('checkContinue', take(true) as never);
  }

  /** Serves a connection. */
  accept(socket: TunnelSocket): void {
    if (socket.destroyed) return;
    // The event comes before `emit` returns.
    this.server.once('session', (session) => this.begin(session, socket));
    this.server.emit('connection', socket);
  }

  private begin(session: ServerHttp2Session, socket: TunnelSocket): void {
    this.sessions.set(session, socket);
    session.on('close', () => this.sessions.delete(session));
    // The connection is closed then, which is all that can be done.
    session.on('error', () => {});
    let streams = 0;
    const idle = (): void => {
      if (streams === 0) session.close();
    };
    session.setTimeout(this.idleTimeoutMs, idle);
    session.on('stream', (stream) => {
      streams++;
      stream.on('close', () => streams--);
    });
    if (this.draining) session.close();
  }

  /** Says goodbye to every client: streams that are open end as usual, new ones go elsewhere. */
  drain(): void {
    this.draining = true;
    for (const session of this.sessions.keys()) session.close();
  }

  close(): void {
    for (const session of this.sessions.keys()) session.destroy();
  }
}
