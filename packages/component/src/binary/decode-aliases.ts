/**
 * Sorts and aliases.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md#alias-definitions
 */
import type { Alias, CoreSort, Sort, SortIndex } from './definitions.ts';
import type { Reader } from './reader.ts';

const CORE_EXPORT_SORTS: readonly CoreSort[] = ['func', 'table', 'memory', 'global', 'tag'];
const SORTS: readonly (Sort | undefined)[] = [undefined, 'func', 'value', 'type', 'component', 'instance'];

/** The sorts that a core module can export. */
export function readCoreExportSort(reader: Reader): CoreSort {
  const byte = reader.byte();
  return coreExportSort(reader, byte, reader.position - 1);
}

function coreExportSort(reader: Reader, byte: number, offset: number): CoreSort {
  const sort = CORE_EXPORT_SORTS[byte];
  if (sort === undefined) throw reader.invalidByte(byte, 'external kind', offset);
  return sort;
}

/** `sortidx`, of the sorts that have an external type: of the core sorts only modules. */
export function readSortIndex(reader: Reader): SortIndex {
  const offset = reader.position;
  const byte = reader.byte();
  const core = byte === 0x00 ? reader.byte() : undefined;
  return { sort: externSort(reader, byte, core, offset), index: reader.u32() };
}

function externSort(reader: Reader, byte: number, core: number | undefined, offset: number): Sort {
  if (core !== undefined) {
    if (core === 0x11) return 'core module';
    throw reader.invalidByte(core, 'component external kind', offset + 1);
  }
  const sort = SORTS[byte];
  if (sort === undefined) throw reader.invalidByte(byte, 'component external kind', offset);
  return sort;
}

/** `alias`. */
export function readAlias(reader: Reader): Alias {
  const offset = reader.position;
  const byte = reader.byte();
  const core = byte === 0x00 ? reader.byte() : undefined;
  const kind = reader.byte();
  switch (kind) {
    case 0x00:
      return { kind: 'export', sort: externSort(reader, byte, core, offset), instance: reader.u32(), name: reader.name() };
    case 0x01: {
      if (core === undefined) throw reader.invalidByte(byte, 'core instance export kind', offset);
      return { kind: 'core export', sort: coreExportSort(reader, core, offset + 1), instance: reader.u32(), name: reader.name() };
    }
    case 0x02:
      return { kind: 'outer', sort: outerSort(reader, byte, core, offset), count: reader.u32(), index: reader.u32() };
    default:
      throw reader.invalidByte(kind, 'alias');
  }
}

function outerSort(reader: Reader, byte: number, core: number | undefined, offset: number): Sort {
  if (core === 0x10) return 'core type';
  if (core === 0x11) return 'core module';
  if (core !== undefined) throw reader.invalidByte(core, 'component outer alias kind', offset + 1);
  if (byte === 0x03) return 'type';
  if (byte === 0x04) return 'component';
  throw reader.invalidByte(byte, 'component outer alias kind', offset);
}
