/** Puts figures into `docs/performance.md`, between the comments that mark their place. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** @param place the name in the comments: `<!-- place -->` … `<!-- end of place -->` */
export async function updatePage(place: string, figures: string): Promise<void> {
  const page = fileURLToPath(new URL('../docs/performance.md', import.meta.url));
  const [begin, end] = [`<!-- ${place} -->\n`, `<!-- end of ${place} -->\n`];
  const text = await readFile(page, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${page} has no place for ${place}`);
  await writeFile(page, `${text.slice(0, from + begin.length)}${figures}\n${text.slice(to)}`);
}
