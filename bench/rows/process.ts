/** Whole processes: what a person waits for at the command line. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ensureGuest } from '../../guests/guests.ts';
import { publishedCommandLine } from '../../scripts/bundle.ts';
import type { Contender, Row } from '../harness.ts';

const jcoBin = fileURLToPath(new URL('../../node_modules/@bytecodealliance/jco/dist/jco.js', import.meta.url));

const run = (name: string, args: () => Promise<readonly string[]>): Contender => ({
  name,
  async open() {
    const list = await args();
    return {
      sample() {
        const since = performance.now();
        const { status, stderr } = spawnSync(process.execPath, list, { encoding: 'utf8' });
        const took = performance.now() - since;
        if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
        return took;
      },
    };
  },
});

export function processRows(): Row[] {
  return [
    {
      group: 'process',
      name: 'tenon run, hello guest',
      unit: 'ms',
      better: 'less',
      contenders: [
        run('tenon', async () => [await publishedCommandLine(), 'run', await ensureGuest('rust-hello')]),
        run('jco', async () => [jcoBin, 'run', await ensureGuest('rust-hello')]),
        run('node -e 0', async () => ['-e', '0']),
      ],
      targets: [{ peer: 'node -e 0', ratio: 2.5 }],
    },
  ];
}
