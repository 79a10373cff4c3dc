// The floor for a server: node:http and nothing else, in as many threads as are asked for.
import { createServer } from 'node:http';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

const [port, threads] = isMainThread ? process.argv.slice(2).map(Number) : workerData;
if (isMainThread && threads > 1) for (let i = 0; i < threads; i++) new Worker(new URL(import.meta.url), { workerData: [port, threads] });
else createServer((_, response) => response.end('hello')).listen({ port, host: '127.0.0.1', reusePort: threads > 1 });
