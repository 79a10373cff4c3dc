/** Components with fused adapters of many types, for the corpus of mutations. */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import type { ValType } from '@tenon/component';
import fc from 'fast-check';
import type { Bytes } from '../bytes.ts';
import { ENCODINGS, echo } from './echo.ts';
import { signature } from './signature.ts';

const SEED = 1;
const COUNT = 60;

const string: ValType = { kind: 'string' };
const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

/** Types that ask for much adapter code. */
const HEAVY: readonly ValType[] = [
  doubling(12, { kind: 'tuple', types: [{ kind: 'u8' }, string] }),
  doubling(12, { kind: 'option', type: string }),
  { kind: 'tuple', types: times(2_000, (i) => (i % 2 === 0 ? string : { kind: 'list', element: string, length: undefined })) },
  {
    kind: 'variant',
    cases: times(2_000, (i) => ({
      name: `c${i}`,
      type: i % 3 === 0 ? undefined : { kind: 'tuple', types: times(1 + (i % 20), () => string) },
    })),
  },
  times(90, () => undefined).reduce<ValType>((element) => ({ kind: 'list', element, length: undefined }), string),
  times(90, () => undefined).reduce<ValType>((type) => ({ kind: 'result', ok: type, err: { kind: 'f32' } }), string),
  times(4, () => undefined).reduce<ValType>((element) => ({ kind: 'list', element, length: 20 }), string),
];

/** Many instances that lower a function of the same large type: an adapter each. */
const MANY_USERS = `(component $outer
  (type $type (tuple ${times(300, () => '(list (tuple u8 string))').join(' ')}))
  (core module $libc
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
    (func (export "f") (param i32)))
  (component $user
    (alias outer $outer $type (type $t))
    (import "f" (func $f (param "v" $t)))
    (core instance $libc (instantiate $libc))
    (alias core export $libc "memory" (core memory $memory))
    (core func $lowered (canon lower (func $f) (memory $memory)))
    (core module $m)
    (core instance (instantiate $m (with "" (instance (export "f" (func $lowered)))))))
  (component $callee
    (alias outer $outer $type (type $t))
    (core instance $libc (instantiate $libc))
    (alias core export $libc "memory" (core memory $memory))
    (alias core export $libc "realloc" (core func $realloc))
    (func (export "f") (param "v" $t) (canon lift (core func $libc "f") (memory $memory) (realloc $realloc))))
  (instance $callee (instantiate $callee))
  ${times(100, () => '(instance (instantiate $user (with "f" (func $callee "f"))))').join(' ')})`;

/** A record of two of a record of two of … */
function doubling(levels: number, leaf: ValType): ValType {
  let type = leaf;
  for (let level = 0; level < levels; level++) {
    type = { kind: 'record', fields: ['a', 'b'].map((name) => ({ name, type })) };
  }
  return type;
}

/** The same at each call. */
export async function echoes(): Promise<readonly Bytes[]> {
  const wanted = fc.sample(
    fc.tuple(signature({ recent: true, handles: true }), fc.constantFrom(...ENCODINGS), fc.constantFrom(...ENCODINGS)),
    {
      seed: SEED,
      numRuns: COUNT,
    },
  );
  const found: Bytes[] = [];
  for (const params of HEAVY) found.push(await echo({ params: [params], result: params }, 'utf16', 'utf8'));
  found.push(new Uint8Array(await parse(MANY_USERS)));
  for (const [type, inner, outer] of wanted) found.push(await echo(type, inner, outer));
  return found;
}
