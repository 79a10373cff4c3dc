/** The standard output or error of a workload's guests, cut into lines, each with the request that it was written for. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Writable } from 'node:stream';
import type { CellSinks } from './messages.ts';

/** Bytes that may be on their way. Up to here they leave at once, so that they are not lost with a thread that has to be ended. */
const WINDOW = 1024 * 1024;

/** A line that is longer leaves in parts. */
const LONGEST = 64 * 1024;

const NEWLINE = 10;

/** What a guest does, for the lines that it writes meanwhile. */
export class Activity {
  readonly title: string;
  /** Parts of lines that have no end yet, by stream. */
  readonly begun: { stdout: Buffer | undefined; stderr: Buffer | undefined } = { stdout: undefined, stderr: undefined };

  constructor(title: string) {
    this.title = title;
  }
}

/** What the guest that runs now does. A guest that waited goes on with what it did before. */
export const activities: AsyncLocalStorage<Activity> = new AsyncLocalStorage();

export class OutputLines extends Writable {
  private readonly workload: string;
  private readonly stream: 'stdout' | 'stderr';
  private readonly output: CellSinks['output'];
  private readonly outside = new Activity('');
  private underWay = 0;
  private proceed: (() => void) | undefined;

  constructor(workload: string, stream: 'stdout' | 'stderr', output: CellSinks['output']) {
    super({ decodeStrings: true, highWaterMark: WINDOW });
    this.workload = workload;
    this.stream = stream;
    this.output = output;
  }

  /** A write that has to wait is not at the guest's side any more when its turn comes. So whose it is, is asked here. */
  override write(chunk: unknown, ...rest: unknown[]): boolean {
    const activity = activities.getStore() ?? this.outside;
    const { buffer, byteOffset, byteLength } = chunk as Uint8Array<ArrayBuffer>;
    const bytes = Buffer.from(buffer, byteOffset, byteLength);
    const before = activity.begun[this.stream];
    const all = before === undefined ? bytes : Buffer.concat([before, bytes]);
    const whole = all.length > LONGEST ? all.length : all.lastIndexOf(NEWLINE) + 1;
    activity.begun[this.stream] = whole === all.length ? undefined : all.subarray(whole);
    const callback = rest.find((each) => typeof each === 'function') as (() => void) | undefined;
    if (whole > 0) return super.write(Object.assign(all.subarray(0, whole), { activity }), callback);
    if (callback !== undefined) process.nextTick(callback);
    return !this.writableNeedDrain;
  }

  /** What was written for something that is over leaves, whether its last line has an end or not. */
  finish(activity: Activity): void {
    const left = activity.begun[this.stream];
    if (left === undefined) return;
    activity.begun[this.stream] = undefined;
    super.write(Object.assign(left, { activity }));
  }

  override _write(chunk: Buffer & { readonly activity?: Activity }, _encoding: BufferEncoding, done: () => void): void {
    const { length } = chunk;
    const title = chunk.activity?.title ?? '';
    const request = title === '' ? undefined : title;
    const taken = this.output({ workload: this.workload, stream: this.stream, request, bytes: new Uint8Array(chunk) });
    if (taken === undefined) {
      done();
      return;
    }
    this.underWay += length;
    void taken.finally(() => {
      this.underWay -= length;
      if (this.underWay >= WINDOW) return;
      const { proceed } = this;
      this.proceed = undefined;
      proceed?.();
    });
    if (this.underWay < WINDOW) done();
    else this.proceed = done;
  }
}
