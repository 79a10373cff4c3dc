import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ROOT } from '../scripts/workspace.ts';
import { ERRORS_PAGE, renderErrors } from './errors.ts';

test('docs/errors.md has a row for every error code', async () => {
  assert.equal(readFileSync(ERRORS_PAGE, 'utf8'), await renderErrors(), 'run `npm run docs`');
});

test('every code that the sources use is in a table', async () => {
  const page = await renderErrors();
  const files = globSync('packages/*/src/**/*.ts', { cwd: ROOT }).filter((file) => !file.endsWith('.test.ts'));
  const unknown: string[] = [];
  for (const file of files) {
    for (const [, code] of readFileSync(`${ROOT}/${file}`, 'utf8').matchAll(/'(TENON_[A-Z0-9_]+)'/g)) {
      if (!page.includes(`| \`${code}\` |`)) unknown.push(`${file}: ${code}`);
    }
  }
  assert.deepEqual(unknown, []);
});
