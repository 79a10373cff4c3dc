/** What a run says: lines for programs, a table for people. */
import { visibleJson } from '@tenon/component/errors';
import type { Status } from './run.ts';
import type { DirectiveReport } from './suite.ts';

/** One line of `--json`. */
export function jsonLine({ file, line, type, status, message, text }: DirectiveReport): string {
  return visibleJson({ file, line, type, status, message, ...(text && { expected: text.expected, matches: text.matches }) });
}

/** Passes and the rest of one folder. */
export interface Group {
  readonly name: string;
  readonly files: number;
  readonly directives: number;
  readonly counts: Readonly<Record<Status, number>>;
  /** Errors whose text a script expects, and how many of them hold it. */
  readonly texts: { readonly total: number; readonly matching: number };
}

/** Sums reports up by folder; the last group is the sum of all. */
export function summarise(reports: readonly DirectiveReport[]): readonly Group[] {
  const folder = (report: DirectiveReport): string => report.file.slice(0, Math.max(0, report.file.lastIndexOf('/'))) || '.';
  const groups = [...Map.groupBy(reports, folder)].map(([name, own]) => sum(name, own));
  return [...groups, sum('total', reports)];
}

function sum(name: string, reports: readonly DirectiveReport[]): Group {
  const count = (status: Status): number => reports.filter((report) => report.status === status).length;
  const texts = reports.flatMap((report) => (report.text ? [report.text.matches] : []));
  return {
    name,
    files: new Set(reports.map((report) => report.file)).size,
    directives: reports.length,
    counts: { pass: count('pass'), fail: count('fail'), blocked: count('blocked'), 'not-run': count('not-run') },
    texts: { total: texts.length, matching: texts.filter(Boolean).length },
  };
}

/** The summary as a table of text. */
export function table(groups: readonly Group[]): string {
  const head = ['folder', 'files', 'directives', 'pass', 'fail', 'blocked', 'not run', 'error texts'];
  const rows = groups.map(({ name, files, directives, counts, texts }) => [
    name,
    String(files),
    String(directives),
    String(counts.pass),
    String(counts.fail),
    String(counts.blocked),
    String(counts['not-run']),
    texts.total === 0 ? '' : `${texts.matching}/${texts.total} (${Math.floor((100 * texts.matching) / texts.total)} %)`,
  ]);
  const widths = head.map((title, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0), title.length));
  const format = (row: readonly string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ');
  return [head, ...rows].map((row) => format(row).trimEnd()).join('\n');
}
