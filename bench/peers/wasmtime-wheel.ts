/** Wasmtime's Python wheel in a virtual environment that is made on first use. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The version that Tenon is compared with. */
const VERSION = '50.0.1';

/** The Python that has it; `undefined`, with the reason told to `skip`, where Python or the wheel cannot be had. */
export function wasmtimePython(skip: (why: string) => void, version: string = VERSION): string | undefined {
  const environment = fileURLToPath(new URL(`../.cache/wasmtime-${version}`, import.meta.url));
  const wheel = `wasmtime==${version}`;
  const python = join(environment, 'bin', 'python');
  if (!existsSync(python)) {
    const made = spawnSync('python3', ['-m', 'venv', environment], { stdio: 'ignore' });
    if (made.status !== 0) {
      skip('python3 with venv is not there');
      return undefined;
    }
  }
  const has = spawnSync(python, ['-c', 'import wasmtime.component'], { stdio: 'ignore' });
  if (has.status !== 0) {
    const installed = spawnSync(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', wheel], { stdio: 'ignore' });
    if (installed.status !== 0) {
      skip(`pip could not install ${wheel}`);
      return undefined;
    }
  }
  return python;
}
