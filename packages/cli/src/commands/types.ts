import { basename } from 'node:path';
import { generateTypes } from '@tenon/toolkit';
import type { Arguments, Command } from '../command.ts';
import { readComponent } from '../component-file.ts';
import { usage } from '../errors.ts';
import { writeOutput } from '../files.ts';

export const command: Command = {
  usage: '[OPTIONS] FILE',
  description:
    'Generates TypeScript declarations for a component. Saved as name.d.wasm.ts beside name.wasm, TypeScript finds them for\n' +
    "`import { … } from './name.wasm'` (with `allowArbitraryExtensions`).\n" +
    'Exported functions return Promises when the component imports a WASI interface that may wait, unless an option says otherwise.',
  options: {
    output: { type: 'string', short: 'o', value: 'OUT', description: 'write to a file instead of stdout' },
    async: { type: 'boolean', description: 'exported functions return Promises' },
    sync: { type: 'boolean', description: 'exported functions return values' },
  },
  examples: ['tenon types calculator.wasm -o calculator.d.wasm.ts'],
  async run(args: Arguments): Promise<number> {
    const file = args.only('FILE');
    if (args.flag('async') && args.flag('sync')) throw usage('--async and --sync exclude each other');
    const asyncExports = args.flag('async') ? true : args.flag('sync') ? false : undefined;
    const { component } = await readComponent(file);
    writeOutput(args.string('output'), generateTypes(component, { file: basename(file), asyncExports }));
    return 0;
  },
};
