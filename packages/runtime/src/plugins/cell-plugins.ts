/** The plugins of one cell: starts them, binds workloads to them, and starts the triggers that they bring. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { provider } from '@tenon/component';
import { type Binding, type Invocation, type Logger, type Plugin, RefusedError, type Schema } from '@tenon/plugin';
import type { Imports } from '../config.ts';
import { RuntimeError } from '../errors.ts';
import { checker } from '../spec/validate.ts';
import type { PluginHost, PluginNeeds, PluginTask } from './needs.ts';

/** A plugin as the runtime has it: what its types were is its own business. */
type AnyPlugin = Plugin<unknown, unknown, unknown>;

interface Started {
  readonly plugin: AnyPlugin;
  readonly state: unknown;
}

/** What a cell does for its plugins. */
export interface CellServices {
  readonly cell: number;
  log(workload: string, plugin: string): Logger;
  remember(workload: string, key: string, value: string): void;
}

/** A workload as its plugins see it. */
export interface BoundWorkload {
  readonly imports: Imports;
  /** Starts its triggers. @returns what ends them */
  startTriggers(exports: ReadonlySet<string>, invoke: (invocation: Invocation) => Promise<unknown>): Promise<() => Promise<void>>;
  unbind(): Promise<void>;
}

const NOTHING: Schema = { type: 'object', additionalProperties: false };

/** Versions of one interface that a plugin provides serve imports of the same and earlier ones. */
const packageOf = (name: string): string => name.replace(/\/.*/, '');

export class CellPlugins {
  readonly #started: Started[];
  readonly #host: PluginHost;
  /** Plugins that came later, by name. */
  readonly #added = new Map<string, { readonly text: string; readonly starting: Promise<void> }>();
  readonly #services: CellServices;

  private constructor(started: Started[], host: PluginHost, services: CellServices) {
    this.#started = started;
    this.#host = host;
    this.#services = services;
  }

  /** @throws RuntimeError TENON_PLUGIN_LOAD, TENON_PLUGIN_OPTION, TENON_PLUGIN_START; what was started before is stopped again */
  static async start(host: PluginHost, services: CellServices): Promise<CellPlugins> {
    const { plugins } = host;
    const started: Started[] = [];
    try {
      for (const task of plugins) started.push(await startTask(task, host, services));
      checkNames(started);
    } catch (error) {
      await stopAll(started);
      throw error;
    }
    return new CellPlugins(started, host, services);
  }

  /**
   * Starts plugins that are not there yet.
   * @throws RuntimeError as {@link CellPlugins.start}; and when one of that name is there that comes from elsewhere or has other options
   */
  async add(tasks: readonly PluginTask[]): Promise<void> {
    for (const task of tasks) {
      const text = JSON.stringify(task);
      const there = this.#added.get(task.name);
      if (there === undefined) {
        const starting = startTask(task, this.#host, this.#services).then((started) => {
          checkNames([...this.#started, started]);
          this.#started.push(started);
        });
        this.#added.set(task.name, { text, starting });
        starting.catch(() => this.#added.delete(task.name));
      } else if (there.text !== text) {
        throw new RuntimeError('TENON_PLUGIN_OPTION', `the plugin "${task.name}" runs with other options, which another application wants`);
      }
      await this.#added.get(task.name)?.starting;
    }
  }

  /**
   * Binds a workload: all or nothing.
   * @param wanted the names of its imports that nothing else provides
   * @param maxHostBytes bytes that the host may hold for an instance
   * @throws RuntimeError TENON_PLUGIN_CONFIG for a configuration that does not fit, TENON_PLUGIN_MISSING for what no plugin provides,
   *   TENON_PLUGIN_BIND when a plugin refuses
   */
  async bind(needs: PluginNeeds, wanted: readonly string[], maxHostBytes: number): Promise<BoundWorkload> {
    const { identity } = needs;
    const providers = new Map<Started, string[]>();
    for (const name of wanted) {
      const found = this.#started.find(({ plugin }) => provider(plugin.interfaces, name) !== undefined);
      if (found !== undefined) providers.set(found, [...(providers.get(found) ?? []), name]);
    }
    const configs = this.#configs(needs);
    const triggers = this.#triggers(needs);
    const stopped = new AbortController();
    const bound: Binding[] = [];
    const unbind = async (): Promise<void> => {
      stopped.abort();
      for (const binding of bound.splice(0).reverse()) await binding.unbind?.();
    };
    const imports: Record<string, unknown> = {};
    try {
      for (const started of this.#started) {
        const { plugin, state } = started;
        const interfaces = providers.get(started) ?? [];
        const config = configs.get(started) ?? new Map<string, unknown>();
        const brings = triggers.some((each) => each.started === started);
        if (interfaces.length === 0 && config.size === 0 && !brings) continue;
        const log = this.#services.log(identity.name, plugin.name);
        const context = { workload: identity, interfaces, config, maxHostBytes, log, signal: stopped.signal };
        const binding = await bindOne(plugin, state, context);
        bound.push(binding);
        for (const [name, value] of Object.entries(binding.definitions)) {
          if (interfaces.some((each) => provider([name], each) !== undefined)) imports[name] = value;
        }
      }
    } catch (error) {
      await unbind();
      throw error;
    }
    return {
      imports,
      unbind,
      startTriggers: (exports, invoke) => this.#startTriggers(needs, triggers, exports, invoke, stopped.signal),
    };
  }

  /** Names of imports that no plugin provides. */
  missing(wanted: readonly string[]): readonly string[] {
    return wanted.filter((name) => !this.#started.some(({ plugin }) => provider(plugin.interfaces, name) !== undefined));
  }

  async health(): Promise<readonly { readonly name: string; readonly ok: boolean; readonly message?: string }[]> {
    return Promise.all(
      this.#started.map(async ({ plugin, state }) => {
        try {
          const { ok, message } = (await plugin.health?.(state)) ?? { ok: true };
          return { name: plugin.name, ok, ...(message === undefined ? {} : { message }) };
        } catch (error) {
          return { name: plugin.name, ok: false, message: wordsOf(error) };
        }
      }),
    );
  }

  async stop(): Promise<void> {
    await stopAll(this.#started);
  }

  /** Configurations by plugin, checked, with defaults. */
  #configs({ interfaces }: PluginNeeds): ReadonlyMap<Started, ReadonlyMap<string, unknown>> {
    const configs = new Map<Started, Map<string, unknown>>();
    for (const [name, labels] of Object.entries(interfaces)) {
      const found = this.#started.find(({ plugin }) =>
        plugin.interfaces.some((each) => each === name || packageOf(each) === packageOf(name)),
      );
      if (found === undefined) {
        const known = [...new Set(this.#started.flatMap(({ plugin }) => plugin.interfaces.map(packageOf)))].join(', ');
        throw new RuntimeError('TENON_PLUGIN_CONFIG', `no plugin provides \`${name}\`; there are ${known}`);
      }
      const mine = configs.get(found) ?? new Map<string, unknown>();
      configs.set(found, mine);
      for (const [label, value] of Object.entries(labels)) {
        mine.set(label, checked(found.plugin.config ?? NOTHING, value, 'TENON_PLUGIN_CONFIG', `interfaces.${name}.${label}`));
      }
    }
    return configs;
  }

  #triggers({ triggers }: PluginNeeds): readonly TriggerOf[] {
    return Object.entries(triggers).flatMap(([name, configs]) => {
      const found = this.#started.find(({ plugin }) => plugin.triggers !== undefined && Object.hasOwn(plugin.triggers, name));
      const definition = found?.plugin.triggers?.[name];
      if (found === undefined || definition === undefined) {
        const known = this.#started.flatMap(({ plugin }) => Object.keys(plugin.triggers ?? {})).join(', ');
        throw new RuntimeError('TENON_PLUGIN_CONFIG', `no plugin brings the trigger \`${name}\`; there are http, ${known}`);
      }
      return configs.map((config, index) => ({
        started: found,
        definition,
        name,
        config: checked(definition.config, config, 'TENON_PLUGIN_CONFIG', `triggers.${name}.${index}`),
      }));
    });
  }

  async #startTriggers(
    { identity, memory }: PluginNeeds,
    triggers: readonly TriggerOf[],
    exports: ReadonlySet<string>,
    invoke: (invocation: Invocation) => Promise<unknown>,
    signal: AbortSignal,
  ): Promise<() => Promise<void>> {
    const stops: (() => unknown)[] = [];
    const stop = async (): Promise<void> => {
      await Promise.all(stops.splice(0).map(async (each) => each()));
    };
    const remembered = new Map(Object.entries(memory));
    try {
      for (const { started, definition, name, config } of triggers) {
        const served =
          definition.exports.length === 0 ||
          definition.exports.some((each) => provider([...exports], each) !== undefined || hasPlain(exports, each));
        if (!served) {
          throw new RuntimeError('TENON_PLUGIN_BIND', `the trigger \`${name}\` needs an export, one of ${definition.exports.join(', ')}`);
        }
        if (definition.once === true && this.#services.cell > 0) continue;
        const log = this.#services.log(identity.name, started.plugin.name);
        const recall = (key: string): string | undefined => remembered.get(key);
        const remember = (key: string, value: string): void => {
          remembered.set(key, value);
          this.#services.remember(identity.name, key, value);
        };
        try {
          stops.push(
            await definition.start(started.state, {
              workload: identity,
              config,
              exports,
              log,
              signal,
              memory: { recall, remember },
              invoke,
            }),
          );
        } catch (error) {
          throw refusal(started.plugin, error);
        }
      }
    } catch (error) {
      await stop();
      throw error;
    }
    return stop;
  }
}

interface TriggerOf {
  readonly started: Started;
  readonly definition: NonNullable<AnyPlugin['triggers']>[string];
  readonly name: string;
  readonly config: unknown;
}

/** Whether an interface is exported in any version. */
const hasPlain = (exports: ReadonlySet<string>, name: string): boolean => [...exports].some((each) => each.replace(/@.*/, '') === name);

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function load({ name, from }: PluginTask): Promise<AnyPlugin> {
  let module: { readonly plugin?: unknown };
  try {
    const { BUILT_IN } = await import('@tenon/plugins');
    const builtIn = BUILT_IN.find((plugin) => plugin.name === from);
    if (builtIn !== undefined) return builtIn as unknown as AnyPlugin;
    module = await import(/^[./]/.test(from) ? pathToFileURL(resolve(from)).href : from);
  } catch (error) {
    throw new RuntimeError('TENON_PLUGIN_LOAD', `the plugin "${name}" cannot be loaded from ${from}: ${wordsOf(error)}`, error);
  }
  const { plugin } = module;
  const fits = typeof plugin === 'object' && plugin !== null && 'name' in plugin && 'interfaces' in plugin && 'bind' in plugin;
  if (!fits) throw new RuntimeError('TENON_PLUGIN_LOAD', `${from} exports no \`plugin\` that was made by definePlugin`);
  return plugin as AnyPlugin;
}

async function startTask(task: PluginTask, { dataFolder, hostId }: PluginHost, services: CellServices): Promise<Started> {
  const plugin = await load(task);
  const options = checked(plugin.options ?? NOTHING, task.options, 'TENON_PLUGIN_OPTION', `the plugin "${task.name}"`);
  const log = services.log('', task.name);
  const context = { options, log, dataFolder, hostId, cell: services.cell };
  return { plugin, state: await startOne(plugin, context) };
}

/** How long a plugin may take to start, in milliseconds. */
const START_MS = 30_000;

async function startOne(plugin: AnyPlugin, context: Parameters<NonNullable<AnyPlugin['start']>>[0]): Promise<unknown> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`it did not start within ${START_MS} ms`)), START_MS);
  try {
    return await Promise.race([plugin.start?.(context), late.promise]);
  } catch (error) {
    throw new RuntimeError('TENON_PLUGIN_START', `the plugin "${plugin.name}" does not start: ${wordsOf(error)}`, error);
  } finally {
    clearTimeout(timer);
  }
}

async function bindOne(plugin: AnyPlugin, state: unknown, context: Parameters<AnyPlugin['bind']>[1]): Promise<Binding> {
  try {
    return await plugin.bind(state, context);
  } catch (error) {
    throw refusal(plugin, error);
  }
}

function refusal(plugin: AnyPlugin, error: unknown): RuntimeError {
  if (error instanceof RuntimeError) return error;
  const remedy = error instanceof RefusedError && error.remedy !== undefined ? `; ${error.remedy}` : '';
  return new RuntimeError('TENON_PLUGIN_BIND', `the plugin "${plugin.name}" refuses: ${wordsOf(error)}${remedy}`, error);
}

/** Two plugins for one interface would leave to chance which a workload gets. */
function checkNames(started: readonly Started[]): void {
  const owners = new Map<string, string>();
  for (const { plugin } of started) {
    for (const key of [
      `plugin ${plugin.name}`,
      ...plugin.interfaces,
      ...Object.keys(plugin.triggers ?? {}).map((name) => `trigger ${name}`),
    ]) {
      const other = owners.get(key);
      if (other !== undefined)
        throw new RuntimeError('TENON_PLUGIN_OPTION', `the plugins "${other}" and "${plugin.name}" both bring ${key}`);
      owners.set(key, plugin.name);
    }
  }
}

async function stopAll(started: readonly Started[]): Promise<void> {
  for (const { plugin, state } of started.toReversed()) {
    try {
      await plugin.stop?.(state);
    } catch {
      // The others are to stop as well.
    }
  }
}

const checkers = new WeakMap<object, ReturnType<typeof checker>>();

/** A copy of a value with the defaults of its schema. */
function checked(schema: Schema, value: unknown, code: 'TENON_PLUGIN_OPTION' | 'TENON_PLUGIN_CONFIG', where: string): unknown {
  let check = checkers.get(schema);
  if (check === undefined) {
    check = checker(schema);
    checkers.set(schema, check);
  }
  const copy = structuredClone(value);
  const misfits = check(copy);
  if (misfits.length === 0) return copy;
  throw new RuntimeError(
    code,
    misfits.map(({ path, message }) => `${[where, ...path].join('.')}: ${message}`),
  );
}
