/** `stream<T>` in JavaScript: a `ReadableStream`; of bytes in chunks, of all else one element after the other. */
import { Misfit } from '../../abi/misfit.ts';
import { NUMBER_ARRAYS } from '../../abi/shapes.ts';
import type { Store } from '../../instance/state.ts';
import type { StreamType, ValType } from '../../types/types.ts';
import { SharedStream } from '../shared.ts';
import { StreamReader } from './reader.ts';
import { type Chunking, sourceOf } from './source.ts';
import { StreamWriter } from './writer.ts';

/** What stands behind the streams that were given to the embedder. */
const readers = new WeakMap<object, StreamReader>();

// Nobody holds the stream any more, so nobody can drop its end.
const lost = new FinalizationRegistry<StreamReader>((reader) => reader.cancel());

/** The embedder's side of a stream that a component gives. */
export function streamToHost(store: Store, shared: SharedStream): ReadableStream<unknown> {
  const reader = new StreamReader(store, shared);
  const stream = shared.element?.kind === 'u8' ? byteStream(reader) : elementStream(reader);
  readers.set(stream, reader);
  lost.register(stream, reader, reader);
  return stream;
}

const AUTO_CHUNK = 65_536;

function byteStream(reader: StreamReader): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      type: 'bytes',
      async pull(controller) {
        const { byobRequest } = controller;
        const view = byobRequest?.view;
        const chunk = (await reader.read(view?.byteLength ?? AUTO_CHUNK)) as Uint8Array<ArrayBuffer> | undefined;
        if (chunk === undefined) {
          controller.close();
          byobRequest?.respond(0);
        } else if (byobRequest && view) {
          new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(chunk);
          byobRequest.respond(chunk.length);
        } else controller.enqueue(chunk);
      },
      cancel: () => reader.cancel(),
    },
    { highWaterMark: 0 },
  );
}

function elementStream(reader: StreamReader): ReadableStream<unknown> {
  return new ReadableStream(
    {
      async pull(controller) {
        const elements = await reader.read();
        if (elements === undefined) return controller.close();
        for (let i = 0; i < elements.length; i++) controller.enqueue(elements[i]);
      },
      cancel: () => reader.cancel(),
    },
    { highWaterMark: 0 },
  );
}

/**
 * Reads a stream that a component gave without the cost of a `ReadableStream`, many elements at a time.
 * @param stream as it came: nothing was read from it, and it is locked now
 * @throws TypeError when it is another stream, or not as it came
 */
export function readerOf(stream: ReadableStream<unknown>): StreamReader {
  const reader = readers.get(stream);
  if (reader === undefined || stream.locked) throw new TypeError('not a stream as it came from a component');
  stream.getReader();
  readers.delete(stream);
  lost.unregister(reader);
  return reader;
}

/** `lower_stream` of what the embedder gives. A stream that came from a component is passed on as it is. @throws Misfit */
export function streamFromHost(store: Store, value: unknown, type: StreamType): SharedStream {
  const passed = passedOn(store, value);
  if (passed !== undefined) return passed;
  if (value instanceof ReadableStream && value.locked) throw new Misfit('a stream that is not locked to a reader', value);
  const source = sourceOf(value, chunkingOf(type.element));
  const shared = new SharedStream(type.element);
  new StreamWriter(store, shared, source).start();
  return shared;
}

function passedOn(store: Store, value: unknown): SharedStream | undefined {
  if (!(value instanceof ReadableStream) || value.locked) return undefined;
  const reader = readers.get(value);
  const shared = reader?.release(store);
  if (reader === undefined || shared === undefined) return undefined;
  readers.delete(value);
  lost.unregister(reader);
  value.getReader();
  return shared;
}

function chunkingOf(element: ValType | undefined): Chunking {
  const numbers = element && NUMBER_ARRAYS.get(element.kind);
  if (element?.kind === 'u8') {
    return (item) => {
      if (item instanceof Uint8Array) return item;
      if (typeof item === 'string') return new TextEncoder().encode(item);
      if (ArrayBuffer.isView(item)) return new Uint8Array(item.buffer, item.byteOffset, item.byteLength);
      if (item instanceof ArrayBuffer) return new Uint8Array(item);
      return [item];
    };
  }
  return (item) => (numbers !== undefined && item instanceof numbers ? (item as Uint8Array) : [item]);
}
