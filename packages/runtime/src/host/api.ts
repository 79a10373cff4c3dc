/**
 * The host's API: HTTP and JSON over a local socket that only its owner may open. See `docs/host-api.md`.
 *
 *     GET    /v1/status                                       the host and its workloads
 *     PUT    /v1/components                                   keeps the bytes of a component, answers its digest
 *     HEAD   /v1/components/:digest                           whether it is kept
 *     PUT    /v1/applications/:namespace/:name                wants an application as described
 *     DELETE /v1/applications/:namespace/:name                and its workloads no more
 *     GET    /v1/workloads/:namespace/:name                   status, with revisions
 *     POST   /v1/workloads/:namespace/:name/restart           starts it anew beside the old instances
 *     POST   /v1/workloads/:namespace/:name/stop|start
 *     POST   /v1/workloads/:namespace/:name/rollback          {"revision": N}, or the one before
 *     POST   /v1/workloads/:namespace/:name/call              {"export": "math.add", "arguments": "2, 3"} in WAVE
 *     GET    /v1/logs?workload=…&follow=true&tail=N           one JSON object a line
 *     POST   /v1/shutdown
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { TenonError } from '@tenon/component/errors';
import { RuntimeError } from '../errors.ts';

/** What the API can ask of a host. */
export interface HostMethods {
  status(): unknown;
  putComponent(bytes: Uint8Array): Promise<string>;
  hasComponent(digest: string): boolean;
  apply(namespace: string, application: string, description: unknown): Promise<unknown>;
  removeApplication(namespace: string, application: string): Promise<unknown>;
  workload(namespace: string, name: string): unknown;
  restart(namespace: string, name: string): Promise<unknown>;
  setState(namespace: string, name: string, state: 'running' | 'stopped'): Promise<unknown>;
  rollBack(namespace: string, name: string, revision: number | undefined): Promise<unknown>;
  call(namespace: string, name: string, path: string, args: string, signal: AbortSignal): Promise<string>;
  /** Lines that were logged, the last `tail` of those that are kept first, then as they come until the signal fires. */
  logs(options: LogOptions, write: (line: unknown) => boolean | Promise<void>, signal: AbortSignal): Promise<void>;
  shutDown(): void;
}

export interface LogOptions {
  /** Only those of one workload. */
  readonly workload: string | undefined;
  readonly follow: boolean;
  readonly tail: number;
}

/** Bytes of a component that the API takes. */
const MAX_COMPONENT_BYTES = 1024 ** 3;
const MAX_JSON_BYTES = 4 * 1024 * 1024;

interface Call {
  readonly host: HostMethods;
  readonly parameters: readonly string[];
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Fires when the client goes. */
  readonly signal: AbortSignal;
}

type Endpoint = (call: Call) => unknown;

const object = async (call: Call): Promise<Readonly<Record<string, unknown>>> => {
  const bytes = await read(call.request, MAX_JSON_BYTES);
  if (bytes.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    throw badRequest('the body is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badRequest('the body is not a JSON object');
  return value as Readonly<Record<string, unknown>>;
};

const badRequest = (message: string): RuntimeError => new RuntimeError('TENON_HOST_REQUEST', message);

function textOf(body: Readonly<Record<string, unknown>>, key: string): string {
  const value = body[key];
  if (typeof value !== 'string') throw badRequest(`"${key}" must be text`);
  return value;
}

const WORKLOAD = '/v1/workloads/:/:';

const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  'GET /v1/status': ({ host }) => host.status(),
  'PUT /v1/components': async ({ host, request }) => ({ digest: await host.putComponent(await read(request, MAX_COMPONENT_BYTES)) }),
  'HEAD /v1/components/:': ({ host, parameters: [digest = ''] }) => {
    if (!host.hasComponent(digest)) throw new RuntimeError('TENON_HOST_UNKNOWN', `${digest} is not kept here`);
    return {};
  },
  'PUT /v1/applications/:/:': async (call) => {
    const [namespace = '', name = ''] = call.parameters;
    return call.host.apply(namespace, name, await object(call));
  },
  'DELETE /v1/applications/:/:': ({ host, parameters: [namespace = '', name = ''] }) => host.removeApplication(namespace, name),
  [`GET ${WORKLOAD}`]: ({ host, parameters: [namespace = '', name = ''] }) => host.workload(namespace, name),
  [`POST ${WORKLOAD}/restart`]: ({ host, parameters: [namespace = '', name = ''] }) => host.restart(namespace, name),
  [`POST ${WORKLOAD}/stop`]: ({ host, parameters: [namespace = '', name = ''] }) => host.setState(namespace, name, 'stopped'),
  [`POST ${WORKLOAD}/start`]: ({ host, parameters: [namespace = '', name = ''] }) => host.setState(namespace, name, 'running'),
  [`POST ${WORKLOAD}/rollback`]: async (call) => {
    const [namespace = '', name = ''] = call.parameters;
    const { revision } = await object(call);
    if (revision !== undefined && !Number.isInteger(revision)) throw badRequest('"revision" must be a whole number');
    return call.host.rollBack(namespace, name, revision as number | undefined);
  },
  [`POST ${WORKLOAD}/call`]: async (call) => {
    const [namespace = '', name = ''] = call.parameters;
    const body = await object(call);
    return { result: await call.host.call(namespace, name, textOf(body, 'export'), textOf(body, 'arguments'), call.signal) };
  },
  'GET /v1/logs': sendLogs,
  'POST /v1/shutdown': ({ host, response }) => {
    response.on('finish', () => host.shutDown());
    return {};
  },
};

async function sendLogs({ host, query, response, signal }: Call): Promise<void> {
  const tail = Number(query.get('tail') ?? 100);
  if (!Number.isInteger(tail) || tail < 0) throw badRequest('"tail" must be a whole number');
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  const write = (line: unknown): boolean | Promise<void> => {
    if (response.write(`${JSON.stringify(line)}\n`)) return true;
    return new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
  };
  await host.logs({ workload: query.get('workload') ?? undefined, follow: query.get('follow') === 'true', tail }, write, signal);
  response.end();
}

const STATUS: Readonly<Record<string, number>> = {
  TENON_HOST_UNKNOWN: 404,
  TENON_HOST_REVISION: 404,
  TENON_HOST_CONFLICT: 409,
  TENON_RUNTIME_STOPPED: 409,
  TENON_RUNTIME_BUSY: 503,
  TENON_RUNTIME_TIMEOUT: 504,
};

/** Makes the server. It listens where the caller wants. */
export function createApi(host: HostMethods): Server {
  const server = createServer((request, response) => void answer(host, request, response));
  // A log is followed for as long as somebody likes.
  server.requestTimeout = 0;
  server.headersTimeout = 10_000;
  return server;
}

async function answer(host: HostMethods, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  try {
    const url = new URL(request.url ?? '/', 'http://host');
    const { endpoint, parameters } = find(request.method ?? 'GET', url.pathname);
    const result = await endpoint({ host, parameters, query: url.searchParams, request, response, signal: gone.signal });
    if (!response.headersSent) send(response, 200, result ?? {});
  } catch (error) {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const { code, message } = error instanceof TenonError ? error : { code: 'TENON_HOST_FAILED', message: wordsOf(error) };
    send(response, STATUS[code] ?? (code === 'TENON_HOST_FAILED' ? 500 : 400), { error: { code, message } });
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body, (_, value) => (typeof value === 'bigint' ? value.toString() : value));
  response.writeHead(status, { 'content-type': 'application/json' }).end(text);
}

function find(method: string, pathname: string): { readonly endpoint: Endpoint; readonly parameters: readonly string[] } {
  const segments = pathname.split('/');
  for (const [key, endpoint] of Object.entries(ENDPOINTS)) {
    const [wanted = '', pattern = ''] = key.split(' ');
    const parts = pattern.split('/');
    if (wanted !== method || parts.length !== segments.length) continue;
    if (!parts.every((part, index) => part === ':' || part === segments[index])) continue;
    return { endpoint, parameters: segments.filter((_, index) => parts[index] === ':').map(decode) };
  }
  throw new RuntimeError('TENON_HOST_UNKNOWN', `there is no ${method} ${pathname}`);
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest(`"${segment}" is not a part of a path`);
  }
}

async function read(request: IncomingMessage, most: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > most) throw badRequest(`the body is larger than ${most} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
