import { statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { generateTypes, readWorld } from '@tenon/toolkit';
import type { Arguments, Command } from '../command.ts';
import { readComponent } from '../component-file.ts';
import { usage } from '../errors.ts';
import { writeOutput } from '../files.ts';

export const command: Command = {
  usage: '[OPTIONS] FILE | WIT-FOLDER',
  description:
    'Generates TypeScript declarations for a component. Saved as name.d.wasm.ts beside name.wasm, TypeScript finds them for\n' +
    "`import { … } from './name.wasm'` (with `allowArbitraryExtensions`).\n" +
    'From a folder of WIT, declarations of a world come before there is any component of it.\n' +
    'Exported functions return Promises when the component imports a WASI interface that may wait, unless an option says otherwise.',
  options: {
    output: { type: 'string', short: 'o', value: 'OUT', description: 'write to a file instead of stdout' },
    world: { type: 'string', value: 'NAME', description: 'which world of the WIT; needed when there are several' },
    async: { type: 'boolean', description: 'exported functions return Promises' },
    sync: { type: 'boolean', description: 'exported functions return values' },
  },
  examples: ['tenon types calculator.wasm -o calculator.d.wasm.ts', 'tenon types wit --world plugin -o plugin.ts'],
  async run(args: Arguments): Promise<number> {
    const file = args.only('FILE');
    if (args.flag('async') && args.flag('sync')) throw usage('--async and --sync exclude each other');
    const asyncExports = args.flag('async') ? true : args.flag('sync') ? false : undefined;
    const world = args.string('world');
    const types = { file: basename(file), asyncExports, world };
    if (world !== undefined || isWit(file)) {
      writeOutput(args.string('output'), generateTypes(await readWorld(resolve(file), world), { ...types, values: false }));
      return 0;
    }
    const { component } = await readComponent(file);
    writeOutput(args.string('output'), generateTypes(component, types));
    return 0;
  },
};

/** A folder, or a file of text. */
function isWit(path: string): boolean {
  return path.endsWith('.wit') || statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
