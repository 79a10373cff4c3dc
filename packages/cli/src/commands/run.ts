import { once } from 'node:events';
import { basename } from 'node:path';
import { BACKTRACE_FRAMES, Component, ComponentError, type Instance, Linker, provider, Trap, visible } from '@tenon/component';
import { DEFAULT_WASI_LIMITS, Exit, isOutputBroken, preview1Module, runPreview1, type Wasi, type WasiOptions, wasi } from '@tenon/wasi';
import { readIdentified, withCache } from '../code-cache.ts';
import type { Arguments, Command } from '../command.ts';
import { CliError, usage } from '../errors.ts';
import { STANDARD } from '../files.ts';
import { explainMissing, GRANT_OPTIONS, parseGrants } from '../grants.ts';
import { GUEST_LIMIT_NAMES, guestLimitOptions, parseLimits } from '../limits.ts';

/** What a command exports, the latest version first. */
const RUNS = ['wasi:cli/run@0.3.0', 'wasi:cli/run@0.2.0'] as const;

const { openFiles, sockets, outgoingRequests, hostBytes, instanceHostBytes } = DEFAULT_WASI_LIMITS;

export const command: Command = {
  usage: '[OPTIONS] FILE [ARGS…]',
  description:
    'Runs a component that exports wasi:cli/run, with this terminal and its exit code, 134 for a trap; or calls any exported function.\n' +
    'Core modules for WASI preview 1 and 0 run too. FILE may be `-`, which is standard input.',
  options: {
    ...GRANT_OPTIONS,
    ...guestLimitOptions({
      maxOpenFiles: openFiles,
      maxSockets: sockets,
      maxOutgoingRequests: outgoingRequests,
      maxHostBytes: hostBytes,
      maxInstanceHostBytes: instanceHostBytes,
    }),
    timeout: {
      type: 'string',
      value: 'MS',
      description: 'milliseconds until its process is killed (137 to a shell) if it has not ended; no limit unless given',
    },
    invoke: { type: 'string', value: 'CALL', description: 'call an exported function with WAVE values and print its result in WAVE' },
  },
  examples: ['tenon run --dir ./data::/data --env LANG=C tool.wasm --verbose input.txt', "tenon run --invoke 'add(1, 2)' calculator.wasm"],
  passesArguments: true,
  async run(args: Arguments): Promise<number> {
    const [file, ...guestArgs] = args.operands;
    if (file === undefined) throw usage('FILE is missing');
    const call = args.string('invoke');
    if (call !== undefined && guestArgs.length > 0) throw usage('with --invoke, arguments stand in the call');
    const limits = parseLimits(args, GUEST_LIMIT_NAMES);
    const options: WasiOptions = {
      ...parseGrants(args),
      limits: {
        openFiles: limits.maxOpenFiles,
        sockets: limits.maxSockets,
        outgoingRequests: limits.maxOutgoingRequests,
        hostBytes: limits.maxHostBytes,
        instanceHostBytes: limits.maxInstanceHostBytes,
      },
      args: [basename(file), ...guestArgs],
      // What the component is read from has nothing left for it.
      ...(file === STANDARD ? {} : { stdin: 'inherit' }),
      stdout: 'inherit',
      stderr: 'inherit',
      refused: ({ message }) => process.stderr.write(`warning: ${visible(message)}\n`),
    };
    Error.stackTraceLimit = BACKTRACE_FRAMES;
    const identified = readIdentified(file);
    const { bytes } = identified;
    const timeout = args.integer('timeout', [1, 2 ** 31 - 1]);
    if (timeout !== undefined) (await import('../watchdog.ts')).endAfter(timeout);
    const module = call === undefined ? await preview1Module(bytes, { maxMemoryBytes: limits.maxMemoryBytes }) : undefined;
    if (module !== undefined) return runPreview1(module, options).catch(brokenOff);
    const component = await withCache(identified, (cache) => Component.compile(bytes, { maxMemoryBytes: limits.maxMemoryBytes, cache }));
    const action = call === undefined ? runCommand(component, file) : await invokeCall(component, call);

    const system = wasi(options);
    try {
      return await action(await instantiate(component, system, file, limits.maxHandles));
    } catch (error) {
      if (error instanceof Exit) return error.code;
      return brokenOff(error);
    } finally {
      await system[Symbol.asyncDispose]();
    }
  },
};

/** What a shell reports for a program that SIGPIPE has ended. */
const BROKEN_PIPE = 141;

/** A guest that traps because nobody reads its output any more, as in `tenon run tool.wasm | head`, is no news. */
function brokenOff(error: unknown): number {
  if (error instanceof Trap && isOutputBroken()) return BROKEN_PIPE;
  throw error;
}

/** What is done with the instance; returns the exit code. */
type Action = (instance: Instance) => Promise<number>;

async function instantiate(component: Component, system: Wasi, file: string, maxHandles: number | undefined): Promise<Instance> {
  const linker = new Linker({ maxHandles });
  linker.use(system);
  try {
    return await linker.instantiate(component);
  } catch (error) {
    throw explainMissing(error, file);
  }
}

function runCommand(component: Component, file: string): Action {
  const names = component.exports.map((item) => item.name);
  const name = provider(names, RUNS[0]) ?? provider(names, RUNS[1]);
  if (name === undefined) throw new CliError('TENON_RUN_EXPORT', notACommand(names, file));
  return async (instance) => {
    const { run } = instance.exports[name] as { run(): unknown };
    try {
      await run();
      return 0;
    } catch (error) {
      // The error case of `run: func() -> result`.
      if (!(error instanceof ComponentError) || error.code !== 'TENON_RESULT') throw error;
      process.stderr.write(`error: ${visible(file)} failed: its \`run\` returned an error\n`);
      return 1;
    }
  };
}

function notACommand(names: readonly string[], file: string): string[] {
  const found = names.length === 0 ? 'it exports nothing' : 'it exports';
  const hint = names.some((name) => /^wasi:http\/(?:incoming-)?handler@/.test(name))
    ? `serve it: tenon serve ${file}`
    : `call a function: tenon run --invoke 'name(arguments)' ${file}`;
  return [`${file} is no command: it does not export wasi:cli/run; ${found}`, ...names.map((name) => `  ${name}`), hint];
}

/** @throws ToolkitError when the call does not fit the component, before anything runs */
async function invokeCall(component: Component, text: string): Promise<Action> {
  const { findFunction, invoke, parseArguments, parseInvoke } = await import('@tenon/toolkit');
  const { placeFunction } = await import('@tenon/component');
  const call = parseInvoke(text);
  const func = findFunction(component.exports, call.name);
  const values = parseArguments(call, func);
  return async (instance) => {
    const owner = func.interface === undefined ? instance.exports : (instance.exports[func.interface] as Record<string, unknown>);
    const target = owner[placeFunction(func.name).name] as (...args: unknown[]) => unknown;
    const outcome = await invoke(target, func.type, values);
    if (outcome.text !== '') process.stdout.write(`${outcome.text}\n`);
    for await (const piece of outcome.rest) {
      if (!process.stdout.write(piece)) await once(process.stdout, 'drain');
    }
    return outcome.failed ? 1 : 0;
  };
}
