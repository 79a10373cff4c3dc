/** The plugin `logging`: `wasi:logging` to the host's log. */
import { definePlugin } from '@tenon/plugin';
import { logging as face } from './faces.ts';

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

export const logging = definePlugin({
  name: 'logging',
  interfaces: Object.keys(face(SILENT)),
  bind: (_state, { log }) => ({ definitions: face(log) }),
});
