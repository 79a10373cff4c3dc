/** A folder of plugins that are loaded, called, and replaced when their files change. */
import { type FSWatcher, watch } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { EpochClock } from '@tenon/component';
import { PluginError } from './errors.ts';
import { type Application, LoadedPlugin } from './loaded-plugin.ts';
import type { NotesPluginNotebook } from './plugin.ts';

type Note = NotesPluginNotebook.Note;

export interface HostOptions extends Omit<Application, 'clock'> {
  readonly folder: string;
  /** Is told when a plugin cannot be loaded: the version before it stays. */
  readonly failed: (error: PluginError) => void;
}

export class PluginHost implements AsyncDisposable {
  private readonly options: HostOptions;
  private readonly application: Application;
  private readonly ticker: Worker;
  private readonly plugins = new Map<string, { readonly plugin: LoadedPlugin; readonly bytes: Buffer }>();
  private watcher: FSWatcher | undefined;
  /** Settles when what was asked for last is done: files are looked at by one at a time. */
  private looking: Promise<unknown> = Promise.resolve();

  private constructor(options: HostOptions) {
    this.options = options;
    const clock = new EpochClock();
    this.ticker = new Worker(new URL('./ticker.ts', import.meta.url), { workerData: clock.share() });
    this.ticker.unref();
    this.application = { clock, note: options.note, log: options.log };
  }

  /** Loads all plugins of the folder. */
  static async open(options: HostOptions): Promise<PluginHost> {
    const host = new PluginHost(options);
    await host.refresh();
    return host;
  }

  get names(): readonly string[] {
    return [...this.plugins.keys()].sort();
  }

  /** Refreshes whenever something in the folder changes. */
  watch(): void {
    const { failed, folder } = this.options;
    this.watcher ??= watch(folder, () => {
      this.refresh().catch((error: unknown) => failed(new PluginError(folder, 'unusable', error)));
    });
  }

  /** Loads what is new, replaces what has changed, retires what is gone. */
  refresh(): Promise<void> {
    const looked = this.looking.then(() => this.look());
    this.looking = looked.catch(() => undefined);
    return looked;
  }

  /** Has a plugin render a note. @throws PluginError */
  render(name: string, id: number): Promise<string> {
    return this.named(name).call(({ renderer }) => renderer.render(id));
  }

  /** Has a plugin render several notes in one session. @throws PluginError */
  renderAll(name: string, heading: string, notes: readonly Note[]): Promise<string> {
    return this.named(name).call(async ({ renderer }) => {
      await using session = await new renderer.Session(heading);
      for (const note of notes) await session.add(note);
      return await session.render();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.watcher?.close();
    await this.looking;
    await Promise.all([...this.plugins.values()].map(({ plugin }) => plugin[Symbol.asyncDispose]()));
    await this.ticker.terminate();
  }

  private named(name: string): LoadedPlugin {
    const found = this.plugins.get(name);
    if (found === undefined) throw new PluginError(name, 'unusable', `there is no such plugin; there are ${this.names.join(', ')}`);
    return found.plugin;
  }

  private async look(): Promise<void> {
    const files = (await readdir(this.options.folder)).filter((file) => file.endsWith('.wasm'));
    for (const file of files) await this.load(basename(file, '.wasm'), await readFile(join(this.options.folder, file)));
    for (const [name, { plugin }] of this.plugins) {
      if (files.includes(`${name}.wasm`)) continue;
      this.plugins.delete(name);
      void plugin.retire('the plugin was removed');
    }
  }

  /** New calls go to the new version as soon as it runs; those before are answered by the old one. */
  private async load(name: string, bytes: Buffer<ArrayBuffer>): Promise<void> {
    const before = this.plugins.get(name);
    if (before?.bytes.equals(bytes)) return;
    try {
      this.plugins.set(name, { plugin: await LoadedPlugin.load(name, bytes, this.application), bytes });
      void before?.plugin.retire('the plugin was replaced');
    } catch (error) {
      if (!(error instanceof PluginError)) throw error;
      this.options.failed(error);
    }
  }
}
