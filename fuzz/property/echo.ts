/**
 * Components that pass calls on: the host calls `outer`, which calls `inner` through a fused adapter, which calls the host.
 * Their core code knows nothing of the types: it hands on what it got. Each has its own memory and string encoding.
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
export async function echo(signature: Signature, inner: Encoding, outer: Encoding): Promise<Bytes> {
  return new Uint8Array(await parse(text(signature, inner, outer)));
}

export function text(signature: Signature, inner: Encoding, outer: Encoding): string {
  const types = new TypeText();
  const params = signature.params.map((type, i) => `(param "p${i}" ${types.of(type)})`).join(' ');
  const result = signature.result === undefined ? '' : `(result ${types.of(signature.result)})`;
  const named = types.named;
  const aliases = (from: string): string => named.map((_, i) => `(alias export ${from} "t${i}" (type $t${i}))`).join('\n    ');
  // WIT lets no type belong to two interfaces, so the export has types of its own that are equal to the import's.
  const own = (definition: string): string => definition.replaceAll(/\$t(\d)/g, '$own$1');
  const owned = named.map((definition, i) => `(type $own${i} ${own(definition)})`).join('\n    ');
  const exported = named.map((_, i) => `(export "t${i}" (type $own${i}))`).join(' ');
  const interfaceType = (name: string): string => `(type ${name} (instance
    ${named.map((definition, i) => `(type $d${i} ${definition}) (export "t${i}" (type $t${i} (eq $d${i})))`).join('\n    ')}
    (export "f" (func ${params} ${result}))))`;
  const part = (name: string, encoding: Encoding): string => `(component ${name}
    ${interfaceType('$interface')}
    (import "next" (instance $next (type $interface)))
    ${aliases('$next')}
    ${forwarder(signature)}
    (core instance $libc (instantiate $libc))
    (alias core export $libc "memory" (core memory $memory))
    (alias core export $libc "realloc" (core func $realloc))
    (alias export $next "f" (func $f))
    (core func $lowered (canon lower (func $f) (memory $memory) (realloc $realloc) string-encoding=${encoding}))
    (core instance $imports (export "f" (func $lowered)))
    (core instance $main (instantiate $main (with "next" (instance $imports)) (with "libc" (instance $libc))))
    ${owned}
    (type $func (func ${own(params)} ${own(result)}))
    (func $lifted (type $func) (canon lift (core func $main "f") (memory $memory) (realloc $realloc)
      string-encoding=${encoding} (post-return (func $main "post"))))
    (instance $out ${exported} (export "f" (func $lifted)))
    (export "out" (instance $out)))`;
  return `(component
  ${interfaceType('$host')}
  (import "${IMPORT}" (instance $h (type $host)))
  ${part('$Inner', inner)}
  ${part('$Outer', outer)}
  (instance $inner (instantiate $Inner (with "next" (instance $h))))
  (alias export $inner "out" (instance $between))
  (instance $outer (instantiate $Outer (with "next" (instance $between))))
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
      (import "libc" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
      (func (export "f") ${given(core)} ${results(returned)} ${spilled ? '(local $result i32)' : ''}
        ${spilled ? `(local.set $result (call $realloc (i32.const 0) (i32.const 0) (i32.const 8) (i32.const ${RESULT_BYTES})))` : ''}
        ${core.map((_, i) => `local.get ${i}`).join(' ')} ${spilled ? 'local.get $result' : ''}
        call $f
        ${spilled ? 'local.get $result' : ''})
      (func (export "post") ${given(returned)}))`;
}
