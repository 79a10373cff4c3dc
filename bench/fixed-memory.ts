/** Gives the memories of a component the size that they begin with as their maximum, as a linker does for `--max-memory`. */

function u32(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...u32(value >>> 7)];
}

interface Section {
  readonly id: number;
  readonly content: Uint8Array;
}

const PREAMBLE_BYTES = 8;
const MEMORY_SECTION = 5;
/** In a component, section 1 holds a core module. */
const CORE_MODULE_SECTION = 1;

function* sections(bytes: Uint8Array): Generator<Section> {
  let at = PREAMBLE_BYTES;
  const readU32 = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  };
  while (at < bytes.length) {
    const id = bytes[at++] ?? 0;
    const size = readU32();
    yield { id, content: bytes.subarray(at, at + size) };
    at += size;
  }
}

function rewrite(bytes: Uint8Array, change: (section: Section) => Uint8Array): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [bytes.subarray(0, PREAMBLE_BYTES)];
  for (const section of sections(bytes)) {
    const content = change(section);
    parts.push(Uint8Array.of(section.id, ...u32(content.length)), content);
  }
  return new Uint8Array(Buffer.concat(parts));
}

const fixedModule = (module: Uint8Array): Uint8Array =>
  rewrite(module, ({ content, id }) => {
    // One memory with a minimum and nothing else.
    if (id !== MEMORY_SECTION || content[0] !== 1 || content[1] !== 0) return content;
    const minimum = content.subarray(2);
    return Uint8Array.of(1, 1, ...minimum, ...minimum);
  });

/** @param component one without nested components */
export function withFixedMemory(component: Uint8Array): Uint8Array<ArrayBuffer> {
  return rewrite(component, ({ content, id }) => (id === CORE_MODULE_SECTION ? fixedModule(content) : content));
}
