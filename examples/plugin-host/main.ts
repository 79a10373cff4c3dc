/** `node examples/plugin-host/main.ts FOLDER`: each line `PLUGIN NUMBER` on standard input renders a note. */
import { createInterface } from 'node:readline';
import { visible } from '@tenon/component';
import { details, PluginError } from './errors.ts';
import { PluginHost } from './host.ts';

const NOTES = ['Milk', 'Bread', 'Answer that letter', 'A walk'].map((title, id) => ({ id, title, body: `${title}, before Friday.` }));

const [folder = `${import.meta.dirname}/plugins`] = process.argv.slice(2);

await using host = await PluginHost.open({
  folder,
  note: async (id) => NOTES[id],
  log: (plugin, line) => console.error(`[${plugin}] ${visible(line)}`),
  failed: (error) => console.error(`${error.message}\n${details(error)}`),
});
host.watch();
console.error(`plugins: ${host.names.join(', ')}`);

for await (const line of createInterface({ input: process.stdin })) {
  const [plugin = '', id = '0'] = line.trim().split(/\s+/);
  try {
    console.log(await host.render(plugin, Number(id)));
  } catch (error) {
    if (!(error instanceof PluginError)) throw error;
    console.error(error.message);
    if (error.kind === 'failed') console.error(details(error));
  }
}
