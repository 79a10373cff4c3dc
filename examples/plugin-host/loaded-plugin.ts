/** One plugin: a component that is linked, and the instance that serves its calls. */
import { BACKTRACE_FRAMES, Component, type EpochClock, type Instance, Linker, type Prepared, resultError } from '@tenon/component';
import { type LineSink, lines, wasi } from '@tenon/wasi';
import { PluginError } from './errors.ts';
import type { NotesPluginNotebook, Plugin } from './plugin.ts';

/** What the application gives to plugins. */
export interface Application {
  readonly clock: EpochClock;
  /** A note, or undefined where there is none. It may take its time. */
  readonly note: (id: number) => Promise<NotesPluginNotebook.Note | undefined>;
  /** Takes what plugins write, line by line. */
  readonly log: (plugin: string, line: string) => void;
}

/** What each instance has for itself. */
interface Context {
  readonly output: LineSink;
}

export const LIMITS = {
  /** For a call with all that it waits for. */
  timeoutMs: 1000,
  /** Of all memories of an instance together. */
  maxMemoryBytes: 32 * 2 ** 20,
  /** Handles to resources that an instance may hold. */
  maxHandles: 1000,
} as const;

// V8 records ten unless told, and the first are the JavaScript engine in the plugin.
Error.stackTraceLimit = Math.max(Error.stackTraceLimit, BACKTRACE_FRAMES);

export class LoadedPlugin implements AsyncDisposable {
  readonly name: string;
  private readonly application: Application;
  private readonly prepared: Prepared<Plugin['exports'], Context>;
  private instance: Instance<Plugin['exports']> | undefined;
  /** Settles when the last call that was asked for has. */
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(name: string, application: Application, prepared: Prepared<Plugin['exports'], Context>) {
    this.name = name;
    this.application = application;
    this.prepared = prepared;
  }

  /**
   * Links a plugin, and makes its first instance: what cannot run is known before anything is replaced by it.
   * @throws PluginError `unusable`
   */
  static async load(name: string, bytes: Uint8Array<ArrayBuffer>, application: Application): Promise<LoadedPlugin> {
    try {
      const component = await Component.compile<Plugin>(bytes, { interruptible: true, maxMemoryBytes: LIMITS.maxMemoryBytes });
      const prepared = await new Linker<Plugin['imports'], Context>({ clock: application.clock, maxHandles: LIMITS.maxHandles })
        .define(
          'notes:plugin/notebook@1.0.0',
          {
            get: async (id) => {
              const note = await application.note(id);
              if (note === undefined) throw resultError({ tag: 'missing', val: id } satisfies NotesPluginNotebook.Failure);
              return note;
            },
          },
          { waits: ['get'] },
        )
        .defineFor('notes:plugin/log@1.0.0', ({ output }) => ({ write: (text) => output(Buffer.from(`${text}\n`)) }))
        .useFor(({ output }) => wasi({ stdout: output, stderr: output }))
        .prepare(component);
      const plugin = new LoadedPlugin(name, application, prepared);
      plugin.instance = await plugin.start();
      return plugin;
    } catch (error) {
      throw new PluginError(name, 'unusable', error);
    }
  }

  /**
   * Calls the plugin when those who asked before are done: its time counts from then.
   * @param work calls as many exports as it likes
   * @throws PluginError
   */
  call<T>(work: (exports: Plugin['exports']) => Promise<T>): Promise<T> {
    const result = this.turn.then(async () => {
      this.instance ??= await this.start();
      return this.instance.within({ timeoutMs: LIMITS.timeoutMs }, work);
    });
    this.turn = result.catch(() => undefined);
    return result.catch((error: unknown) => {
      throw PluginError.of(this.name, error);
    });
  }

  /** Waits for calls that were asked for, then ends the instance. */
  async retire(reason: string): Promise<void> {
    await this.turn;
    this.instance?.end(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.retire('the host was closed');
  }

  private async start(): Promise<Instance<Plugin['exports']>> {
    const output = lines((line) => this.application.log(this.name, line));
    const instance = await this.prepared.instantiate({ name: this.name, context: { output } });
    instance.ended.then(({ error, how }) => {
      output.flush();
      if (this.instance === instance) this.instance = undefined;
      if (how !== 'ended') this.application.log(this.name, `${how}: ${error.message}`);
    });
    return instance;
  }
}
