import { visible, visibleData, visibleJson } from '@tenon/component/errors';
import { compose, sizeText } from '@tenon/toolkit';
import type { Arguments, Command } from '../command.ts';
import { readComponent } from '../component-file.ts';
import { usage } from '../errors.ts';
import { writeOutput } from '../files.ts';

export const command: Command = {
  usage: '-o OUT SOCKET.wasm --plug PLUG.wasm…',
  description:
    "Writes one component in which the plugs' exports satisfy the socket's imports, and each other's: by exact name, else by compatible\n" +
    'version, and always checked by type. What no plug provides stays an import.',
  options: {
    output: { type: 'string', short: 'o', value: 'OUT', description: 'the file to write; `-` is stdout' },
    plug: {
      type: 'string',
      multiple: true,
      value: 'PLUG.wasm',
      description: 'a component whose exports satisfy imports; may be given more than once',
    },
    json: { type: 'boolean', description: 'print what was connected as JSON' },
  },
  examples: ['tenon compose -o app.wasm web.wasm --plug calculator.wasm'],
  async run(args: Arguments): Promise<number> {
    const socketFile = args.only('SOCKET.wasm');
    const output = args.string('output');
    const plugFiles = args.strings('plug');
    if (output === undefined) throw usage('-o OUT is missing');
    if (plugFiles.length === 0) throw usage('--plug PLUG.wasm is missing');
    const [socket, ...plugs] = await Promise.all([socketFile, ...plugFiles].map(readComponent));
    if (socket === undefined) throw usage('SOCKET.wasm is missing');
    const { bytes, connections, imports, exports } = compose(socket, plugs);
    writeOutput(output, bytes);
    // With the component on stdout the report goes to stderr.
    const stream = output === '-' ? process.stderr : process.stdout;
    if (args.flag('json')) {
      stream.write(`${visibleJson({ output, size: bytes.length, connections, imports, exports }, 2)}\n`);
      return 0;
    }
    const lines = [
      `${visible(output)}: ${sizeText(bytes.length)}`,
      ...visibleData(connections).map(
        (c) => `  ${c.importer} gets ${c.import} from ${c.exporter}${c.export === c.import ? '' : ` (${c.export})`}`,
      ),
      imports.length === 0 ? '  it imports nothing more' : '  it still imports',
      ...byPackage(visibleData(imports)).map((line) => `    ${line}`),
    ];
    stream.write(`${lines.join('\n')}\n`);
    return 0;
  },
};

/** `wasi:io@0.2.12: error, poll, streams` on a line for each package. */
function byPackage(names: readonly string[]): string[] {
  const groups = Map.groupBy(names, (name) => name.replace(/^([^/@]+)\/[^@]+(@.*)?$/, '$1$2'));
  return [...groups].map(([group, members]) => {
    const interfaces = members.flatMap((name) => /\/([^@]+)/.exec(name)?.[1] ?? []);
    return interfaces.length === 0 ? group : `${group}: ${interfaces.join(', ')}`;
  });
}
