import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { test } from 'node:test';
import { assembleScript, loadAssembler } from './assemble.ts';
import { readScript } from './script.ts';

test('a missing assembler is an error that says what to install', async () => {
  const hooks = registerHooks({
    resolve: (specifier, context, next) => {
      if (specifier.startsWith('@bytecodealliance/jco-transpile')) throw new Error('not installed');
      return next(specifier, context);
    },
  });
  try {
    await assert.rejects(loadAssembler(), { code: 'TENON_WAST_ASSEMBLER', message: /npm install @bytecodealliance\/jco-transpile/ });
  } finally {
    hooks.deregister();
  }
});

test('binaries need no assembler', async () => {
  const script = readScript('(component binary "\\00asm\\0d\\00\\01\\00")', 'test.wast');
  assert.deepEqual(await assembleScript(script, () => Promise.reject(new Error('not needed'))), script);
});

test('what the assembler refuses says why in a sentence', async () => {
  const assemble = await loadAssembler();
  const cases: [string, RegExp][] = [
    ['(component (core modul))', /^expected valid component field \(line 1, column 13 of the component\)$/],
    ['(component\n (import "\\zz" (func)))', /^invalid string escape .*line 2/],
  ];
  for (const [text, message] of cases) await assert.rejects(assemble(text), { message }, text);
  assert.equal(process.env.WAST_STRICT_COMPONENT_INDICES, undefined);
});
