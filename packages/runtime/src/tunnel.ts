/** The worker's end of connections whose sockets the main thread owns: each is a stream that Node's HTTP server takes for a socket. */
import { Duplex } from 'node:stream';
import {
  bytesOf,
  CLOSE,
  CREDIT,
  CREDIT_STEP,
  DATA,
  END,
  type FrameSender,
  type Frames,
  HTTP2,
  OPEN,
  type Payload,
  receiveFrames,
  SECURE,
  WINDOW,
} from './frames.ts';

type Callback = (error?: Error | null) => void;

export class TunnelSocket extends Duplex {
  /** The connection's number; the same in both threads. */
  readonly connection: number;
  /** As `tls.TLSSocket`: the client speaks TLS. */
  readonly encrypted: boolean;
  readonly http2: boolean;
  /** Bytes that have come so far. */
  received = 0;
  /** A request was refused, so nobody knows what follows it. */
  refused = false;
  private readonly frames: FrameSender;
  /** Received and read, not credited yet. */
  private owed = 0;
  /** Sent and not credited by the main thread yet. */
  private unacknowledged = 0;
  private continueWriting: Callback | undefined;
  private idle: NodeJS.Timeout | undefined;

  constructor(connection: number, kind: number, frames: FrameSender) {
    super({ decodeStrings: false });
    this.connection = connection;
    this.encrypted = (kind & SECURE) !== 0;
    this.http2 = (kind & HTTP2) !== 0;
    this.frames = frames;
  }

  receive(bytes: Buffer): void {
    this.owed += bytes.length;
    this.received += bytes.length;
    if (this.push(bytes)) this.credit();
  }

  acknowledge(bytes: number): void {
    this.unacknowledged -= bytes;
    if (this.unacknowledged >= WINDOW) return;
    const proceed = this.continueWriting;
    this.continueWriting = undefined;
    proceed?.();
  }

  private credit(): void {
    if (this.owed < CREDIT_STEP) return;
    this.frames.send(this.connection, CREDIT, this.owed);
    this.owed = 0;
  }

  override _read(): void {
    this.credit();
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: Callback): void {
    this.unacknowledged += this.transmit(chunk, encoding);
    this.proceed(done);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer | string; readonly encoding: BufferEncoding }[], done: Callback): void {
    for (const { chunk, encoding } of chunks) this.unacknowledged += this.transmit(chunk, encoding);
    this.proceed(done);
  }

  private transmit(chunk: Buffer | string, encoding: BufferEncoding): number {
    if (typeof chunk !== 'string') return this.frames.data(this.connection, chunk);
    if (encoding !== 'latin1') return this.frames.data(this.connection, Buffer.from(chunk, encoding));
    this.frames.send(this.connection, DATA, chunk);
    return chunk.length;
  }

  private proceed(done: Callback): void {
    if (this.unacknowledged < WINDOW) done();
    else this.continueWriting = done;
  }

  override _final(done: Callback): void {
    this.frames.send(this.connection, END);
    done();
  }

  override _destroy(error: Error | null, done: Callback): void {
    clearTimeout(this.idle);
    this.frames.send(this.connection, CLOSE);
    done(error);
  }

  /** As `net.Socket`: Node's HTTP server closes idle connections by it. */
  setTimeout(ms: number): this {
    clearTimeout(this.idle);
    this.idle = ms > 0 ? setTimeout(() => this.emit('timeout'), ms) : undefined;
    return this;
  }

  /** As `net.Socket`: Node's HTTP server ends a connection by it once the last answer is out. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }
}

/** All connections of a worker thread. */
export class Tunnels {
  private readonly frames: FrameSender;
  private readonly accept: (socket: TunnelSocket) => void;
  private readonly sockets = new Map<number, TunnelSocket>();
  private whenEmpty: (() => void) | undefined;

  /** @param accept is given each new connection */
  constructor(frames: FrameSender, accept: (socket: TunnelSocket) => void) {
    this.frames = frames;
    this.accept = accept;
  }

  receive(frames: Frames): void {
    receiveFrames(frames, (connection, kind, payload) => this.take(connection, kind, payload));
  }

  /** Resolves when no connection is left. */
  empty(): Promise<void> {
    return new Promise((settle) => {
      if (this.sockets.size === 0) settle();
      else this.whenEmpty = settle;
    });
  }

  private take(connection: number, kind: number, payload: Payload): void {
    if (kind === OPEN) this.open(connection, payload as number);
    const socket = this.sockets.get(connection);
    // Frames for a connection that was closed here meanwhile find nothing.
    if (socket === undefined || kind === OPEN) return;
    if (kind === DATA) socket.receive(bytesOf(payload));
    else if (kind === END) socket.push(null);
    else if (kind === CREDIT) socket.acknowledge(payload as number);
    else socket.destroy();
  }

  private open(connection: number, kind: number): void {
    const socket = new TunnelSocket(connection, kind, this.frames);
    this.sockets.set(connection, socket);
    socket.on('close', () => {
      this.sockets.delete(connection);
      if (this.sockets.size === 0) this.whenEmpty?.();
    });
    this.accept(socket);
  }
}
