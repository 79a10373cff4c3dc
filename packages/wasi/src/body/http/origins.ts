/** What is known of the servers that requests go to: which protocol they speak, and the connections that are kept. */
import type { Agent, RequestOptions } from 'node:http';
import type { ClientHttp2Session } from 'node:http2';
import type { Agent as SecureAgent } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContext, TLSSocket } from 'node:tls';
import { builtins } from '../builtins.ts';

/** How to speak with a server: HTTP/1.1 on connections of the agent, or HTTP/2 on this one. */
export type Way = 'http/1.1' | ClientHttp2Session;

/** Servers whose protocol is remembered. */
const MOST_KNOWN = 1000;

/** Bytes of the fields of a response. */
export const MOST_FIELD_BYTES: number = 64 * 1024;
/** Fields of a response over HTTP/2, of which Node allows 128 otherwise. */
const MOST_FIELDS = 8192;

/** How connections are kept for the next request. */
export interface PoolOptions {
  /** A connection that carries nothing for so long is closed, in milliseconds. */
  readonly idleTimeoutMs: number;
  /** Whether a connection carries more than one request. Where it does not, HTTP/1.1 is spoken. */
  readonly reuse: boolean;
}

/** Options of which some are given. */
export type GivenPoolOptions = { readonly [Name in keyof PoolOptions]?: PoolOptions[Name] | undefined };

export function poolOf({ idleTimeoutMs = 30_000, reuse = true }: GivenPoolOptions = {}): PoolOptions {
  return { idleTimeoutMs, reuse };
}

export class Origins {
  readonly #ca: string | undefined;
  #context: SecureContext | undefined;
  readonly #pool: PoolOptions;
  readonly #agents = new Map<string, Agent>();
  readonly #http1 = new Set<string>();
  readonly #sessions = new Map<string, ClientHttp2Session>();
  readonly #dialling = new Map<string, Promise<Way>>();
  /** Connected already, to find out which protocol the server speaks. */
  readonly #spare = new Map<string, TLSSocket>();

  /** @throws Error when the certificates cannot be read. */
  constructor(ca: string | undefined, pool: PoolOptions) {
    this.#ca = ca;
    this.#pool = pool;
    if (ca !== undefined) new builtins.crypto.X509Certificate(ca);
  }

  /** @param fresh whether each request has a connection of its own */
  agent(secure: boolean, fresh: boolean = !this.#pool.reuse): Agent {
    const key = `${secure} ${fresh}`;
    let agent = this.#agents.get(key);
    if (agent === undefined) {
      agent = secure ? this.#secureAgent(!fresh) : new builtins.http.Agent({ keepAlive: !fresh });
      keepSafely(agent, this.#pool.idleTimeoutMs);
      this.#agents.set(key, agent);
    }
    return agent;
  }

  known(host: string, port: number): Way | undefined {
    const key = `${host}:${port}`;
    if (this.#http1.has(key)) return 'http/1.1';
    const session = this.#sessions.get(key);
    return session?.closed || session?.destroyed ? undefined : session;
  }

  /** Connects to a server that is not known and learns what it speaks. */
  dial(address: Pick<RequestOptions, 'lookup' | 'port'>, host: string, port: number): Promise<Way> {
    const key = `${host}:${port}`;
    let dialling = this.#dialling.get(key);
    if (dialling === undefined) {
      dialling = this.#connect(address, host, key).finally(() => this.#dialling.delete(key));
      this.#dialling.set(key, dialling);
    }
    return dialling;
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    for (const session of this.#sessions.values()) session.destroy();
    for (const socket of this.#spare.values()) socket.destroy();
  }

  #connect({ lookup, port }: Pick<RequestOptions, 'lookup' | 'port'>, host: string, key: string): Promise<Way> {
    return new Promise((settle, fail) => {
      const socket = builtins.tls.connect({
        host,
        port: Number(port),
        lookup,
        servername: servername(host),
        secureContext: this.#secureContext(),
        ALPNProtocols: this.#pool.reuse ? ['h2', 'http/1.1'] : ['http/1.1'],
      });
      socket.once('error', fail);
      socket.once('secureConnect', () => {
        socket.off('error', fail);
        settle(socket.alpnProtocol === 'h2' ? this.#begin(socket, key) : this.#keep(socket, key));
      });
    });
  }

  #keep(socket: TLSSocket, key: string): 'http/1.1' {
    if (this.#http1.size >= MOST_KNOWN) this.#http1.clear();
    this.#http1.add(key);
    this.#spare.set(key, socket);
    const forget = (): void => {
      if (this.#spare.get(key) === socket) this.#spare.delete(key);
    };
    // Its first request takes it at once; it may break before that.
    socket.on('error', forget).on('close', forget);
    return 'http/1.1';
  }

  #begin(socket: TLSSocket, key: string): ClientHttp2Session {
    const session = builtins.http2.connect(`https://${key}`, {
      createConnection: () => socket,
      settings: { enablePush: false, maxHeaderListSize: MOST_FIELD_BYTES },
      maxHeaderListPairs: MOST_FIELDS,
    });
    const forget = (): void => {
      if (this.#sessions.get(key) === session) this.#sessions.delete(key);
    };
    this.#sessions.set(key, session);
    session.on('error', forget).on('close', forget).on('goaway', forget);
    session.setTimeout(this.#pool.idleTimeoutMs, () => session.close());
    return session;
  }

  #secureContext(): SecureContext {
    const { tls } = builtins;
    this.#context ??= tls.createSecureContext(this.#ca === undefined ? {} : { ca: [...tls.getCACertificates('default'), this.#ca] });
    return this.#context;
  }

  #secureAgent(keepAlive: boolean): SecureAgent {
    const agent = new builtins.https.Agent({ keepAlive, secureContext: this.#secureContext() });
    const create = agent.createConnection.bind(agent);
    agent.createConnection = (options, created) => {
      const key = `${options.host}:${options.port}`;
      const spare = this.#spare.get(key);
      this.#spare.delete(key);
      return spare ?? create(options, created);
    };
    return agent;
  }
}

/** Closes kept connections in time, and those on which something comes that nobody has asked for: it would be taken for the next answer. */
function keepSafely(agent: Agent, idleTimeoutMs: number): void {
  const keep = agent.keepSocketAlive.bind(agent);
  const reuse = agent.reuseSocket.bind(agent);
  agent.keepSocketAlive = (socket) => {
    // `keep` sets what the server has said of its own patience.
    const kept = keep(socket) as unknown;
    const { timeout = 0 } = socket as Socket;
    if (timeout === 0 || timeout > idleTimeoutMs) (socket as Socket).setTimeout(idleTimeoutMs);
    socket.on('data', destroy);
    return kept as never;
  };
  agent.reuseSocket = (socket, request) => {
    socket.off('data', destroy);
    reuse(socket, request);
  };
}

function destroy(this: Duplex): void {
  this.destroy();
}

/** Certificates are for names; an address is checked without one being sent. */
export function servername(host: string): string {
  return builtins.net.isIP(host) === 0 ? host : '';
}
