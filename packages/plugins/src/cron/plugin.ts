/** The plugin `cron`: calls an export at points in time. */
import { definePlugin, refuse, type TriggerContext } from '@tenon/plugin';
import { next, type Schedule, scheduleProblem } from './schedule.ts';

/** The trigger `cron`. */
export interface CronTrigger extends Schedule {
  /** A function without parameters: `wasi:cli/run@0.2.0#run`; a version may be left out. */
  readonly export: string;
  /** Whether a run may begin while the one before is under way. */
  readonly overlap: boolean;
  /** Whether a run that was missed while the host was down takes place when it is back, once. */
  readonly catchUp: boolean;
  readonly timeoutMs: number;
}

const text = (description: string, more: object = {}): object => ({ type: 'string', description, ...more });
/** A timer of the system cannot wait longer. Looking again sooner also sees when somebody sets the clock. */
const LONGEST_WAIT_MS = 60_000;

export const cron = definePlugin({
  name: 'cron',
  interfaces: [],
  bind: () => ({ definitions: {} }),
  triggers: {
    cron: {
      exports: [],
      once: true,
      config: {
        type: 'object',
        required: ['schedule'],
        properties: {
          schedule: text(
            'five fields (minute hour day month weekday), six with seconds first, or @hourly, @daily, @weekly, @monthly, @yearly',
            { minLength: 1 },
          ),
          timezone: text('the IANA name of the time zone', { default: 'UTC' }),
          export: text('the function that is called, without parameters', { default: 'wasi:cli/run#run' }),
          overlap: { type: 'boolean', default: false, description: 'whether a run may begin while the one before is under way' },
          catchUp: {
            type: 'boolean',
            default: false,
            description: 'whether a run that was missed takes place when the host is back, once',
          },
          timeoutMs: { type: 'integer', minimum: 1, default: 600_000, description: 'how long a run may take, in milliseconds' },
        },
        additionalProperties: false,
      },
      start: (_state, context) => startJob(context as TriggerContext<CronTrigger>),
    },
  },
});

/**
 * Runs a job until it is stopped.
 * @param now milliseconds since 1970
 * @param timer calls back after so many milliseconds, until the returned function is called
 */
export function startJob(
  { config, invoke, log, memory }: Pick<TriggerContext<CronTrigger>, 'config' | 'invoke' | 'log' | 'memory'>,
  now: () => number = Date.now,
  timer: (callback: () => void, ms: number) => () => void = systemTimer,
): () => Promise<void> {
  const problem = scheduleProblem(config);
  if (problem !== undefined) refuse(problem);
  const key = `cron ${JSON.stringify([config.schedule, config.timezone, config.export])}`;
  const underWay = new Set<Promise<void>>();
  const start = (due: number): void => {
    memory.remember(key, String(due));
    if (!config.overlap && underWay.size > 0) {
      log.warn('a run was left out, because the one before is still under way', { schedule: config.schedule, export: config.export });
      return;
    }
    const run = (async () => {
      try {
        await invoke({ export: config.export, args: [], timeoutMs: config.timeoutMs });
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        log.error('a run failed', { schedule: config.schedule, export: config.export, error: message });
      }
    })();
    underWay.add(run);
    run.finally(() => underWay.delete(run));
  };

  const last = Number(memory.recall(key) ?? Number.NaN);
  const missed = Number.isNaN(last) ? undefined : next(config, last);
  if (config.catchUp && missed !== undefined && missed <= now()) start(missed);

  // What is due after a pause, such as a machine's sleep, runs once.
  let due = next(config, now());
  let cancel = (): void => {};
  const wait = (): void => {
    if (due === undefined) return;
    cancel = timer(
      () => {
        const time = now();
        if (due !== undefined && time >= due) {
          start(due);
          due = next(config, time);
        }
        wait();
      },
      Math.min(Math.max(0, due - now()), LONGEST_WAIT_MS),
    );
  };
  wait();
  return async () => {
    due = undefined;
    cancel();
    await Promise.all(underWay);
  };
}

function systemTimer(callback: () => void, ms: number): () => void {
  const timeout = setTimeout(callback, ms);
  return () => clearTimeout(timeout);
}
