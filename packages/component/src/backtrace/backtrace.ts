/** The stack of a guest that failed, as a person wants to see it: its own functions by the names that they have in its source. */
import { shortened, visible } from '../visible.ts';
import { demangleCpp } from './demangle-cpp.ts';
import { demangleRust } from './demangle-rust.ts';
import { machineryOf } from './machinery.ts';

/**
 * Frames that a backtrace holds at most. V8 records as many as `Error.stackTraceLimit` says at the time of the error, ten unless a program or
 * `--stack-trace-limit` says otherwise.
 */
export const BACKTRACE_FRAMES = 64;

/** So many frames make it likely that recursion did not end, where the guest's stack is exhausted. */
const DEEP = 32;
const MAX_CYCLE = 8;
const MAX_NAME = 300;

/** One call of a function of a guest. */
export interface Frame {
  /** The function as its source has it; undefined where the binary holds no name. */
  readonly name: string | undefined;
  /** Where: module, index of the function, and byte offset in the module. */
  readonly location: string;
}

// A name may hold anything, line breaks too.
const FRAME = /^(?:([\s\S]*) \()?(wasm:\/\/[^()]*:wasm-function\[\d+\]:0x[0-9a-f]+)\)?$/;

/** The wasm frames of an error, innermost first, or of the error that caused it. */
export function framesOf(error: unknown): Frame[] {
  for (let each: unknown = error, depth = 0; each instanceof Error && depth < 10; each = each.cause, depth++) {
    const frames = parseFrames(each.stack ?? '');
    if (frames.length > 0) return frames;
  }
  return [];
}

function parseFrames(stack: string): Frame[] {
  const frames: Frame[] = [];
  for (const part of stack.split(/\n\s+at /).slice(1)) {
    const match = FRAME.exec(part);
    if (match === null) continue;
    const [, name, location = ''] = match;
    frames.push({ name: name === undefined ? undefined : readable(name), location: visible(location) });
    if (frames.length === BACKTRACE_FRAMES) break;
  }
  return frames;
}

/** A symbol as its language writes it. V8 puts the module's name in front of a function's. */
export function readable(symbol: string): string {
  const bare = symbol.replace(/^(?!_)[^\n]*?\.(?=_{1,2}[RZ])/, '');
  return visible(shortened(demangleRust(bare) ?? demangleCpp(bare) ?? symbol, MAX_NAME));
}

/**
 * The backtrace of a trap, a line for each frame: what a panic goes through is folded, repetitions are counted, an exhausted stack is named.
 * Empty where there is no frame of wasm.
 */
export function backtrace(error: unknown): string[] {
  const frames = framesOf(error);
  if (frames.length === 0) return [];
  const lines: string[] = [];
  const overflow = likelyOverflow(error, frames);
  if (overflow !== undefined) lines.push(overflow);
  const machinery = machineryOf(frames.map(({ name }) => name ?? ''));
  if (machinery.count > 0) lines.push(`… ${counted(machinery.count, 'frame')} of ${machinery.what}`);
  lines.push(...folded(frames.slice(machinery.count)));
  if (frames.length === BACKTRACE_FRAMES) lines.push('… and further ones');
  if (frames.every(({ name }) => name === undefined)) {
    lines.push('The guest was built without names: keep its `name` section (do not strip it) to see functions here.');
  }
  return lines;
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

const lineOf = ({ name, location }: Frame): string => (name === undefined ? `at ${location}` : `at ${name} (${location})`);

/** Repetitions of one function, or of a few that call each other in turn, are shown once. */
function folded(frames: readonly Frame[]): string[] {
  const lines: string[] = [];
  for (let at = 0; at < frames.length; ) {
    const { length, times } = cycleAt(frames, at);
    lines.push(...frames.slice(at, at + length).map(lineOf));
    if (times > 1) lines.push(`… ${length === 1 ? 'the same' : `the ${length} frames above`} ${counted(times - 1, 'time')} more`);
    at += length * times;
  }
  return lines;
}

/** The shortest sequence of frames that begins here and is repeated at once: three times, so that two calls remain two lines. */
function cycleAt(frames: readonly Frame[], at: number): { readonly length: number; readonly times: number } {
  const key = (index: number): string | undefined => {
    const frame = frames[index];
    return frame && `${frame.name} ${frame.location.replace(/:0x[0-9a-f]+$/, '')}`;
  };
  for (let length = 1; length <= MAX_CYCLE; length++) {
    let same = 0;
    while (at + length + same < frames.length && key(at + same) === key(at + length + same)) same++;
    const times = 1 + Math.floor(same / length);
    if (times >= 3) return { length, times };
  }
  return { length: 1, times: 1 };
}

/** Languages keep a stack of their own in linear memory. When it is exhausted what fails is an access below or outside of the memory. */
function likelyOverflow(error: unknown, frames: readonly Frame[]): string | undefined {
  const message = error instanceof Error ? error.message : '';
  if (!/out of bounds memory access|memory access out of bounds/.test(message)) return undefined;
  let deepest = 0;
  let name: string | undefined;
  for (let at = 0; at < frames.length; ) {
    const { length, times } = cycleAt(frames, at);
    if (length * times > deepest) {
      deepest = length * times;
      name = frames[at]?.name;
    }
    at += length * times;
  }
  if (deepest < DEEP) return undefined;
  return `It is likely a stack overflow: ${name === undefined ? 'a function' : `\`${name}\``} calls itself again and again, and the guest's stack in its memory is exhausted.`;
}
