/** @tenon/plugins: the plugins that the runtime brings. */
import type { Plugin } from '@tenon/plugin';
import { blobstore } from './blobstore/plugin.ts';
import { config } from './config/plugin.ts';
import { cron } from './cron/plugin.ts';
import { keyvalue } from './keyvalue/plugin.ts';
import { logging } from './logging/plugin.ts';
import { messaging } from './messaging/plugin.ts';
import { secrets } from './secrets/plugin.ts';
import { service } from './service/plugin.ts';

export { PluginError, type PluginErrorCode, STORE_ERRORS } from './errors.ts';
export { blobstore, config, cron, keyvalue, logging, messaging, secrets, service };

/** All of them. What their own types are, each knows for itself. */
export const BUILT_IN: readonly Plugin[] = [
  keyvalue,
  blobstore,
  messaging,
  config,
  logging,
  secrets,
  cron,
  service,
] as readonly unknown[] as readonly Plugin[];
