/** Has V8 collect what nobody needs any more where nothing else would make it: a cell without requests allocates nothing. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** After so long, in milliseconds: what was let go of together is collected together. */
const SOON_MS = 1000;

let waiting = false;
let collect: (() => void) | undefined;

/** V8 gives the function only to a context that is made while the flag is set. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const found = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return found;
}

export function collectSoon(): void {
  if (waiting) return;
  waiting = true;
  setTimeout(() => {
    waiting = false;
    collect ??= collector();
    collect();
  }, SOON_MS).unref();
}
