/** Draws the parts of a component and the seams between them as an SVG: imports on the left, exports on the right. */
import { type ComponentDefinition, visible } from '@tenon/component';
import { type Box, LABEL_HEIGHT, LINE_HEIGHT, layout, MARGIN, PADDING, type Route } from './layout.ts';
import type { PartInfo } from './parts.ts';
import { type SeamNode, seamGraph } from './seams.ts';
import { sizeText } from './size.ts';

const COLOURS: Readonly<Record<SeamNode['kind'], { readonly fill: string; readonly stroke: string }>> = {
  import: { fill: '#f8fafc', stroke: '#94a3b8' },
  component: { fill: '#eef2ff', stroke: '#6366f1' },
  'core module': { fill: '#ecfdf5', stroke: '#10b981' },
  export: { fill: '#fff7ed', stroke: '#f97316' },
};

/**
 * @param title what the drawing is of, such as the file's name
 * @returns a complete SVG document
 */
export function graphSvg(definition: ComponentDefinition, tree: PartInfo, title: string): string {
  const { width, height, boxes, routes } = layout(seamGraph(definition, tree));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="12">`,
    `<title>${xml(title)}</title>`,
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#64748b"/></marker></defs>',
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${MARGIN}" y="${MARGIN}" font-size="15" font-weight="bold" fill="#0f172a">${xml(title)}</text>`,
    `<text x="${MARGIN}" y="${MARGIN + 18}" fill="#64748b">${xml(`${sizeText(tree.size)}; arrows go from what provides to what uses it`)}</text>`,
    ...routes.map(drawLine),
    ...boxes.map(drawBox),
    ...routes.flatMap(drawLabel),
    '</svg>',
    '',
  ].join('\n');
}

function xml(text: string): string {
  return visible(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function drawBox(box: Box): string {
  const { fill, stroke } = COLOURS[box.kind];
  const text = (line: string, i: number): string => {
    const style = i === 0 ? 'font-weight="bold" fill="#0f172a"' : 'fill="#475569"';
    return `<text x="${box.x + PADDING}" y="${box.y + PADDING + 10 + i * LINE_HEIGHT}" ${style}>${xml(line)}</text>`;
  };
  return [
    `<rect x="${box.x}" y="${box.y}" width="${box.width}" height="${box.height}" rx="8" fill="${fill}" stroke="${stroke}" stroke-width="1.5"/>`,
    ...[box.title, ...box.lines].map(text),
  ].join('\n');
}

function drawLine({ points }: Route): string {
  const [first, ...rest] = points;
  let path = `M${first?.x} ${first?.y}`;
  let { x: fromX, y: fromY } = first ?? { x: 0, y: 0 };
  for (const [i, { x, y }] of rest.entries()) {
    const bend = (x - fromX) / 2;
    path += i % 2 === 1 ? `L${x} ${y}` : `C${fromX + bend} ${fromY} ${x - bend} ${y} ${x} ${y}`;
    fromX = x;
    fromY = y;
  }
  return `<path d="${path}" fill="none" stroke="#94a3b8" stroke-width="1.5" marker-end="url(#arrow)"/>`;
}

function drawLabel({ label }: Route): string[] {
  if (label === undefined) return [];
  const { x, y, width, height, lines } = label;
  return [
    `<rect x="${x - width / 2}" y="${y}" width="${width}" height="${height}" rx="4" fill="#ffffff" fill-opacity="0.92"/>`,
    ...lines.map(
      (text, i) => `<text x="${x}" y="${y + 12 + i * LABEL_HEIGHT}" font-size="10" text-anchor="middle" fill="#334155">${xml(text)}</text>`,
    ),
  ];
}
