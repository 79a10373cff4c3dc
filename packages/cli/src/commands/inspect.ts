import { basename } from 'node:path';
import { visible, visibleData, visibleJson } from '@tenon/component/errors';
import { type ExternInfo, graphSvg, type Inspection, inspect, type PartInfo, printWit, sizeText } from '@tenon/toolkit';
import type { Arguments, Command } from '../command.ts';
import { readComponent } from '../component-file.ts';
import { usage } from '../errors.ts';
import { writeOutput } from '../files.ts';
import { paint } from '../report.ts';

export const command: Command = {
  usage: '[OPTIONS] FILE',
  description: 'Shows what a component imports and exports, what it consists of, what made it, and what it can touch.',
  options: {
    json: { type: 'boolean', description: 'print everything as JSON' },
    wit: { type: 'boolean', description: 'print its WIT' },
    graph: { type: 'string', value: 'FILE.svg', description: 'draw its parts and the seams between them; `-` is stdout' },
  },
  examples: ['tenon inspect app.wasm', 'tenon inspect --wit app.wasm', 'tenon inspect --graph app.svg app.wasm'],
  async run(args: Arguments): Promise<number> {
    const file = args.only('FILE');
    const graph = args.string('graph');
    if ([args.flag('json'), args.flag('wit'), graph !== undefined].filter(Boolean).length > 1) {
      throw usage('--json, --wit and --graph exclude each other');
    }
    const { bytes, component } = await readComponent(file);
    if (args.flag('wit')) {
      process.stdout.write(printWit(component, bytes));
      return 0;
    }
    const inspection = inspect(bytes, component);
    if (graph !== undefined) writeOutput(graph, graphSvg(component.definition, inspection.tree, basename(file)));
    else if (args.flag('json')) process.stdout.write(`${visibleJson({ file, ...inspection }, 2)}\n`);
    else process.stdout.write(describe(visible(basename(file)), visibleData(inspection)));
    return 0;
  },
};

function describe(file: string, inspection: Inspection): string {
  const heading = (text: string): string => paint('bold', text, process.stdout);
  const { capabilities, producers, remade } = inspection;
  const lines = [
    `${heading(file)}: ${sizeText(inspection.size)}`,
    '',
    heading('What it can touch'),
    ...(capabilities.length === 0
      ? ['  nothing: it can only compute']
      : capabilities.map(({ text, grant }) => `  ${text}${grant === undefined ? '' : ` (${grant})`}`)),
    '',
    heading('Imports'),
    ...externLines(inspection.imports),
    '',
    heading('Exports'),
    ...externLines(inspection.exports),
    '',
    heading('Parts'),
    ...partLines(inspection.tree, 1),
  ];
  lines.push('', heading('Reset'));
  if (remade.length === 0) lines.push('  instances can be made as new');
  else lines.push('  instances are remade, because', ...remade.map((reason) => `  ${reason}`));
  if (producers.length > 0) {
    const names = (field: string): string =>
      [...new Set(producers.filter((p) => p.field === field).map((p) => (p.version === '' ? p.name : `${p.name} ${p.version}`)))].join(
        ', ',
      );
    lines.push('', heading('Producers'), ...[...new Set(producers.map((p) => p.field))].map((field) => `  ${field}: ${names(field)}`));
  }
  return `${lines.join('\n')}\n`;
}

function externLines(externs: readonly ExternInfo[]): string[] {
  if (externs.length === 0) return ['  nothing'];
  return externs.flatMap(({ name, kind, signature, functions = [] }) => {
    const head = signature === undefined ? (kind === 'interface' ? `  ${name}` : `  ${name}: ${kind}`) : `  ${name}: ${signature}`;
    return [head, ...functions.map((func) => paint('dim', `    ${func.name}: ${func.signature}`, process.stdout))];
  });
}

function partLines(part: PartInfo, depth: number): string[] {
  const name = part.name === undefined ? '' : ` ${part.name}`;
  return [
    `${'  '.repeat(depth)}${part.kind}${name}: ${sizeText(part.size)}`,
    ...part.parts.flatMap((inner) => partLines(inner, depth + 1)),
  ];
}
