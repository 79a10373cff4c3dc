/** The error codes of the plugin contract. Kept in step with `docs/errors.md` by a test. */
export const PLUGIN_ERRORS = {
  TENON_PLUGIN_REFUSED: 'A plugin refuses to give a workload an interface: the message says why, and what to change in its configuration.',
} as const;
