/** Speaks to a running host over its local socket. */
import { Agent, type IncomingMessage, request } from 'node:http';
import { TenonError } from '@tenon/component/errors';
import { RuntimeError } from '../errors.ts';
import type { Revision } from './desired.ts';
import type { Status } from './reconciler.ts';

/** What a host says of itself. */
export interface HostStatus {
  readonly id: string;
  readonly version: string;
  readonly pid: number;
  /** Milliseconds since 1970. */
  readonly started: number;
  readonly cells: number;
  readonly dataFolder: string | undefined;
  /** Bytes of the process that are in memory. */
  readonly memory: number;
  readonly listeners: readonly { readonly name: string; readonly url: string }[];
  readonly plugins: readonly { readonly name: string; readonly ok: boolean; readonly message?: string }[];
  readonly workloads: readonly WorkloadStatus[];
}

/** A workload, with what it takes. */
export interface WorkloadStatus extends Status {
  /** When the serving revision was started, in milliseconds since 1970. */
  readonly since: number | undefined;
  readonly requests: number;
  readonly failures: number;
  readonly instances: number;
  /** Bytes of the linear memories of all instances. */
  readonly memory: number;
  readonly cpuMs: number;
  readonly urls: readonly string[];
}

/** The logs of a host, line by line. */
export interface LogLine {
  readonly time: number;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly workload?: string | undefined;
  readonly event: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** What an application is, as the API takes it. */
export interface ApplicationDescription {
  readonly folder: string;
  readonly application: unknown;
  /** Digests by the path or reference that the application names. */
  readonly components: Readonly<Record<string, string>>;
}

/** What listens at the socket and says nothing for so long is no host. */
const UP_MS = 30_000;

/** Talks to a host. Every method throws RuntimeError `TENON_HOST_AWAY` when none listens, and otherwise what the host says. */
export class HostClient {
  readonly socket: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 });

  /** @param socket path of the host's socket, see `hostSocket` */
  constructor(socket: string) {
    this.socket = socket;
  }

  status(): Promise<HostStatus> {
    return this.#json('GET', '/v1/status') as Promise<HostStatus>;
  }

  /** Whether a host listens, and answers within 30 s. */
  async isUp(): Promise<boolean> {
    try {
      await checked(await this.#send('GET', '/v1/status', undefined, AbortSignal.timeout(UP_MS)));
      return true;
    } catch {
      return false;
    }
  }

  async putComponent(bytes: Uint8Array): Promise<string> {
    const { digest } = (await this.#json('PUT', '/v1/components', bytes)) as { digest: string };
    return digest;
  }

  async hasComponent(digest: string): Promise<boolean> {
    const response = await this.#send('HEAD', `/v1/components/${digest}`);
    response.resume();
    return response.statusCode === 200;
  }

  /** @returns the status of each workload once it is as wanted, or cannot be for now */
  apply(namespace: string, application: string, description: ApplicationDescription): Promise<Applied> {
    return this.#json('PUT', `/v1/applications/${namespace}/${application}`, description) as Promise<Applied>;
  }

  removeApplication(namespace: string, application: string): Promise<{ readonly removed: readonly string[] }> {
    return this.#json('DELETE', `/v1/applications/${namespace}/${application}`) as Promise<{ removed: string[] }>;
  }

  workload(namespace: string, name: string): Promise<WorkloadStatus & { readonly revisions: readonly Revision[] }> {
    return this.#json('GET', `/v1/workloads/${namespace}/${name}`) as Promise<WorkloadStatus & { revisions: Revision[] }>;
  }

  restart(namespace: string, name: string): Promise<Status> {
    return this.#json('POST', `/v1/workloads/${namespace}/${name}/restart`) as Promise<Status>;
  }

  setState(namespace: string, name: string, state: 'running' | 'stopped'): Promise<Status> {
    return this.#json('POST', `/v1/workloads/${namespace}/${name}/${state === 'running' ? 'start' : 'stop'}`) as Promise<Status>;
  }

  /** @param revision the one before the current one unless given */
  rollBack(namespace: string, name: string, revision?: number): Promise<Status> {
    return this.#json('POST', `/v1/workloads/${namespace}/${name}/rollback`, { revision }) as Promise<Status>;
  }

  /**
   * Calls an export.
   * @param path `math.add`, `example:calculator/math.add`
   * @param args the arguments in WAVE, with commas between
   * @returns the result in WAVE; empty when there is none
   */
  async call(namespace: string, name: string, path: string, args: string): Promise<string> {
    const body = { export: path, arguments: args };
    const { result } = (await this.#json('POST', `/v1/workloads/${namespace}/${name}/call`, body)) as { result: string };
    return result;
  }

  /** Lines of the log, until there are no more, or for ever with `follow`. */
  async *logs(options: { workload?: string; follow?: boolean; tail?: number; signal?: AbortSignal } = {}): AsyncGenerator<LogLine> {
    const query = new URLSearchParams({ follow: String(options.follow ?? false), tail: String(options.tail ?? 100) });
    if (options.workload !== undefined) query.set('workload', options.workload);
    const response = await this.#send('GET', `/v1/logs?${query}`, undefined, options.signal);
    if (response.statusCode !== 200) await checked(response);
    response.setEncoding('utf8');
    let rest = '';
    // Whoever stops reading closes the connection; a host that dies in the middle is an error.
    for await (const text of response as AsyncIterable<string>) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line) as LogLine;
    }
  }

  async shutDown(): Promise<void> {
    await this.#json('POST', '/v1/shutdown');
  }

  close(): void {
    this.#agent.destroy();
  }

  async #json(method: string, path: string, body?: unknown): Promise<unknown> {
    return checked(await this.#send(method, path, body));
  }

  #send(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<IncomingMessage> {
    const bytes = body === undefined || body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body));
    const headers = bytes === undefined ? {} : { 'content-length': bytes.length };
    return new Promise((resolve, reject) => {
      const outgoing = request({ socketPath: this.socket, method, path, headers, agent: this.#agent, ...(signal && { signal }) }, resolve);
      outgoing.on('error', (error: NodeJS.ErrnoException) => reject(away(this.socket, error)));
      outgoing.end(bytes);
    });
  }
}

export interface Applied {
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  readonly workloads: readonly Status[];
}

async function checked(response: IncomingMessage): Promise<unknown> {
  const text = Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>)).toString();
  const value = text === '' ? {} : JSON.parse(text);
  const { error } = value as { error?: { code: string; message: string } };
  if (error !== undefined) throw new TenonError(error.code, error.message.split('\n'));
  return value;
}

function away(socket: string, error: NodeJS.ErrnoException): Error {
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') {
    return new RuntimeError('TENON_HOST_AWAY', `no host listens at ${socket}: start one with \`tenon up\``, error);
  }
  if (error.code === 'EACCES') return new RuntimeError('TENON_HOST_AWAY', `the host at ${socket} is another user's`, error);
  return error;
}
