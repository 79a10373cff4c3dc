/**
 * Bytes → definitions: one pass, nothing resolved, nothing copied.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
 */
import { ComponentError } from '../errors.ts';
import { hasTags } from './core-sections.ts';
import { readAlias, readCoreExportSort, readSortIndex } from './decode-aliases.ts';
import { readCanon } from './decode-canon.ts';
import { readCoreType } from './decode-core-types.ts';
import { readExternName, readExternType, readType, readValType } from './decode-types.ts';
import type { ComponentDefinition, CoreInstanceExpr, CustomSection, Definition, InstanceExpr } from './definitions.ts';
import { MAX_FUNCTION_RETURNS, MAX_INDEX_SPACE, MAX_INSTANTIATION_ARGS, MAX_NESTING, MAX_START_ARGS } from './limits.ts';
import { malformed, Reader } from './reader.ts';

const PREAMBLE_BYTES = 8;
const MAGIC = 0x6d736100;
const CORE_VERSION = 0x00000001;
const COMPONENT_VERSION = 0x0001000d;

/**
 * Decodes a component.
 * @throws ComponentError `TENON_NOT_WASM`, `TENON_CORE_MODULE` or `TENON_MALFORMED`, with the byte offset.
 */
export function decode(bytes: Uint8Array): ComponentDefinition {
  const reader = new Reader(bytes);
  if (bytes.length < 4 || word(bytes, 0) !== MAGIC) {
    const problem = bytes.length < 4 ? 'unexpected end-of-file' : 'magic header not detected: bad magic number';
    throw new ComponentError('TENON_NOT_WASM', `the bytes are not WebAssembly: ${problem}`, { offset: 0 });
  }
  if (bytes.length >= PREAMBLE_BYTES && word(bytes, 4) === CORE_VERSION) {
    throw new ComponentError(
      'TENON_CORE_MODULE',
      'expected a version header for a component: this is a core module; make it a component, for example with `jco new module.wasm -o component.wasm`',
      { offset: 4 },
    );
  }
  return readComponent(reader, 0, bytes.length, 0);
}

function word(bytes: Uint8Array, offset: number): number {
  const high = ((bytes[offset + 2] ?? 0) << 16) | ((bytes[offset + 3] ?? 0) << 24);
  return (bytes[offset] ?? 0) | ((bytes[offset + 1] ?? 0) << 8) | high;
}

function readPreamble(reader: Reader, expected: number, what: string): void {
  const start = reader.position;
  reader.skip(PREAMBLE_BYTES);
  if (word(reader.bytes, start) !== MAGIC) throw malformed('magic header not detected: bad magic number', start);
  const version = word(reader.bytes, start + 4);
  if (version === expected) return;
  if (version === CORE_VERSION || version === COMPONENT_VERSION) {
    throw malformed(`expected a version header for a ${what}`, start + 4);
  }
  throw malformed(`unknown binary version: 0x${(version >>> 0).toString(16).padStart(8, '0')}`, start + 4);
}

function readComponent(reader: Reader, start: number, end: number, depth: number): ComponentDefinition {
  if (depth > MAX_NESTING) throw malformed(`components are nested more than ${MAX_NESTING} deep`, start);
  const definitions: Definition[] = [];
  const customSections: CustomSection[] = [];
  const counts: number[] = [];
  reader.position = start;
  reader.end = end;
  readPreamble(reader, COMPONENT_VERSION, 'component');
  while (reader.left > 0) {
    const id = reader.byte();
    if (id > 12) throw malformed(`malformed section id: ${id}`, reader.position - 1);
    const size = reader.u32();
    const sectionStart = reader.skip(size);
    const sectionEnd = reader.position;
    reader.position = sectionStart;
    reader.end = sectionEnd;
    readSection(reader, id, definitions, customSections, counts, depth);
    if (reader.position !== sectionEnd) {
      throw malformed('section size mismatch: unexpected data at the end of the section', reader.position);
    }
    reader.end = end;
  }
  return { start, end, definitions, customSections };
}

const ITEMS = [
  ...['', '', 'core instance', 'core type', '', 'instance', 'alias', 'type', 'canonical function', '', 'import', 'export', 'value'],
] as const;

/** @param counts how many items each kind of section has had: to read what the validator must refuse would only take memory */
function readSection(
  reader: Reader,
  id: number,
  definitions: Definition[],
  customSections: CustomSection[],
  counts: number[],
  depth: number,
): void {
  const { position: start, end } = reader;
  switch (id) {
    case 0:
      customSections.push({ name: reader.name(), start: reader.position, end });
      reader.position = end;
      return;
    case 1:
      readPreamble(reader, CORE_VERSION, 'module');
      reader.position = end;
      definitions.push({ offset: start, kind: 'core module', start, end, hasTags: hasTags(reader.bytes, start, end) });
      return;
    case 4:
      definitions.push({ offset: start, kind: 'component', component: readComponent(reader, start, end, depth + 1) });
      reader.position = end;
      return;
    case 9:
      definitions.push(readStart(reader));
      return;
  }
  const count = reader.count(MAX_INDEX_SPACE, 'section item');
  const total = (counts[id] ?? 0) + count;
  if (total > MAX_INDEX_SPACE) throw malformed(`${ITEMS[id]} count exceeds limit of ${MAX_INDEX_SPACE}`, start);
  counts[id] = total;
  for (let i = 0; i < count; i++) definitions.push(readItem(reader, id, depth));
}

function readItem(reader: Reader, id: number, depth: number): Definition {
  const offset = reader.position;
  switch (id) {
    case 2:
      return { offset, kind: 'core instance', expr: readCoreInstance(reader) };
    case 3:
      return { offset, kind: 'core type', type: readCoreType(reader) };
    case 5:
      return { offset, kind: 'instance', expr: readInstance(reader) };
    case 6:
      return { offset, kind: 'alias', alias: readAlias(reader) };
    case 7:
      return { offset, kind: 'type', type: readType(reader, depth) };
    case 8:
      return { offset, kind: 'canon', canon: readCanon(reader) };
    case 10:
      return { offset, kind: 'import', name: readExternName(reader), type: readExternType(reader) };
    case 11:
      return readExport(reader);
    default: {
      const type = readValType(reader);
      const start = reader.skip(reader.u32());
      return { offset, kind: 'value', type, start, end: reader.position };
    }
  }
}

function readExport(reader: Reader): Definition {
  const offset = reader.position;
  const name = readExternName(reader);
  const target = readSortIndex(reader);
  const ascribed = reader.byte();
  if (ascribed > 1) throw reader.invalidByte(ascribed, 'optional component export type');
  return { offset, kind: 'export', name, target, type: ascribed === 1 ? readExternType(reader) : undefined };
}

function readCoreInstance(reader: Reader): CoreInstanceExpr {
  const form = reader.byte();
  if (form === 0x00) {
    const module = reader.u32();
    const args = reader.vec(MAX_INSTANTIATION_ARGS, 'core instantiation arguments', () => {
      const name = reader.name();
      const sort = reader.byte();
      if (sort !== 0x12) throw reader.invalidByte(sort, 'instantiation arg kind');
      return { name, instance: reader.u32() };
    });
    return { kind: 'instantiate', module, args };
  }
  if (form !== 0x01) throw reader.invalidByte(form, 'core instance');
  const exports = reader.vec(MAX_INSTANTIATION_ARGS, 'core instantiation arguments', () => ({
    name: reader.name(),
    sort: readCoreExportSort(reader),
    index: reader.u32(),
  }));
  return { kind: 'exports', exports };
}

function readInstance(reader: Reader): InstanceExpr {
  const form = reader.byte();
  if (form === 0x00) {
    const component = reader.u32();
    const args = reader.vec(MAX_INSTANTIATION_ARGS, 'instantiation arguments', () => ({
      name: reader.name(),
      target: readSortIndex(reader),
    }));
    return { kind: 'instantiate', component, args };
  }
  if (form !== 0x01) throw reader.invalidByte(form, 'instance');
  const exports = reader.vec(MAX_INSTANTIATION_ARGS, 'instantiation exports', () => ({
    name: readExternName(reader),
    target: readSortIndex(reader),
  }));
  return { kind: 'exports', exports };
}

function readStart(reader: Reader): Definition {
  const offset = reader.position;
  const func = reader.u32();
  const args = reader.vec(MAX_START_ARGS, 'start function arguments', () => reader.u32());
  const at = reader.position;
  const results = reader.u32();
  if (results > MAX_FUNCTION_RETURNS) throw malformed('start function results size is out of bounds', at);
  return { offset, kind: 'start', func, args, results };
}
