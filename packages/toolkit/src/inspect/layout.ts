/**
 * Arranges a seam graph in columns: imports, then each part right of all that it uses, then exports. A line that passes a column gets a
 * slot in it, so that lines go between boxes; within a column, boxes stand near what they use.
 */
import { parseInterfaceName } from '../names.ts';
import type { SeamGraph, SeamNode } from './seams.ts';
import { sizeText } from './size.ts';

export const LINE_HEIGHT = 16;
export const PADDING = 12;
export const LABEL_HEIGHT = 13;
export const MARGIN = 28;
const HEADING = 46;
const CHARACTER = 7.3;
const LABEL_CHARACTER = 6.2;
const MIN_GAP = 70;
const GAP_Y = 22;
const SLOT_HEIGHT = 12;
const MAX_LABELS = 4;
const MAX_LABEL_LENGTH = 36;

export interface Box {
  readonly kind: SeamNode['kind'];
  readonly title: string;
  readonly lines: readonly string[];
  readonly column: number;
  readonly width: number;
  readonly height: number;
  x: number;
  y: number;
}

/** A place that a line passes through a column. */
interface Slot {
  readonly kind: 'slot';
  readonly column: number;
  readonly width: 0;
  readonly height: number;
  x: number;
  y: number;
}

type Cell = Box | Slot;

export interface Route {
  /** The line's points, from its source to its target; odd gaps between them are curves, even ones pass a column. */
  readonly points: readonly { readonly x: number; readonly y: number }[];
  readonly label:
    | { readonly x: number; readonly y: number; readonly width: number; readonly height: number; readonly lines: readonly string[] }
    | undefined;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Box[];
  readonly routes: readonly Route[];
}

interface Line {
  readonly from: Box;
  readonly to: Box;
  readonly slots: readonly Slot[];
  readonly labels: readonly string[];
}

export function layout(graph: SeamGraph): Layout {
  const boxes = makeBoxes(graph);
  const unique = [...new Set(boxes.values())];
  const lines = makeLines(graph, boxes);
  const last = Math.max(0, ...unique.map((box) => box.column));
  const columns = Array.from({ length: last + 1 }, (_, column): Cell[] => [
    ...unique.filter((box) => box.column === column),
    ...lines.flatMap((line) => line.slots.filter((slot) => slot.column === column)),
  ]);
  order(columns, lines);
  place(columns, lines);
  const routes = route(columns, lines);
  const cells = columns.flat();
  const right = Math.max(300, ...cells.map((cell) => cell.x + cell.width));
  const bottom = Math.max(
    60,
    ...cells.map((cell) => cell.y + cell.height),
    ...routes.map((r) => (r.label === undefined ? 0 : r.label.y + r.label.height)),
  );
  return { width: Math.ceil(right + MARGIN), height: Math.ceil(bottom + MARGIN), boxes: unique, routes };
}

/** The box of each node: a part, an export, or a package of imported interfaces. */
function makeBoxes(graph: SeamGraph): Map<number, Box> {
  const columns = columnsOf(graph);
  const exportColumn = Math.max(0, ...columns.values()) + 1;
  const boxes = new Map<number, Box>();
  const packages = new Map<string, SeamNode[]>();
  for (const node of graph.nodes) {
    if (node.kind === 'import') {
      const group = packageOf(node.label);
      packages.set(group, [...(packages.get(group) ?? []), node]);
    } else if (node.kind === 'export') {
      boxes.set(node.id, makeBox('export', node.label, ['export'], exportColumn));
    } else {
      const size = node.size === undefined ? [] : [sizeText(node.size)];
      boxes.set(node.id, makeBox(node.kind, node.label, [node.kind, ...size], columns.get(node.id) ?? 1));
    }
  }
  for (const [name, nodes] of packages) {
    const interfaces = nodes.flatMap((node) => parseInterfaceName(node.label)?.interface ?? []);
    const box = makeBox('import', name, interfaces.length > 0 ? interfaces : ['import'], 0);
    for (const node of nodes) boxes.set(node.id, box);
  }
  return boxes;
}

function makeBox(kind: SeamNode['kind'], title: string, lines: readonly string[], column: number): Box {
  const longest = Math.max(title.length, ...lines.map((line) => line.length));
  const width = Math.ceil(longest * CHARACTER) + 2 * PADDING;
  return { kind, title, lines, column, width, height: (lines.length + 1) * LINE_HEIGHT + 2 * PADDING - 4, x: 0, y: 0 };
}

function packageOf(name: string): string {
  const parsed = parseInterfaceName(name);
  if (parsed === undefined) return name;
  return `${parsed.namespace}:${parsed.package}${parsed.version === undefined ? '' : `@${parsed.version}`}`;
}

/** Nodes come in the order of instantiation, so what a node uses has its column already. */
function columnsOf(graph: SeamGraph): Map<number, number> {
  const uses = new Map<number, number[]>();
  for (const edge of graph.edges) uses.set(edge.to, [...(uses.get(edge.to) ?? []), edge.from]);
  const columns = new Map<number, number>();
  for (const node of graph.nodes) {
    if (node.kind === 'export') continue;
    const used = (uses.get(node.id) ?? []).map((from) => columns.get(from) ?? 0);
    columns.set(node.id, node.kind === 'import' ? 0 : Math.max(0, ...used) + 1);
  }
  return columns;
}

/** One line for all edges between two boxes. An import's or export's box says its name itself. */
function makeLines(graph: SeamGraph, boxes: ReadonlyMap<number, Box>): Line[] {
  const joined = new Map<Box, Map<Box, Set<string>>>();
  for (const edge of graph.edges) {
    const from = boxes.get(edge.from);
    const to = boxes.get(edge.to);
    if (from === undefined || to === undefined) continue;
    const targets = joined.get(from) ?? new Map<Box, Set<string>>();
    joined.set(from, targets);
    const names = targets.get(to) ?? new Set<string>();
    targets.set(to, names);
    if (from.kind !== 'import' && to.kind !== 'export') for (const name of edge.names) names.add(shorten(name));
  }
  return [...joined].flatMap(([from, targets]) =>
    [...targets].map(([to, names]) => ({ from, to, slots: slotsBetween(from, to), labels: cut([...names]) })),
  );
}

function shorten(name: string): string {
  return name.length > MAX_LABEL_LENGTH ? `…${name.slice(1 - MAX_LABEL_LENGTH)}` : name;
}

function cut(names: readonly string[]): string[] {
  return names.length > MAX_LABELS ? [...names.slice(0, MAX_LABELS), `… ${names.length - MAX_LABELS} more`] : [...names];
}

function slotsBetween(from: Box, to: Box): Slot[] {
  return Array.from({ length: Math.max(0, to.column - from.column - 1) }, (_, i) => ({
    kind: 'slot',
    column: from.column + 1 + i,
    width: 0,
    height: SLOT_HEIGHT,
    x: 0,
    y: 0,
  }));
}

/** Each column is sorted by where the things that its cells are joined to stand in the column before. */
function order(columns: readonly Cell[][], lines: readonly Line[]): void {
  const before = new Map<Cell, Cell[]>();
  for (const line of lines) {
    const cells: Cell[] = [line.from, ...line.slots, line.to];
    for (const [i, cell] of cells.entries()) {
      const previous = cells[i - 1];
      if (previous !== undefined) before.set(cell, [...(before.get(cell) ?? []), previous]);
    }
  }
  const rank = new Map<Cell, number>();
  for (const column of columns) {
    const wish = (cell: Cell): number => {
      const ranks = (before.get(cell) ?? []).map((previous) => rank.get(previous) ?? 0);
      return ranks.length === 0 ? 0.5 : ranks.reduce((sum, r) => sum + r, 0) / ranks.length;
    };
    const wishes = new Map(column.map((cell) => [cell, wish(cell)]));
    column.sort((a, b) => (wishes.get(a) ?? 0) - (wishes.get(b) ?? 0));
    for (const [i, cell] of column.entries()) rank.set(cell, (i + 0.5) / column.length);
  }
}

function labelWidth(line: Line): number {
  return line.labels.length === 0 ? 0 : Math.max(...line.labels.map((text) => text.length)) * LABEL_CHARACTER + 8;
}

/** The labels of a line stand in the gap before its target. */
function place(columns: readonly Cell[][], lines: readonly Line[]): void {
  const heights = columns.map((column) => column.reduce((sum, cell) => sum + cell.height + GAP_Y, -GAP_Y));
  const tallest = Math.max(0, ...heights);
  let x = MARGIN;
  for (const [i, column] of columns.entries()) {
    let y = MARGIN + HEADING + (tallest - (heights[i] ?? 0)) / 2;
    const width = Math.max(0, ...column.map((cell) => cell.width));
    for (const cell of column) {
      cell.x = x;
      cell.y = y;
      y += cell.height + GAP_Y;
    }
    const labels = lines.filter((line) => line.to.column === i + 1).map(labelWidth);
    x += width + Math.max(MIN_GAP, ...labels.map((label) => label + 44));
  }
}

function route(columns: readonly Cell[][], lines: readonly Line[]): Route[] {
  const widths = columns.map((column) => Math.max(0, ...column.map((cell) => cell.width)));
  const middle = (cell: Cell): number => cell.y + cell.height / 2;
  const routes = lines.map((line) => {
    const points = [
      { x: line.from.x + line.from.width, y: middle(line.from) },
      ...line.slots.flatMap((slot) => [
        { x: slot.x, y: middle(slot) },
        { x: slot.x + (widths[slot.column] ?? 0), y: middle(slot) },
      ]),
      { x: line.to.x, y: middle(line.to) },
    ];
    return { line, points };
  });
  const taken = new Map<number, number>();
  const byHeight = [...routes].sort((a, b) => (a.points.at(-2)?.y ?? 0) - (b.points.at(-2)?.y ?? 0));
  const labels = new Map<Line, NonNullable<Route['label']>>();
  for (const { line, points } of byHeight) {
    const start = points.at(-2);
    const end = points.at(-1);
    if (line.labels.length === 0 || start === undefined || end === undefined) continue;
    const width = labelWidth(line);
    const height = line.labels.length * LABEL_HEIGHT + 4;
    const wished = (start.y + end.y) / 2 - height / 2;
    const y = Math.max(wished, taken.get(line.to.column) ?? 0);
    taken.set(line.to.column, y + height + 2);
    const left =
      line.to.column > 0
        ? Math.max(
            start.x,
            line.from.column === line.to.column - 1 ? (columns[line.from.column]?.[0]?.x ?? 0) + (widths[line.from.column] ?? 0) : 0,
          )
        : 0;
    labels.set(line, { x: (left + end.x) / 2, y, width, height, lines: line.labels });
  }
  return routes.map(({ line, points }) => ({ points, label: labels.get(line) }));
}
