/**
 * Components that pass calls on: the host calls `outer`, which calls `inner` through a fused adapter, which calls the host.
 * Their core code knows nothing of the types: it hands on what it got, and drops what it borrowed. Each has its own memory and string encoding.
 */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import type { ValType } from '@tenon/component';
import type { Bytes } from '../bytes.ts';
import { type CoreType, flat, TypeText } from './types.ts';

export const ENCODINGS = ['utf8', 'utf16', 'latin1+utf16'] as const;
export type Encoding = (typeof ENCODINGS)[number];

export interface Signature {
  readonly params: readonly ValType[];
  readonly result: ValType | undefined;
}

export const IMPORT = 'test:echo/host';
export const EXPORT = 'test:echo/guest';
const MAX_FLAT_PARAMS = 16;
/** More than any result of these tests takes. */
const RESULT_BYTES = 1 << 16;

/** @throws Error when the assembler refuses the text */
export async function echo(signature: Signature, inner: Encoding | undefined, outer: Encoding): Promise<Bytes> {
  return new Uint8Array(await parse(text(signature, inner, outer)));
}

/** @param inner the encoding of the component between `outer` and the host; none when absent */
export function text(signature: Signature, inner: Encoding | undefined, outer: Encoding): string {
  const types = new TypeText();
  const params = signature.params.map((type, i) => `(param "p${i}" ${types.of(type)})`).join(' ');
  const result = signature.result === undefined ? '' : `(result ${types.of(signature.result)})`;
  const named = types.named;
  // Only where it is used: WIT has no way to say that an export's resource is the import's.
  const resource = (definition: string): string => (/\$r\)/.test(params + result + named.join()) ? definition : '');
  const aliases = (from: string): string => named.map((_, i) => `(alias export ${from} "t${i}" (type $t${i}))`).join('\n    ');
  // WIT lets no type belong to two interfaces, so the export has types of its own that are equal to the import's.
  const own = (definition: string): string => definition.replaceAll(/\$t(\d)/g, '$own$1');
  const owned = named.map((definition, i) => `(type $own${i} ${own(definition)})`).join('\n    ');
  const exported = named.map((_, i) => `(export "t${i}" (type $own${i}))`).join(' ');
  const interfaceType = (name: string): string => `(type ${name} (instance
    ${resource('(export "r" (type $r (sub resource)))')}
    ${named.map((definition, i) => `(type $d${i} ${definition}) (export "t${i}" (type $t${i} (eq $d${i})))`).join('\n    ')}
    (export "f" (func ${params} ${result}))))`;
  const part = (name: string, encoding: Encoding): string => `(component ${name}
    ${interfaceType('$interface')}
    (import "next" (instance $next (type $interface)))
    ${resource('(alias export $next "r" (type $r)) (core func $drop (canon resource.drop $r))')}
    ${aliases('$next')}
    ${forwarder(signature)}
    (core instance $libc (instantiate $libc))
    (alias core export $libc "memory" (core memory $memory))
    (alias core export $libc "realloc" (core func $realloc))
    (alias export $next "f" (func $f))
    (core func $lowered (canon lower (func $f) (memory $memory) (realloc $realloc) string-encoding=${encoding}))
    (core instance $imports (export "f" (func $lowered)) ${resource('(export "drop" (func $drop))')})
    (core instance $main (instantiate $main (with "next" (instance $imports)) (with "libc" (instance $libc))))
    ${owned}
    (type $func (func ${own(params)} ${own(result)}))
    (func $lifted (type $func) (canon lift (core func $main "f") (memory $memory) (realloc $realloc)
      string-encoding=${encoding} (post-return (func $main "post"))))
    (instance $out ${resource('(export "r" (type $r))')} ${exported} (export "f" (func $lifted)))
    (export "out" (instance $out)))`;
  const between = `${inner === undefined ? '' : part('$Inner', inner)}
  (instance $inner (instantiate $Inner (with "next" (instance $h))))
  (alias export $inner "out" (instance $between))`;
  return `(component
  ${interfaceType('$host')}
  (import "${IMPORT}" (instance $h (type $host)))
  ${part('$Outer', outer)}
  ${inner === undefined ? '' : between}
  (instance $outer (instantiate $Outer (with "next" (instance ${inner === undefined ? '$h' : '$between'}))))
  (alias export $outer "out" (instance $out))
  (export "${EXPORT}" (instance $out)))`;
}

/** A memory whose allocator gives exactly what is asked for, filled with noise, and code that passes its arguments on. */
function forwarder({ params, result }: Signature): string {
  const flatParams = params.flatMap(flat);
  const core: readonly CoreType[] = flatParams.length > MAX_FLAT_PARAMS ? ['i32'] : flatParams;
  const flatResult = result === undefined ? [] : flat(result);
  const spilled = flatResult.length > 1;
  const results = (list: readonly CoreType[]): string => (list.length === 0 ? '' : `(result ${list.join(' ')})`);
  const given = (list: readonly CoreType[]): string => (list.length === 0 ? '' : `(param ${list.join(' ')})`);
  // Spilled, they are the first words.
  const borrows = params.filter((type) => type.kind === 'borrow');
  const dropped = borrows.map(
    (_, i) => `(call $drop ${core.length < flatParams.length ? `(i32.load offset=${4 * i} (local.get 0))` : `(local.get ${i})`})`,
  );
  const returned: readonly CoreType[] = spilled ? ['i32'] : flatResult;
  return `(core module $libc
      (memory (export "memory") 2)
      (global $top (mut i32) (i32.const 8))
      (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
        (local $at i32)
        ;; Aligned as asked for and no better.
        (local.set $at (i32.add (local.get $align) (i32.and (i32.add (global.get $top) (i32.sub (i32.shl (local.get $align) (i32.const 1)) (i32.const 1)))
          (i32.sub (i32.const 0) (i32.shl (local.get $align) (i32.const 1))))))
        (global.set $top (i32.add (local.get $at) (local.get $size)))
        (block $fits
          (loop $grow
            (br_if $fits (i32.le_u (global.get $top) (i32.shl (memory.size) (i32.const 16))))
            (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
            (br $grow)))
        (memory.fill (local.get $at) (i32.const 0xdd) (local.get $size))
        (memory.copy (local.get $at) (local.get $old)
          (select (local.get $old-size) (local.get $size) (i32.lt_u (local.get $old-size) (local.get $size))))
        (local.get $at)))
    (core module $main
      (import "next" "f" (func $f ${given(spilled ? [...core, 'i32'] : core)} ${results(spilled ? [] : flatResult)}))
      ${borrows.length === 0 ? '' : '(import "next" "drop" (func $drop (param i32)))'}
      (import "libc" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
      (import "libc" "memory" (memory 2))
      (func (export "f") ${given(core)} ${results(returned)} ${spilled ? '(local $result i32)' : ''}
        ${spilled ? `(local.set $result (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (i32.const ${RESULT_BYTES})))` : ''}
        ${core.map((_, i) => `local.get ${i}`).join(' ')} ${spilled ? 'local.get $result' : ''}
        call $f
        ${dropped.join(' ')}
        ${spilled ? 'local.get $result' : ''})
      (func (export "post") ${given(returned)}))`;
}
