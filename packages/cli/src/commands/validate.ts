import { Component, visible, visibleJson } from '@tenon/component';
import type { Arguments, Command } from '../command.ts';
import { usage } from '../errors.ts';
import { isTenonError } from '../failures.ts';
import { readBytes } from '../files.ts';
import { report } from '../report.ts';

export const command: Command = {
  usage: '[OPTIONS] FILE…',
  description: 'Checks that files are valid components. Exit code 1 when one is not.',
  options: { json: { type: 'boolean', description: 'print a line of JSON for each file' } },
  examples: ['tenon validate calculator.wasm', 'tenon validate --json *.wasm'],
  async run(args: Arguments): Promise<number> {
    if (args.operands.length === 0) throw usage('FILE is missing');
    let worst = 0;
    for (const file of args.operands) worst = Math.max(worst, validate(file, args.flag('json')));
    return worst;
  },
};

function validate(file: string, json: boolean): number {
  try {
    Component.validate(readBytes(file));
  } catch (error) {
    if (!isTenonError(error)) throw error;
    const { code, message, offset, path } = error;
    if (json) process.stdout.write(`${visibleJson({ file, valid: false, code, message, offset, path })}\n`);
    else {
      process.stderr.write(`${visible(file)}: `);
      report(error);
    }
    return code === 'TENON_FILE' ? 2 : 1;
  }
  process.stdout.write(json ? `${visibleJson({ file, valid: true })}\n` : `${visible(file)}: a valid component\n`);
  return 0;
}
