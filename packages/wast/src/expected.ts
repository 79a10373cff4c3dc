/** Failures that are known, each with its reason: `{ "async/x.wast:12": "needs …" }`. */
import { readFileSync } from 'node:fs';
import { WastError } from './errors.ts';
import type { DirectiveReport } from './suite.ts';

export type Expected = ReadonlyMap<string, string>;

/** @throws WastError TENON_WAST_FILE when the file cannot be read or is not an object of strings. */
export function readExpected(file: string): Expected {
  try {
    const data: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof data !== 'object' || data === null || Array.isArray(data)) throw new Error('expected an object of "file:line": "reason"');
    return new Map(
      Object.entries(data).map(([place, reason]) => {
        if (typeof reason !== 'string' || reason === '' || !/:\d+$/.test(place))
          throw new Error(`${place}: expected "file:line": "reason"`);
        return [place, reason];
      }),
    );
  } catch (cause) {
    throw new WastError('TENON_WAST_FILE', `${file}: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

/** The key of a directive in the list. */
export function place(report: DirectiveReport): string {
  return `${report.file}:${report.line}`;
}

export interface Verdict {
  /** Directives that did not pass and are not listed. */
  readonly unexpected: readonly DirectiveReport[];
  /** Listed places of files that ran, at which everything passed or nothing is. */
  readonly stale: readonly string[];
}

/** Compares a run with what was expected of it. A list that says less than the truth is as wrong as one that says more. */
export function judge(reports: readonly DirectiveReport[], expected: Expected): Verdict {
  const failing = reports.filter((report) => report.status !== 'pass');
  const places = new Set(failing.map(place));
  const files = new Set(reports.map((report) => report.file));
  return {
    unexpected: failing.filter((report) => !expected.has(place(report))),
    stale: [...expected.keys()].filter((key) => !places.has(key) && files.has(key.slice(0, key.lastIndexOf(':')))),
  };
}
