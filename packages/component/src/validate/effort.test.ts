import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Effort } from './effort.ts';

test('the error of an exhausted budget does not keep what was made before it', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const work = (): { readonly error: Error; readonly made: WeakRef<object> } => {
    const worker = {
      effort: new Effort(0, () => new Error('too much'), 0),
      run(): void {
        this.effort.spend(1);
      },
    };
    try {
      worker.run();
    } catch (error) {
      if (error instanceof Error) return { error, made: new WeakRef(worker) };
    }
    throw new Error('nothing was thrown');
  };
  const { error, made } = work();
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  assert.equal(made.deref(), undefined);
  assert.match(error.stack ?? '', /too much/);
});
