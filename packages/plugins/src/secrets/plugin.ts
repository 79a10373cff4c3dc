/** The plugin `secrets`: `wasmcloud:secrets` from the environment, files and mounted directories. */
import { definePlugin, refuse, type Schema } from '@tenon/plugin';
import { secrets as face } from './faces.ts';
import { SecretError, type SecretSource, Secrets } from './secrets.ts';

/** What a workload configures: under `default` a directory of secrets, under any other label the secret of that name. */
export interface SecretsConfig {
  /** The environment variable that holds the secret. */
  readonly environment?: string | undefined;
  /** The file that holds it, which only its owner may read. */
  readonly file?: string | undefined;
  /** A directory with a file for each secret, as Kubernetes mounts it. */
  readonly directory?: string | undefined;
}

const text = (description: string): Schema => ({ type: 'string', minLength: 1, description });

export const secrets = definePlugin<undefined, Record<string, never>, SecretsConfig>({
  name: 'secrets',
  interfaces: Object.keys(face(new Secrets([]), '')),
  config: {
    type: 'object',
    properties: {
      environment: text('the environment variable that holds the secret'),
      file: text('the file that holds the secret, which only its owner may read'),
      directory: text('a directory with a file for each secret'),
    },
    additionalProperties: false,
    maxProperties: 1,
  },

  bind(_state, { config }) {
    const sources = [...config].flatMap(([key, { environment, file, directory }]): SecretSource[] => {
      if (directory !== undefined) return [{ directory }];
      if (environment !== undefined) return [{ key, environment }];
      return file === undefined ? [] : [{ key, file }];
    });
    const single = [...config.keys()].filter((label) => config.get(label)?.directory === undefined);
    try {
      // The interface `secret` has one secret: it is there when the workload has exactly one.
      return { definitions: face(new Secrets(sources), single.length === 1 ? single[0] : undefined) };
    } catch (error) {
      if (error instanceof SecretError) refuse(`a secret is missing: ${error.message}`);
      throw error;
    }
  },
});
