/**
 * Text that came from a guest or a file, made fit to be shown: a name that holds a newline or an escape sequence could otherwise forge lines,
 * move the cursor or hide what follows.
 */

/** Control characters, invisible ones such as those that reverse the direction of text, line separators, lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** What a line of a message may take, in characters. */
const MAX_LINE = 2_000;
const MAX_LINES = 200;

const escaped = (character: string): string => SHORT[character] ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;

/** The text as one line without anything invisible: what could not be seen is written as `\n` or `\u{1b}`. */
export function visible(text: string): string {
  return text.replace(UNPRINTABLE, escaped);
}

/** A copy of plain data in which every string, keys apart, is {@link visible}. */
export function visibleData<T>(data: T): T {
  return copy(data) as T;
}

function copy(data: unknown): unknown {
  if (typeof data === 'string') return visible(data);
  if (Array.isArray(data)) return data.map(copy);
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, copy(value)]));
}

/** JSON that is the same to a parser and harmless to a terminal. */
export function visibleJson(value: unknown, indent?: number): string {
  // Newlines in JSON are its own; those of strings are escaped already.
  const text = JSON.stringify(value, undefined, indent);
  return text.replace(UNPRINTABLE, (character) =>
    character === '\n'
      ? character
      : [...character]
          .flatMap(units)
          .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
          .join(''),
  );
}

const units = (character: string): number[] => Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));

/** A message: one line, or a list of lines. No text inside of a line can begin another one. */
export type Message = string | readonly string[];

/** A message as an error holds it: every line visible, and no longer than anybody reads. */
export function messageText(message: Message): string {
  if (typeof message === 'string') return line(message);
  const lines = message.slice(0, MAX_LINES).map(line);
  if (message.length > MAX_LINES) lines.push(`… and ${message.length - MAX_LINES} more lines`);
  return lines.join('\n');
}

function line(text: string): string {
  return visible(shortened(text, MAX_LINE));
}

/** The beginning of a text that is longer than `length` characters. */
export function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length).toWellFormed()}…`;
}
