/**
 * The canonical section: `lift`, `lower` and the built-ins. A new built-in is one line of one of these tables.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md#canonical-definitions
 */
import { readCoreValType } from './decode-core-types.ts';
import { readResultList } from './decode-types.ts';
import type { CancelCopyBuiltin, Canon, CanonOption, CopyBuiltin, PlainBuiltin, SuspendBuiltin, TypedBuiltin } from './definitions.ts';
import { MAX_CANONICAL_OPTIONS } from './limits.ts';
import { type Reader, unsupportedProposal } from './reader.ts';

type Table<T> = Readonly<Record<number, T>>;

// Built-ins with no immediates are shared: their definitions are the smallest in the format, one byte each.
const PLAIN: Table<{ readonly kind: PlainBuiltin }> = {
  5: { kind: 'task.cancel' },
  13: { kind: 'subtask.drop' },
  30: { kind: 'error-context.drop' },
  31: { kind: 'waitable-set.new' },
  34: { kind: 'waitable-set.drop' },
  35: { kind: 'waitable.join' },
  36: { kind: 'backpressure.inc' },
  37: { kind: 'backpressure.dec' },
  38: { kind: 'thread.index' },
  40: { kind: 'thread.resume-later' },
};

const TYPED: Table<TypedBuiltin> = {
  2: 'resource.new',
  3: 'resource.drop',
  4: 'resource.rep',
  14: 'stream.new',
  19: 'stream.drop-readable',
  20: 'stream.drop-writable',
  21: 'future.new',
  26: 'future.drop-readable',
  27: 'future.drop-writable',
};

const COPY: Table<CopyBuiltin> = { 15: 'stream.read', 16: 'stream.write', 22: 'future.read', 23: 'future.write' };

const CANCEL_COPY: Table<CancelCopyBuiltin> = {
  17: 'stream.cancel-read',
  18: 'stream.cancel-write',
  24: 'future.cancel-read',
  25: 'future.cancel-write',
};

const SUSPEND: Table<SuspendBuiltin> = {
  12: 'thread.yield',
  41: 'thread.suspend',
  42: 'thread.suspend-then-resume',
  43: 'thread.yield-then-resume',
  44: 'thread.suspend-then-promote',
  45: 'thread.yield-then-promote',
};

/** `canon`. */
export function readCanon(reader: Reader): Canon {
  const byte = reader.byte();
  const plain = PLAIN[byte];
  if (plain !== undefined) return plain;
  const typed = TYPED[byte];
  if (typed !== undefined) return { kind: typed, type: reader.u32() };
  const copy = COPY[byte];
  if (copy !== undefined) return { kind: copy, type: reader.u32(), options: readOptions(reader) };
  const cancel = CANCEL_COPY[byte];
  if (cancel !== undefined) return { kind: cancel, type: reader.u32(), async: reader.bool() };
  const suspend = SUSPEND[byte];
  if (suspend !== undefined) return { kind: suspend, cancellable: reader.bool() };
  switch (byte) {
    case 0x00:
      readFuncSort(reader, 'canonical function lift');
      return { kind: 'lift', func: reader.u32(), options: readOptions(reader), type: reader.u32() };
    case 0x01:
      readFuncSort(reader, 'canonical function lower');
      return { kind: 'lower', func: reader.u32(), options: readOptions(reader) };
    case 0x06:
      return { kind: 'subtask.cancel', async: reader.bool() };
    case 0x09:
      return { kind: 'task.return', result: readResultList(reader), options: readOptions(reader) };
    case 0x0a:
    case 0x0b:
      return { kind: byte === 0x0a ? 'context.get' : 'context.set', type: readCoreValType(reader), index: reader.u32() };
    case 0x1c:
      return { kind: 'error-context.new', options: readOptions(reader) };
    case 0x1d:
      return { kind: 'error-context.debug-message', options: readOptions(reader) };
    case 0x20:
    case 0x21:
      return { kind: byte === 0x20 ? 'waitable-set.wait' : 'waitable-set.poll', cancellable: reader.bool(), memory: reader.u32() };
    case 0x27:
      return { kind: 'thread.new-indirect', type: reader.u32(), table: reader.u32() };
    case 0x40:
      return { kind: 'thread.spawn-ref', shared: reader.bool(), type: reader.u32() };
    case 0x41:
      return { kind: 'thread.spawn-indirect', shared: reader.bool(), type: reader.u32(), table: reader.u32() };
    case 0x42:
      return { kind: 'thread.available-parallelism', shared: reader.bool() };
    default:
      throw reader.invalidByte(byte, 'canonical function');
  }
}

function readFuncSort(reader: Reader, what: string): void {
  const sort = reader.byte();
  if (sort !== 0x00) throw reader.invalidByte(sort, what);
}

function readOptions(reader: Reader): readonly CanonOption[] {
  return reader.vec(MAX_CANONICAL_OPTIONS, 'canonical options', () => readOption(reader));
}

function readOption(reader: Reader): CanonOption {
  const byte = reader.byte();
  switch (byte) {
    case 0x00:
      return { kind: 'string-encoding', encoding: 'utf8' };
    case 0x01:
      return { kind: 'string-encoding', encoding: 'utf16' };
    case 0x02:
      return { kind: 'string-encoding', encoding: 'latin1+utf16' };
    case 0x03:
      return { kind: 'memory', memory: reader.u32() };
    case 0x04:
      return { kind: 'realloc', func: reader.u32() };
    case 0x05:
      return { kind: 'post-return', func: reader.u32() };
    case 0x06:
      return { kind: 'async' };
    case 0x07:
      return { kind: 'callback', func: reader.u32() };
    case 0x08:
    case 0x09:
      throw unsupportedProposal(`the canonical option ${byte === 0x08 ? '`core-type`' : '`gc`'}`, reader.position - 1);
    default:
      throw reader.invalidByte(byte, 'canonical option');
  }
}
