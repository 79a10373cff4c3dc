/** Another implementation's verdict: the validator of wasm-tools, in the port that jco brings. */

interface Tools {
  componentWit(bytes: Uint8Array): string;
}

/** What only one of the two refuses, for reasons of its own. */
const STRICTER: readonly RegExp[] = [
  /maximum byte size|too complex/,
  /nested more than/,
  /minimum (table|memory) size/,
  // The peer takes a nested component that the input ends in for complete.
  /unexpected end-of-file/,
  // It has proposals on that are no part of the Component Model yet: exact functions, shared globals, nested packages, 64-bit resources.
  /only be represented by `i32`/,
  /\(0x20\) for (external kind|core sort)/,
  /malformed mutability/,
  /expected `\/` after package name|trailing characters found: `\//,
  // It allows callbacks of one parameter, as they once were.
  /`callback` uses a core function with an incorrect signature/,
  // The specification forbids it in streams and futures; the peer looks at results only.
  /(stream|future) cannot contain a `borrow`/,
  // It compares labels of types without regard to case.
  /expected .* `([^`]+)`, found `\1`/i,
  /mismatch in (flags|enum) elements/,
];

/** Core modules are V8's, and the peer has every feature on. */
const NOT_COMPARED: ReadonlySet<string> = new Set(['TENON_CORE_INVALID', 'TENON_CORE_MODULE', 'TENON_UNSUPPORTED']);

/** A difference between the two that calls for a look; undefined when they agree or one is known to be stricter. */
export function disagreement(verdict: string, message: string, peer: string | undefined): string | undefined {
  if (peer === 'panic' || NOT_COMPARED.has(verdict)) return undefined;
  if ((verdict === 'valid') === (peer === undefined)) return undefined;
  if (verdict === 'valid') return `valid here, but wasm-tools says: ${peer}`;
  return STRICTER.some((known) => known.test(message)) ? undefined : `valid for wasm-tools, but here: ${message}`;
}

let loads = 0;
let loaded: Promise<Tools> | undefined;

/** The port is a component itself: when the code in it panics it is of no more use, and the next copy is loaded. */
async function load(): Promise<Tools> {
  const entry = import.meta.resolve('@bytecodealliance/jco-transpile/wasm-tools');
  const url = new URL(`../vendor/wasm-tools.js?${loads++}`, entry);
  const { $init, tools } = (await import(url.href)) as { $init: Promise<void>; tools: Tools };
  await $init;
  return tools;
}

/** Why the peer refuses the bytes as a component, or undefined when they are valid. `panic` when it cannot tell. */
export async function peerVerdict(bytes: Uint8Array): Promise<string | undefined> {
  loaded ??= load();
  const tools = await loaded;
  try {
    tools.componentWit(bytes);
    return undefined;
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) {
      loaded = undefined;
      return 'panic';
    }
    const message = error instanceof Error ? error.message : String(error);
    // It validates first, and mostly says where; what comes after that is about WIT.
    return /\(at offset 0x|section range/.test(message) ? message.replace(/^.*wit component\s*/, '') : undefined;
  }
}
