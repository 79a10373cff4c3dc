/** What the guides and READMEs link to is there. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../scripts/workspace.ts';

const PAGES = globSync(['*.md', 'docs/*.md', '{examples,guests,packages}/**/*.md'], {
  cwd: ROOT,
  exclude: (path) => path.split('/').some((part) => part === 'node_modules' || part === 'target'),
});

/** As headings are named in links. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\- _]/gu, '')
    .replaceAll(' ', '-');

test('there are pages', () => assert.ok(PAGES.length >= 10));

for (const page of PAGES) {
  test(page, () => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:)([^)\s#]*)(?:#([^)\s]+))?\)/g)];
    const broken = links.filter(([, path = '', name]) => {
      const file = path === '' ? join(ROOT, page) : join(ROOT, dirname(page), path);
      if (!existsSync(file)) return true;
      if (name === undefined || !file.endsWith('.md')) return false;
      return ![...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].some(([, heading = '']) => anchor(heading) === name);
    });
    assert.deepEqual(
      broken.map(([link]) => link),
      [],
    );
  });
}
