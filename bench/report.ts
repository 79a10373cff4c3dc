/** Prints and writes what was measured. */
import { type Measured, median, type Row, results, type Target } from './harness.ts';

const figure = (value: number): string =>
  value >= 1000 ? Math.round(value).toLocaleString('en') : value >= 10 ? value.toFixed(1) : value.toFixed(2);
const times = (ratio: number): string => (ratio >= 10 ? ratio.toFixed(0) : ratio >= 0.1 ? ratio.toFixed(2) : ratio.toPrecision(2));

/** A target in words. */
function bound({ better, unit }: Row, { peer, plus, ratio }: Target): string {
  const sign = better === 'less' ? '≤' : '≥';
  if (peer === undefined) return `${sign} ${figure(plus ?? 0)} ${unit}`;
  return `${sign} ${times(ratio)} × ${peer}${plus === undefined ? '' : ` + ${plus} ${unit}`}`;
}

/** One row as text: medians, then each target and whether it was reached. */
export function rowText(measured: Measured): string {
  const { row } = measured;
  const lines = [`  ${row.name} (${row.unit})`];
  const parts = [...measured.samples].map(([name, samples]) => `${name} ${figure(median(samples))}`);
  lines.push(`    ${parts.join(' · ')}`);
  for (const [name, why] of measured.skipped) lines.push(`    ${name}: skipped, ${why}`);
  for (const { target, ratio, reached } of results(measured)) {
    if (target.peer === undefined) {
      lines.push(`    ${reached ? '✓' : '✗'} ${bound(row, target)}`);
      continue;
    }
    lines.push(`    ${reached ? '✓' : '✗'} ${times(ratio)} × ${target.peer} (${bound(row, target)})`);
  }
  return lines.join('\n');
}

export interface Machine {
  readonly node: string;
  readonly v8: string;
  readonly cpu: string;
  readonly date: string;
}

export function toJson(machine: Machine, rounds: number, all: readonly Measured[]): string {
  const rows = all.map((measured) => ({
    group: measured.row.group,
    name: measured.row.name,
    unit: measured.row.unit,
    better: measured.row.better,
    medians: Object.fromEntries([...measured.samples].map(([name, samples]) => [name, median(samples)])),
    samples: Object.fromEntries(measured.samples),
    skipped: Object.fromEntries(measured.skipped),
    targets: results(measured).map(({ target, ratio, reached }) => ({ ...target, measured: ratio, reached })),
  }));
  return `${JSON.stringify({ machine, rounds, rows }, undefined, 2)}\n`;
}

/** All rows as a table for a page of documentation. */
export function toMarkdown(machine: Machine, rounds: number, all: readonly Measured[]): string {
  const lines = [
    `${machine.cpu}, Node ${machine.node}, ${machine.date}; medians of ${rounds} rounds. A ratio is the median of the ratios of the rounds.`,
  ];
  let group = '';
  for (const measured of all) {
    const { row } = measured;
    if (row.group !== group) lines.push('', `**${row.group}**`, '', '| | Tenon | beside it | target | |', '|---|--:|---|---|---|');
    group = row.group;
    const shown = (name: string): string => figure(median(measured.samples.get(name) ?? []));
    const peers = [...measured.samples.keys()].filter((name) => name !== 'tenon').map((name) => `${name} ${shown(name)}`);
    const targets = results(measured);
    const outcomes = targets.map(
      ({ ratio, reached, target }) => `${reached ? '✓' : '✗'}${target.peer === undefined ? '' : ` ${times(ratio)} ×`}`,
    );
    const cells = [
      `${row.name} (${row.unit})`,
      shown('tenon'),
      peers.join(' · '),
      targets.map(({ target }) => bound(row, target)).join('<br>'),
      outcomes.join('<br>'),
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  return lines.join('\n');
}

const COLOURS: Readonly<Record<string, string>> = { tenon: '#c2410c', wasmtime: '#64748b', jco: '#a3a3a3' };
const escapeXml = (text: string): string => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** Horizontal bars on a logarithmic scale for each row, as SVG. */
export function toSvg(machine: Machine, all: readonly Measured[]): string {
  const width = 860;
  const left = 300;
  const bar = 13;
  const parts: string[] = [];
  let y = 44;
  for (const measured of all) {
    const bars = [...measured.samples].map(([name, samples]) => ({ name, value: median(samples) })).filter(({ value }) => value > 0);
    if (bars.length === 0) continue;
    parts.push(`<text x="10" y="${y + 11}" class="row">${escapeXml(`${measured.row.name} (${measured.row.unit})`)}</text>`);
    const logs = bars.map(({ value }) => Math.log10(value));
    const low = Math.min(...logs) - 0.6;
    const span = Math.max(...logs) - low;
    y += 18;
    for (const { name, value } of bars) {
      const length = Math.max(2, ((Math.log10(value) - low) / span) * (width - left - 110));
      parts.push(`<text x="${left - 8}" y="${y + 10}" text-anchor="end">${escapeXml(name)}</text>`);
      parts.push(`<rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="${bar - 2}" fill="${COLOURS[name] ?? '#cbd5e1'}"/>`);
      parts.push(`<text x="${(left + length + 6).toFixed(1)}" y="${y + 10}">${figure(value)}</text>`);
      y += bar;
    }
    y += 10;
  }
  const title = `Tenon beside its peers, one run on ${machine.cpu}, Node ${machine.node} (log scale)`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y + 10}" viewBox="0 0 ${width} ${y + 10}">`,
    '<style>text{font:11px system-ui,sans-serif;fill:#334155}.row{font-weight:600}.title{font-size:14px;font-weight:600}</style>',
    `<rect width="${width}" height="${y + 10}" fill="#fff"/>`,
    `<text x="10" y="24" class="title">${escapeXml(title)}</text>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}
