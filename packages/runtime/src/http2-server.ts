/** HTTP/2: limits that Node leaves open, and how connections end. */
import type { Http2Session, Http2Server as NodeServer, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { LINGER_MS } from './answers.ts';
import type { Limits } from './config.ts';
import { Traffic } from './http2-traffic.ts';
import type { Log } from './log.ts';

const http2 = process.getBuiltinModule('node:http2');

/** Streams that a client may have open at once on one connection. */
const MAX_STREAMS = 128;
/** Streams that a client may open and reset in a row, and each second after that (CVE-2023-44487). */
const RESET_BURST = 200;
const RESET_RATE = 33;

/** How often it is looked at what clients send, in milliseconds; less often where there are many of them. */
const LOOK_MS = 50;
const LOOKS_PER_MS = 10;

const traffic = new WeakMap<Http2Session, Traffic>();

class WholeRequest extends http2.Http2ServerRequest {
  override push(chunk: Buffer | null, encoding?: BufferEncoding): boolean {
    if (chunk === null && this.stream?.rstCode) {
      // Node ends the body of a stream that was reset, but one that breaks off must not look like one that ended.
      this.destroy(Object.assign(new Error('the client broke the request off'), { code: 'ECONNRESET' }));
      return false;
    }
    if (chunk !== null && this.stream?.session !== undefined) traffic.get(this.stream.session)?.body(chunk.length);
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
  private readonly log: Log;
  private looking = false;
  /** The socket of the session that begins: what a session shows of it is slow. */
  private accepted: Socket | undefined;
  private draining = false;

  constructor(limits: Limits, arrive: Arrival, log: Log) {
    this.log = log;
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
    this.accepted = socket;
    this.server.emit('connection', socket);
    this.accepted = undefined;
  }

  private begin(session: ServerHttp2Session): void {
    this.sessions.add(session);
    const seen = new Traffic(this.accepted ?? session.socket, performance.now());
    traffic.set(session, seen);
    if (!this.looking) this.lookAgain();
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
    session.on('stream', ((stream: ServerHttp2Stream, _headers: object, _flags: number, rawHeaders: string[]) => {
      streams++;
      seen.head(rawHeaders);
      stream.on('close', () => streams--);
    }) as never);
    if (this.draining) session.close();
  }

  /** Ends connections that send much for no request. */
  private look(): void {
    const now = performance.now();
    for (const session of this.sessions) {
      const bytes = traffic.get(session)?.excess(now) ?? 0;
      if (bytes === 0) continue;
      const message = `a client of HTTP/2 at ${session.socket.remoteAddress} is disconnected: it sent ${bytes} bytes that belong to no request`;
      this.log({ level: 'warn', event: 'error', message });
      session.destroy(undefined, http2.constants.NGHTTP2_ENHANCE_YOUR_CALM);
    }
    this.looking = false;
    if (this.sessions.size > 0) this.lookAgain();
  }

  private lookAgain(): void {
    this.looking = true;
    setTimeout(() => this.look(), Math.max(LOOK_MS, this.sessions.size / LOOKS_PER_MS)).unref();
  }

  /** Says goodbye to every client: streams that are open end as usual, new ones go elsewhere. */
  drain(): void {
    this.draining = true;
    for (const session of this.sessions) session.close();
  }
}
