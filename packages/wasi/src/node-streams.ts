/** Streams of `wasi:io` over Node's, for host functions of other interfaces that give or take them. */
import type { Readable, Writable } from 'node:stream';
import { ReadableSource, WritableSink } from './body/streams.ts';
import { InputStream, OutputStream } from './p2/io-streams.ts';

/** An `input-stream` of what a Node stream brings. When the guest drops it the Node stream is destroyed. */
export function inputStream(from: Readable): object {
  return new InputStream(new ReadableSource(from, { whole: true }));
}

/** An `output-stream` into a Node stream. When the guest drops it the Node stream stays open: whoever made it ends it. */
export function outputStream(to: Writable): object {
  return new OutputStream(new WritableSink(to, { keepOpen: true }));
}
