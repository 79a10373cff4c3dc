/** The plugin `config`: `wasi:config` from values, the environment, files and directories. */
import { definePlugin, refuse, type Schema } from '@tenon/plugin';
import { config as face } from './faces.ts';
import { type Source, SourceError, Values } from './values.ts';

/** What a workload configures; later kinds win over earlier ones, in the order given here. */
export interface ConfigConfig {
  /** A file of `KEY=VALUE` lines or of a JSON object, watched. */
  readonly file?: string | undefined;
  /** A directory with a file for each key, as Kubernetes mounts it, watched. */
  readonly directory?: string | undefined;
  /** Environment variables whose names begin with this; the keys lack it. */
  readonly environment?: string | undefined;
  readonly values?: Readonly<Record<string, string>> | undefined;
}

const text = (description: string): Schema => ({ type: 'string', minLength: 1, description });

export const config = definePlugin<undefined, Record<string, never>, ConfigConfig>({
  name: 'config',
  interfaces: Object.keys(face(new Values([]))),
  config: {
    type: 'object',
    properties: {
      file: text('a file of KEY=VALUE lines or of a JSON object, watched'),
      directory: text('a directory with a file for each key, watched'),
      environment: text('environment variables whose names begin with this; the keys lack it'),
      values: { type: 'object', additionalProperties: { type: 'string' }, description: 'keys and their values' },
    },
    additionalProperties: false,
  },

  bind(_state, { config: labels }) {
    const sources = [...labels.values()].flatMap(({ file, directory, environment, values }): Source[] => [
      ...(file === undefined ? [] : [{ file }]),
      ...(directory === undefined ? [] : [{ directory }]),
      ...(environment === undefined ? [] : [{ environment }]),
      ...(values === undefined ? [] : [{ values }]),
    ]);
    try {
      return { definitions: face(new Values(sources)) };
    } catch (error) {
      if (error instanceof SourceError) refuse(`the configuration cannot be read: ${error.message}`);
      throw error;
    }
  },
});
