/** Draws the parts of a component and the seams between them as an SVG: imports on the left, exports on the right. */
import type { ComponentDefinition } from '@tenon/component';
import { parseInterfaceName } from '../names.ts';
import type { PartInfo } from './parts.ts';
import { type SeamGraph, type SeamNode, seamGraph } from './seams.ts';

const LINE = 16;
const PADDING = 12;
const CHARACTER = 7.2;
const GAP_X = 150;
const GAP_Y = 22;
const MARGIN = 28;
const MAX_LABEL_LINES = 4;

interface Box {
  readonly kind: SeamNode['kind'];
  readonly title: string;
  readonly lines: readonly string[];
  readonly column: number;
  readonly width: number;
  readonly height: number;
  x: number;
  y: number;
}

interface Line {
  readonly from: Box;
  readonly to: Box;
  readonly labels: readonly string[];
}

/**
 * @param title what the drawing is of, such as the file's name
 * @returns a complete SVG document
 */
export function graphSvg(definition: ComponentDefinition, tree: PartInfo, title: string): string {
  const { boxes, lines } = arrange(seamGraph(definition, tree));
  const width = Math.max(...boxes.map((box) => box.x + box.width), 300) + MARGIN;
  const height = Math.max(...boxes.map((box) => box.y + box.height), 60) + MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="12">`,
    `<title>${xml(title)}</title>`,
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#64748b"/></marker></defs>',
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${MARGIN}" y="${MARGIN}" font-size="15" font-weight="bold" fill="#0f172a">${xml(title)}</text>`,
    `<text x="${MARGIN}" y="${MARGIN + 18}" fill="#64748b">${xml(`${sizeText(tree.size)}; arrows go from what provides to what uses it`)}</text>`,
    ...lines.map(curve),
    ...boxes.map(drawBox),
    ...lines.flatMap(label),
    '</svg>',
    '',
  ].join('\n');
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** `813 B`, `12.4 KB`, `3.1 MB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 999_950 ? `${(bytes / 1000).toFixed(1)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** Groups imports by package, puts each part one column right of what it uses, and stacks the boxes of a column. */
function arrange(graph: SeamGraph): { readonly boxes: readonly Box[]; readonly lines: readonly Line[] } {
  const columns = columnsOf(graph);
  const last = Math.max(0, ...columns.values()) + 1;
  const boxOf = new Map<number, Box>();
  const boxes: Box[] = [];
  const add = (kind: SeamNode['kind'], title: string, lines: readonly string[], column: number): Box => {
    const longest = Math.max(title.length, ...lines.map((line) => line.length));
    const box = {
      kind,
      title,
      lines,
      column,
      width: Math.ceil(longest * CHARACTER) + 2 * PADDING,
      height: (lines.length + 1) * LINE + 2 * PADDING - 4,
      x: 0,
      y: 0,
    };
    boxes.push(box);
    return box;
  };

  const packages = new Map<string, SeamNode[]>();
  for (const node of graph.nodes) {
    if (node.kind === 'import') {
      const group = packageOf(node.label) ?? node.label;
      packages.set(group, [...(packages.get(group) ?? []), node]);
    } else if (node.kind !== 'export') {
      const size = node.size === undefined ? [] : [sizeText(node.size)];
      boxOf.set(node.id, add(node.kind, node.label, [node.kind, ...size], columns.get(node.id) ?? 1));
    } else {
      boxOf.set(node.id, add('export', node.label, ['export'], last));
    }
  }
  for (const [name, nodes] of packages) {
    const interfaces = nodes.flatMap((node) => parseInterfaceName(node.label)?.interface ?? []);
    const box = add('import', name, interfaces.length > 0 ? interfaces : ['import'], 0);
    for (const node of nodes) boxOf.set(node.id, box);
  }
  place(boxes, last);
  return { boxes, lines: joinLines(graph, boxOf) };
}

function packageOf(name: string): string | undefined {
  const parsed = parseInterfaceName(name);
  if (parsed === undefined) return undefined;
  return `${parsed.namespace}:${parsed.package}${parsed.version === undefined ? '' : `@${parsed.version}`}`;
}

/** Nodes come in the order of instantiation, so what a node uses has its column already. */
function columnsOf(graph: SeamGraph): Map<number, number> {
  const columns = new Map<number, number>();
  for (const node of graph.nodes) {
    if (node.kind === 'export') continue;
    const uses = graph.edges.filter((edge) => edge.to === node.id).map((edge) => columns.get(edge.from) ?? 0);
    columns.set(node.id, node.kind === 'import' ? 0 : Math.max(0, ...uses) + 1);
  }
  return columns;
}

function place(boxes: readonly Box[], last: number): void {
  const stacks = Array.from({ length: last + 1 }, (_, column) => boxes.filter((box) => box.column === column));
  const heights = stacks.map((stack) => stack.reduce((sum, box) => sum + box.height + GAP_Y, -GAP_Y));
  const tallest = Math.max(0, ...heights);
  const top = MARGIN + 46;
  let x = MARGIN;
  for (const [column, stack] of stacks.entries()) {
    if (stack.length === 0) continue;
    let y = top + (tallest - (heights[column] ?? 0)) / 2;
    for (const box of stack) {
      box.x = x;
      box.y = y;
      y += box.height + GAP_Y;
    }
    x += Math.max(...stack.map((box) => box.width)) + GAP_X;
  }
}

function joinLines(graph: SeamGraph, boxOf: ReadonlyMap<number, Box>): Line[] {
  const joined = new Map<Box, Map<Box, Set<string>>>();
  for (const edge of graph.edges) {
    const from = boxOf.get(edge.from);
    const to = boxOf.get(edge.to);
    if (from === undefined || to === undefined) continue;
    const targets = joined.get(from) ?? new Map<Box, Set<string>>();
    joined.set(from, targets);
    const names = targets.get(to) ?? new Set<string>();
    targets.set(to, names);
    // An import's or export's box says its name itself.
    if (from.kind !== 'import' && to.kind !== 'export') for (const name of edge.names) names.add(name);
  }
  return [...joined].flatMap(([from, targets]) => [...targets].map(([to, names]) => ({ from, to, labels: [...names] })));
}

const COLOURS: Readonly<Record<SeamNode['kind'], { readonly fill: string; readonly stroke: string }>> = {
  import: { fill: '#f8fafc', stroke: '#94a3b8' },
  component: { fill: '#eef2ff', stroke: '#6366f1' },
  'core module': { fill: '#ecfdf5', stroke: '#10b981' },
  export: { fill: '#fff7ed', stroke: '#f97316' },
};

function drawBox(box: Box): string {
  const { fill, stroke } = COLOURS[box.kind];
  const text = (line: string, i: number): string => {
    const style = i === 0 ? 'font-weight="bold" fill="#0f172a"' : 'fill="#475569"';
    return `<text x="${box.x + PADDING}" y="${box.y + PADDING + 10 + i * LINE}" ${style}>${xml(line)}</text>`;
  };
  return [
    `<rect x="${box.x}" y="${box.y}" width="${box.width}" height="${box.height}" rx="8" fill="${fill}" stroke="${stroke}" stroke-width="1.5"/>`,
    ...[box.title, ...box.lines].map(text),
  ].join('\n');
}

function ends({ from, to }: Line): { readonly x1: number; readonly y1: number; readonly x2: number; readonly y2: number } {
  return { x1: from.x + from.width, y1: from.y + from.height / 2, x2: to.x, y2: to.y + to.height / 2 };
}

function curve(line: Line): string {
  const { x1, y1, x2, y2 } = ends(line);
  const bend = Math.max(40, (x2 - x1) / 2);
  return `<path d="M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2 - 1} ${y2}" fill="none" stroke="#94a3b8" stroke-width="1.5" marker-end="url(#arrow)"/>`;
}

function label(line: Line): string[] {
  if (line.labels.length === 0) return [];
  const shown = line.labels.slice(0, MAX_LABEL_LINES);
  if (line.labels.length > shown.length) shown.push(`… ${line.labels.length - shown.length} more`);
  const { x1, y1, x2, y2 } = ends(line);
  const width = Math.max(...shown.map((text) => text.length)) * 6.1 + 8;
  const height = shown.length * 13 + 4;
  const x = (x1 + x2) / 2;
  const y = (y1 + y2) / 2;
  return [
    `<rect x="${x - width / 2}" y="${y - height / 2}" width="${width}" height="${height}" rx="4" fill="#ffffff" fill-opacity="0.92"/>`,
    ...shown.map(
      (text, i) =>
        `<text x="${x}" y="${y - height / 2 + 12 + i * 13}" font-size="10" text-anchor="middle" fill="#334155">${xml(text)}</text>`,
    ),
  ];
}
