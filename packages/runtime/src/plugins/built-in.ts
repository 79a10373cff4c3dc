import type { PluginTask } from './needs.ts';

/** The plugins that every host has. */
export const BUILT_IN_PLUGINS: readonly PluginTask[] = [
  'keyvalue',
  'blobstore',
  'messaging',
  'config',
  'logging',
  'secrets',
  'cron',
  'service',
].map((name) => ({ name, from: name, options: {} }));
