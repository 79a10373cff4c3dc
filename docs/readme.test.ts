/** The README does what it says: its console sessions and its programs are run. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { test } from 'node:test';
import { output, ROOT } from '../scripts/workspace.ts';

const readme = readFileSync(`${ROOT}/README.md`, 'utf8');

const blocks = (language: string): string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, text = '']) => text);

const sessions = blocks('console').flatMap((text) => [...text.matchAll(/^\$ npx tenon (.*)\n((?:[^$].*\n)*)/gm)]);
const programs = blocks('js');

test('there is something to try', () => {
  assert.ok(sessions.length >= 3 && programs.length >= 3);
});

for (const [, command = '', printed] of sessions) {
  test(`tenon ${command}`, async () => {
    const path = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`;
    const told = await output('sh', ['-c', `PATH='${path}' exec node packages/cli/bin/tenon.js ${command}`]);
    assert.equal(told, printed);
  });
}

for (const [index, program] of programs.entries()) {
  test(`program ${index + 1}`, async () => {
    // Beside the packages, so that their names are found.
    const file = `${ROOT}/docs/.readme-${process.pid}-${index}.mjs`;
    writeFileSync(file, program);
    try {
      const expected = [...program.matchAll(/console\.log.*\/\/ (.*)$|await exports.*\/\/ (.*)$/gm)].map(([, a, b]) => a ?? b);
      assert.equal((await output(process.execPath, [file])).trim(), expected.join('\n'));
    } finally {
      rmSync(file);
    }
  });
}
