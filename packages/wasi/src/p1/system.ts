/** Arguments, environment, clocks, random bytes, the end, and sockets, of which no guest has any. */
import { FileError } from '../body/files/error.ts';
import { turn } from '../body/readiness.ts';
import { Exit } from '../p2/cli.ts';
import type { Calls, Process } from './process.ts';

const REALTIME = 0;
const MONOTONIC = 1;

/** Random bytes that are made before the event loop goes round. */
const PORTION = 1 << 20;

export function systemCalls(process: Process): Calls {
  const { memory, descriptors, clocks } = process;

  const sizes = (strings: readonly Uint8Array[], count: number, size: number): void => {
    memory.setU32(count, strings.length);
    memory.setU32(
      size,
      strings.reduce((sum, string) => sum + string.length, 0),
    );
  };
  const put = (strings: readonly Uint8Array[], pointers: number, buffer: number): void => {
    let pointer = pointers;
    let at = buffer;
    for (const string of strings) {
      memory.setU32(pointer, at);
      memory.bytes(at, string.length).set(string);
      pointer += 4;
      at += string.length;
    }
  };
  const notSocket = (fd: number): never => {
    descriptors.get(fd);
    throw new FileError('ENOTSOCK');
  };
  const args = process.args.map(terminated);
  const environ = Object.entries(process.env).map(([name, value]) => terminated(`${name}=${value}`));

  return {
    args_get: (argv: number, buffer: number) => put(args, argv, buffer),
    args_sizes_get: (count: number, size: number) => sizes(args, count, size),
    environ_get: (environment: number, buffer: number) => put(environ, environment, buffer),
    environ_sizes_get: (count: number, size: number) => sizes(environ, count, size),

    clock_res_get(clock: number, resolution: number) {
      checkClock(clock);
      memory.setU64(resolution, clock === REALTIME ? 1000n : 1n);
    },
    clock_time_get(clock: number, _precision: bigint, time: number) {
      checkClock(clock);
      memory.setU64(time, BigInt.asUintN(64, clock === REALTIME ? clocks.wall() : clocks.monotonic()));
    },

    random_get(buffer: number, length: number): void | Promise<void> {
      memory.bytes(buffer, length);
      if (length > PORTION) return randomLater(process, buffer, length);
      process.randomness.secure(memory.bytes(buffer, length));
    },

    sched_yield: () => turn(),

    proc_exit(code: number) {
      // As POSIX, the parent sees the lowest eight bits; but a failure must not become a success by it.
      throw new Exit(code !== 0 && (code & 0xff) === 0 ? 1 : code & 0xff);
    },
    proc_raise(_signal: number) {
      throw new FileError('ENOTSUP', 'there are no signals');
    },

    sock_accept: (fd: number, _flags: number, _accepted: number) => notSocket(fd),
    sock_recv: (fd: number, _data: number, _count: number, _in: number, _size: number, _out: number) => notSocket(fd),
    sock_send: (fd: number, _data: number, _count: number, _in: number, _size: number) => notSocket(fd),
    sock_shutdown: (fd: number, _how: number) => notSocket(fd),
  };
}

/** The clocks of processor time would tell one guest of the work of others. */
function checkClock(clock: number): void {
  if (clock !== REALTIME && clock !== MONOTONIC) throw new FileError('EINVAL', 'there is no such clock');
}

async function randomLater({ memory, randomness }: Process, buffer: number, length: number): Promise<void> {
  for (let done = 0; done < length; done += PORTION) {
    randomness.secure(memory.bytes(buffer + done, Math.min(PORTION, length - done)));
    await turn();
  }
}

function terminated(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}
