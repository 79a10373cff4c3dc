/** Names that try to forge what a person sees, in all places of a component where a name may stand. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { folder, guest, tenon } from '../test/tenon.ts';

/** Clears the screen and writes a line of its own. As text of wat, and as characters. */
const FORGED = 'FORGED: nothing to see';
const WAT = String.raw`x\1b[2J\0a${FORGED}\0a\c2\9b1m\e2\80\ae*/'\5c\09y`;

const source = `(component $"${WAT}"
  (core module $"${WAT}" (func $"${WAT}" (export "f") unreachable) (func $"${WAT}2" (export "r") (result i32) i32.const 0 call $"${WAT}"))
  (core instance $i (instantiate 0))
  (func $run (result (result)) (canon lift (core func $i "r")))
  (instance $run-instance (export "run" (func $run)))
  (@producers (processed-by "${WAT}" "${WAT}"))
  IMPORTS
  (export "wasi:cli/run@0.2.0" (instance $run-instance))
)`;
const imports = `(import "url=<https://a/${WAT}>" (func)) (import "locked-dep=<a:b@1.0.0>" (func))
  (import "url=<https://b/${WAT}>" (instance (export "f" (func)) (export "g" (func (param "x" u8)))))`;

let runs: Uint8Array;
let lacks: Uint8Array;
before(async () => {
  runs = await parse(source.replace('IMPORTS', ''));
  lacks = await parse(source.replace('IMPORTS', imports));
});

const commands: [args: readonly string[], where: 'runs' | 'lacks', code: number, reached: RegExp][] = [
  [['inspect', 'FILE'], 'lacks', 0, /What it can touch[\s\S]*url=<https[\s\S]*processed-by: x/],
  [['inspect', '--json', 'FILE'], 'lacks', 0, /"producers"[\s\S]*FORGED/],
  [['inspect', '--wit', 'FILE'], 'lacks', 0, /url=<https[\s\S]*interface/],
  [['inspect', '--graph', '-', 'FILE'], 'lacks', 0, /url=&lt;https[\s\S]*FORGED/],
  [['types', 'FILE'], 'lacks', 0, /Interface `url=<https/],
  [['validate', 'FILE'], 'lacks', 0, /a valid component/],
  [['validate', '--json', 'FILE'], 'lacks', 0, /"valid":true/],
  [['run', 'FILE'], 'lacks', 1, /TENON_IMPORT_MISSING[\s\S]*url=<https/],
  [['run', 'FILE'], 'runs', 134, /TENON_TRAP/],
  [['run', '--invoke', 'nothing()', 'FILE'], 'lacks', 2, /TENON_INVOKE_UNKNOWN/],
  [['serve', 'FILE'], 'lacks', 2, /TENON_RUNTIME_EXPORT/],
  [['compose', '-o', 'OUT', 'FILE', '--plug', guest('rust-calculator')], 'lacks', 1, /TENON_COMPOSE_NOTHING[\s\S]*url=<https/],
  [['wast', '--messages', 'SCRIPT'], 'runs', 0, /expected:[\s\S]*FORGED/],
];

for (const [args, where, code, reached] of commands) {
  test(`tenon ${args.join(' ').replace(/\/\S*\//, '')} (${where})`, async (t) => {
    const files = folder(t);
    // A file may be called anything too.
    const file = join(files, `a${String.fromCharCode(27)}[2J\n${FORGED}\n.wasm`);
    const script = join(files, 'a.wast');
    writeFileSync(file, where === 'runs' ? runs : lacks);
    writeFileSync(script, `(assert_invalid (component (import "url=<${WAT}>" (func (type 7)))) "${WAT}")`);
    const paths: Readonly<Record<string, string>> = { FILE: file, SCRIPT: script, OUT: join(files, 'out.wasm') };
    const result = await tenon(args.map((arg) => paths[arg] ?? arg));
    const output = result.stdout + result.stderr;
    assert.match(output, reached);
    assert.equal(result.code, code);
    for (const line of output.split('\n')) {
      assert.doesNotMatch(line, new RegExp(`^\\W*${FORGED}`));
      assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u, JSON.stringify(line));
    }
    assert.doesNotMatch(output, /internal error/);
    if (args[0] === 'types')
      for (const [comment] of result.stdout.matchAll(/\/\*\*.*$/gm)) assert.match(comment, /^\/\*\*(?:(?!\*\/).)*\*\/$/);
  });
}
