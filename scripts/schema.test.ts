import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { renderTypes, TYPES } from './schema.ts';

const withoutForm = (text: string): string => text.replaceAll(/[\s,;'"|()]+/g, '');

test('the types of tenon.yaml are those of its schema', async () => {
  assert.equal(withoutForm(readFileSync(TYPES, 'utf8')), withoutForm(await renderTypes()), 'run `npm run schema`');
});
