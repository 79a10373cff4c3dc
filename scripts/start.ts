/**
 * `npm start`: a web handler in TypeScript calls a calculator in Rust across a component seam. Composes the two and serves the result,
 * with the same commands that anyone would use.
 */
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { relative } from 'node:path';
import { main } from 'tenon';
import { ensureGuest } from '../guests/guests.ts';
import { CACHE, ROOT } from './workspace.ts';

const HOST = '127.0.0.1';
const PORT = 8080;

/** The port if it is free, else any free one. */
function freePort(wanted: number): Promise<number> {
  return new Promise((settle, fail) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' && wanted !== 0) settle(freePort(0));
      else fail(error);
    });
    probe.listen(wanted, HOST, () => {
      const address = probe.address();
      probe.close(() => settle(address !== null && typeof address !== 'string' ? address.port : wanted));
    });
  });
}

/** Runs a `tenon` command; false when it failed and said why. */
async function tenon(...args: string[]): Promise<boolean> {
  console.log(`$ tenon ${args.join(' ')}`);
  await main(args);
  return process.exitCode === 0;
}

process.chdir(ROOT);
mkdirSync(CACHE, { recursive: true });
const short = (path: string): string => relative(ROOT, path);
const web = short(await ensureGuest('ts-web'));
const calculator = short(await ensureGuest('rust-calculator'));
const app = short(`${CACHE}/calculator-app.wasm`);

if (await tenon('compose', '-o', app, web, '--plug', calculator)) {
  const port = await freePort(PORT);
  const url = `http://${HOST}:${port}`;
  console.log(`
${port === PORT ? '' : `Port ${PORT} is taken, so it is ${port}.\n`}Try in another terminal:
  curl '${url}/add?a=2&b=3'        answers 5: TypeScript calls Rust
  curl '${url}/multiply?a=6&b=7'   answers 42
  curl '${url}/'                   tells what else there is
Ctrl-C ends it.
`);
  await tenon('serve', '--addr', `${HOST}:${port}`, app);
}
