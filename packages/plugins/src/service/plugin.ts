/** The plugin `service`: calls `wasi:cli/run` at the start, and again when it has ended. */
import { definePlugin, type TriggerContext } from '@tenon/plugin';

/** The trigger `service`. */
export interface ServiceTrigger {
  readonly restart: 'always' | 'on-failure' | 'never';
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
}

const RUN = 'wasi:cli/run';
/** A service that ran for so long has recovered: its next end is a first one. */
const RECOVERED_MS = 60_000;

export const service = definePlugin({
  name: 'service',
  interfaces: [],
  bind: () => ({ definitions: {} }),
  triggers: {
    service: {
      exports: [RUN],
      once: true,
      config: {
        type: 'object',
        properties: {
          restart: { enum: ['always', 'on-failure', 'never'], default: 'always', description: 'when it is called again' },
          backoffMs: { type: 'integer', minimum: 1, default: 1000, description: 'milliseconds before the first restart' },
          maxBackoffMs: { type: 'integer', minimum: 1, default: 60_000, description: 'the longest wait, in milliseconds' },
        },
        additionalProperties: false,
      },
      start: (_state, context) => startService(context as TriggerContext<ServiceTrigger>),
    },
  },
});

type Wait = (ms: number, signal: AbortSignal) => Promise<void>;

/** Keeps a service running until it is stopped. */
export function startService(
  { config, invoke, log }: Pick<TriggerContext<ServiceTrigger>, 'config' | 'invoke' | 'log'>,
  wait: Wait = systemWait,
  now: () => number = Date.now,
): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const loop = (async () => {
    for (let failures = 0; !signal.aborted; ) {
      const started = now();
      let failed = false;
      try {
        // A service may run for ever: it has no time limit.
        await invoke({ export: `${RUN}#run`, args: [], timeoutMs: Number.POSITIVE_INFINITY, signal });
      } catch (error) {
        if (signal.aborted) return;
        failed = true;
        log.error('the service failed', { error: error instanceof Error ? error.message : String(error) });
      }
      if (signal.aborted || config.restart === 'never' || (config.restart === 'on-failure' && !failed)) return;
      failures = now() - started >= RECOVERED_MS ? 1 : failures + 1;
      await wait(Math.min(config.maxBackoffMs, config.backoffMs * 2 ** (failures - 1)), signal);
    }
  })();
  return async () => {
    stopping.abort();
    await loop;
  };
}

const systemWait: Wait = (ms, signal) =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
