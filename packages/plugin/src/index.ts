/** @tenon/plugin: the contract between Tenon's runtime and its plugins. Types and helpers only. */
export {
  type BindContext,
  type Binding,
  type CellContext,
  definePlugin,
  type Health,
  type HostContext,
  type Invocation,
  type Logger,
  type Plugin,
  type PluginModule,
  type Schema,
  type TriggerContext,
  type TriggerDefinition,
  type WorkloadIdentity,
} from './contract.ts';
export { PLUGIN_ERRORS } from './errors.ts';
export { RefusedError, refuse } from './refuse.ts';
