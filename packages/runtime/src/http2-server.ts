/** HTTP/2: limits that Node leaves open, and how connections end. */
import type { Http2Session, Http2Server as NodeServer, ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { LINGER_MS } from './answers.ts';
import type { Limits } from './config.ts';

const http2 = process.getBuiltinModule('node:http2');

/** Streams that a client may have open at once on one connection. */
const MAX_STREAMS = 128;
/** Streams that a client may open and reset in a row, and each second after that (CVE-2023-44487). */
const RESET_BURST = 200;
const RESET_RATE = 33;

class WholeRequest extends http2.Http2ServerRequest {
  override push(chunk: Buffer | null, encoding?: BufferEncoding): boolean {
    if (chunk === null && this.stream?.rstCode) {
      // Node ends the body of a stream that was reset, but one that breaks off must not look like one that ended.
      this.destroy(Object.assign(new Error('the client broke the request off'), { code: 'ECONNRESET' }));
      return false;
    }
    return super.push(chunk, encoding);
  }
}

type Response = InstanceType<typeof http2.Http2ServerResponse<WholeRequest>>;

/** Takes a request; `waits` when the client sends its body only once it is told to. */
export type Arrival = (request: WholeRequest, response: Response, waits: boolean) => void;

export class Http2Server {
  private readonly server: NodeServer;
  private readonly sessions = new Set<Http2Session>();
  private readonly idleTimeoutMs: number;
  private draining = false;

  constructor(limits: Limits, arrive: Arrival) {
    this.idleTimeoutMs = limits.idleTimeoutMs;
    const settings = {
      Http2ServerRequest: WholeRequest,
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
      (request: WholeRequest, response: Response): void => {
        request.on('aborted', () => request.destroy(Object.assign(new Error('the client went away'), { code: 'ECONNRESET' })));
        request.on('error', () => {});
        arrive(request, response, waits);
      };
    this.server = http2.createServer(settings, take(false)) as NodeServer;
    this.server.on('checkContinue', take(true) as never);
    this.server.on('session', (session) => this.begin(session));
  }

  /** Serves a connection. */
  accept(socket: Socket): void {
    this.server.emit('connection', socket);
  }

  private begin(session: ServerHttp2Session): void {
    this.sessions.add(session);
    session.on('close', () => this.sessions.delete(session));
    // The connection is closed then, which is all that can be done.
    session.on('error', () => {});
    let streams = 0;
    const idle = (): void => {
      if (streams > 0) return;
      session.close();
      // Whoever takes nothing would never hear the goodbye.
      setTimeout(() => session.destroy(), LINGER_MS).unref();
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
    for (const session of this.sessions) session.close();
  }
}
