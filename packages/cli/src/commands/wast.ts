import { visible } from '@tenon/component/errors';
import {
  type DirectiveReport,
  type Expected,
  jsonLine,
  judge,
  place,
  readAcceptedTexts,
  readExpected,
  runSuite,
  summarise,
  table,
} from '@tenon/wast';
import type { Arguments, Command } from '../command.ts';
import { usage } from '../errors.ts';
import { paint } from '../report.ts';

export const command: Command = {
  usage: '[OPTIONS] FILE|FOLDER…',
  description:
    'Runs component test scripts (.wast). Exit code 0 only when every directive did what it says, or was expected not to. ' +
    'References in text components must say `core` where they mean it, unless WAST_STRICT_COMPONENT_INDICES=0 is set.',
  options: {
    json: { type: 'boolean', description: 'print one JSON object a directive to stdout; the summary goes to stderr' },
    expected: {
      type: 'string',
      value: 'FILE',
      description: 'JSON object of known failures, {"file:line": "reason"}; one that passes is a failure',
    },
    texts: {
      type: 'string',
      value: 'FILE',
      description:
        'JSON object of accepted texts of traps, {"what the script expects": "what is as good"}; any other difference is a failure',
    },
    validate: {
      type: 'boolean',
      description: 'only decode and validate: instantiate, call and link nothing, so that imports may be missing',
    },
    messages: { type: 'boolean', description: 'show the errors that do not contain the text that the script expects' },
    timeout: { type: 'string', value: 'SECONDS', description: 'how long a file may take (30)' },
    jobs: { type: 'string', value: 'N', description: 'files at a time (1)' },
  },
  examples: ['tenon wast tests/', 'tenon wast --validate suite/', 'tenon wast --json --expected known.json values.wast'],
  async run(args: Arguments): Promise<number> {
    if (args.operands.length === 0) throw usage('FILE or FOLDER is missing');
    const json = args.flag('json');
    const known = args.string('expected');
    const expected: Expected = known === undefined ? new Map() : readExpected(known);
    const jobs = args.integer('jobs', [1, 1000]) ?? 1;
    const timeout = 1000 * (args.integer('timeout', [1, 86_400]) ?? 30);

    const texts = args.string('texts');

    const reports = await runSuite(args.operands, {
      jobs,
      timeout,
      validateOnly: args.flag('validate'),
      ...(texts !== undefined && { texts: readAcceptedTexts(texts) }),
      onFile: (own) => {
        if (json) process.stdout.write(own.map((report) => `${jsonLine(report)}\n`).join(''));
      },
    });
    const { unexpected, stale } = judge(reports, expected);
    const lines = [
      ...(args.flag('messages') ? reports.flatMap(mismatch) : []),
      ...(json ? [] : unexpected.map(failure)),
      ...stale.map((key) => `${visible(key)}: ${paint('red', 'passes')}, though it is listed in ${known}`),
      table(summarise(reports)),
    ];
    process[json ? 'stderr' : 'stdout'].write(`${lines.join('\n')}\n`);
    return unexpected.length === 0 && stale.length === 0 ? 0 : 1;
  },
};

function failure(report: DirectiveReport): string {
  return `${visible(place(report))}: ${visible(report.type)}: ${paint('red', report.status)}: ${visible(report.message)}`;
}

function mismatch(report: DirectiveReport): readonly string[] {
  const { text } = report;
  if (text === undefined || text.matches) return [];
  return [
    `${visible(place(report))}: ${visible(report.type)}`,
    `  expected: ${visible(text.expected)}`,
    `  found:    ${visible(text.found)}`,
  ];
}
