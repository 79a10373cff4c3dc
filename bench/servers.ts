/** Starts servers as processes of their own, loads them, and reads how much memory they hold. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { createServer } from 'node:net';

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

/** @param args made from the port that the server shall listen on */
export async function startServer(command: string, args: (port: number) => readonly string[]): Promise<Server> {
  const port = await freePort();
  const child = spawn(command, args(port), { stdio: ['ignore', 'ignore', 'pipe'] });
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
          child.kill('SIGKILL');
          await exit;
        },
      };
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`the server ended: ${command} ${args(port).join(' ')}\n${stderr}`);
}

/** @returns the status of one request */
export function get(port: number, path: string, agent?: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const req = request({ host: '127.0.0.1', port, path, ...(agent === undefined ? {} : { agent }) }, (res) => {
      res.resume();
      res.once('end', () => resolve(res.statusCode ?? 0));
      res.once('error', reject);
    });
    req.once('error', reject);
    req.end();
  });
}

/** @returns requests a second over `connections` kept-alive connections, for about `ms` milliseconds */
export async function load(port: number, path: string, connections: number, ms: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  let done = 0;
  const since = performance.now();
  const until = since + ms;
  const client = async (): Promise<void> => {
    while (performance.now() < until) {
      const status = await get(port, path, agent);
      if (status !== 200) throw new Error(`status ${status}`);
      done++;
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  const rate = (done * 1000) / (performance.now() - since);
  agent.destroy();
  return rate;
}

/** @returns the resident set of a process in MB */
export async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
}
