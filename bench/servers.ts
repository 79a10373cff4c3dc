/** Starts servers as processes of their own, loads them, and reads how much memory they hold. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

export interface Server {
  readonly port: number;
  readonly child: ChildProcess;
  stop(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Each server is a process group, for those that start processes of their own; a terminal's Ctrl-C does not reach them. */
const groups = new Set<number>();
process.once('SIGINT', () => {
  for (const group of groups) killGroup(group, 'SIGKILL');
  process.exit(130);
});

function killGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch {
    // All of them have ended.
  }
}

/** @param args made from the port that the server shall listen on */
export async function startServer(command: string, args: (port: number) => readonly string[]): Promise<Server> {
  const port = await freePort();
  const child = spawn(command, args(port), { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  const group = child.pid;
  if (group === undefined) throw new Error(`${command} cannot be started`);
  groups.add(group);
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-2000);
  });
  let ended = false;
  const exit = new Promise<void>((resolve) =>
    child.once('exit', () => {
      ended = true;
      resolve();
    }),
  );
  while (!ended) {
    if ((await get(port, '/').catch(() => undefined)) !== undefined) {
      return {
        port,
        child,
        async stop() {
          // As a person would stop it: what the command line keeps for its next start is written at its end.
          killGroup(group, 'SIGTERM');
          const forced = setTimeout(() => killGroup(group, 'SIGKILL'), 5000);
          await exit;
          clearTimeout(forced);
          groups.delete(group);
        },
      };
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`the server ended: ${command} ${args(port).join(' ')}\n${stderr}`);
}

/** @returns the status of one request */
export function get(port: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const req = request({ host: '127.0.0.1', port, path }, (res) => {
      res.resume();
      res.once('end', () => resolve(res.statusCode ?? 0));
      res.once('error', reject);
    });
    req.once('error', reject);
    req.end();
  });
}

const autocannon = fileURLToPath(new URL('../node_modules/autocannon/autocannon.js', import.meta.url));

/** Whether the load generator in C is here: the one in JavaScript takes a core for itself. */
const hasWrk = spawnSync('wrk', ['--version']).error === undefined;

/** Loads a server from a process of its own. @returns requests a second over `connections` kept-alive connections */
export function load(port: number, path: string, connections: number, seconds: number): Promise<number> {
  return hasWrk ? loadByWrk(port, path, connections, seconds) : loadByAutocannon(port, path, connections, seconds);
}

async function loadByWrk(port: number, path: string, connections: number, seconds: number): Promise<number> {
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, `http://127.0.0.1:${port}${path}`];
  const child = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await new Promise((resolve) => child.once('close', resolve));
  const wrong = /Non-2xx.*|Socket errors.*/.exec(output)?.[0];
  if (wrong !== undefined) throw new Error(wrong);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1] ?? Number.NaN);
}

async function loadByAutocannon(port: number, path: string, connections: number, seconds: number): Promise<number> {
  const args = [
    autocannon,
    '--json',
    '--connections',
    String(connections),
    '--duration',
    String(seconds),
    `http://127.0.0.1:${port}${path}`,
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await new Promise((resolve) => child.once('close', resolve));
  const result = JSON.parse(output) as {
    readonly requests: { readonly average: number };
    readonly non2xx: number;
    readonly errors: number;
  };
  if (result.non2xx + result.errors > 0) throw new Error(`${result.non2xx} answers that are no success, ${result.errors} errors`);
  return result.requests.average;
}

/** @returns the resident set of a process in MB */
export async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
}
