/**
 * Plain data as bytes, and back: objects, lists, maps, byte arrays, bigints and what JSON has. What is one object stays one, since types share
 * their parts and could not be written out otherwise.
 *
 * A length of four bytes, then JSON of that length, then the contents of the byte arrays. The JSON is a list of all objects: each refers to others by
 * their index, and everything refers to `undefined` by -1.
 */

const UNDEFINED = -1;
const HEADER = 4;

/** What JSON has no form for, and lists, are lists that begin with one of these. */
type Tag = 'list' | 'map' | 'bytes' | 'bigint';

export function encodeGraph(root: unknown): Uint8Array<ArrayBuffer> {
  const table: unknown[] = [];
  const indices = new Map<unknown, number>();
  const contents: Uint8Array[] = [];
  let contentLength = 0;
  const add = (value: unknown): number => {
    if (value === undefined) return UNDEFINED;
    const known = indices.get(value);
    if (known !== undefined) return known;
    const index = table.push(undefined) - 1;
    indices.set(value, index);
    table[index] = entry(value);
    return index;
  };
  const entry = (value: unknown): unknown => {
    if (typeof value === 'bigint') return ['bigint' satisfies Tag, String(value)];
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return ['list' satisfies Tag, ...value.map(add)];
    if (value instanceof Map) return ['map' satisfies Tag, ...[...value].flatMap(([key, item]) => [add(key), add(item)])];
    if (value instanceof Uint8Array) {
      contents.push(value);
      contentLength += value.length;
      return ['bytes' satisfies Tag, contentLength - value.length, value.length];
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) throw new TypeError('only plain data can be kept');
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, add(item)]));
  };
  add(root);
  const json = new TextEncoder().encode(JSON.stringify(table));
  const bytes = new Uint8Array(HEADER + json.length + contentLength);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, HEADER);
  let at = HEADER + json.length;
  for (const content of contents) {
    bytes.set(content, at);
    at += content.length;
  }
  return bytes;
}

/** @throws when the bytes are not what {@link encodeGraph} made */
export function decodeGraph(bytes: Uint8Array): unknown {
  const start = HEADER + new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
  const table: unknown[] = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(HEADER, start)));
  // First every object, then what is in them: they may refer to each other in any order.
  const made = table.map((entry) => shell(entry, bytes, start));
  const item = (index: unknown): unknown => {
    if (index === UNDEFINED) return undefined;
    if (typeof index !== 'number' || !(index in made)) throw new TypeError('damaged');
    return made[index];
  };
  for (const [index, entry] of table.entries()) fill(made[index], entry, item);
  return made[0];
}

function shell(entry: unknown, bytes: Uint8Array, start: number): unknown {
  if (typeof entry !== 'object' || entry === null) return entry;
  if (!Array.isArray(entry)) return {};
  const [tag, first, second] = entry as [Tag, unknown, unknown];
  if (tag === 'list') return [];
  if (tag === 'map') return new Map();
  if (tag === 'bigint') return BigInt(first as string);
  if (tag === 'bytes') return bytes.subarray(start + Number(first), start + Number(first) + Number(second));
  throw new TypeError('damaged');
}

function fill(target: unknown, entry: unknown, item: (index: unknown) => unknown): void {
  if (Array.isArray(target)) {
    const indices = entry as unknown[];
    for (let i = 1; i < indices.length; i++) target.push(item(indices[i]));
  } else if (target instanceof Map) {
    const indices = entry as unknown[];
    for (let i = 1; i < indices.length; i += 2) target.set(item(indices[i]), item(indices[i + 1]));
  } else if (typeof target === 'object' && target !== null && !(target instanceof Uint8Array)) {
    const object = target as Record<string, unknown>;
    for (const [key, index] of Object.entries(entry as object)) {
      // A plain assignment of `__proto__` would be none.
      if (key === '__proto__')
        Object.defineProperty(object, key, { value: item(index), enumerable: true, writable: true, configurable: true });
      else object[key] = item(index);
    }
  }
}
