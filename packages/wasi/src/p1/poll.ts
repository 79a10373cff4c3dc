/** `poll_oneoff`: waits for the first of several things. */
import type { Clocks } from '../body/clock.ts';
import { FileError } from '../body/files/error.ts';
import { File } from '../body/files/file.ts';
import { READY, type Readiness, turn, type Waiter } from '../body/readiness.ts';
import { Sink, Source } from '../body/streams.ts';
import { Timer } from '../body/timer.ts';
import { errnoOf } from './errno.ts';
import type { Calls, Process } from './process.ts';

const CLOCK = 0;
const READ = 1;
const WRITE = 2;
const ABSOLUTE = 1;
/** By the preview: in 0 a clock has an identifier of its own before all else. */
const SUBSCRIPTION_SIZE = [56, 48] as const;
const CLOCK_AT = [24, 16] as const;
const EVENT_SIZE = 32;

/** Each subscription takes memory of the host. */
const MOST_SUBSCRIPTIONS = 65_536;

interface Subscription {
  readonly userdata: bigint;
  readonly type: number;
  /** When the event occurs; errors occur at once. */
  readonly on: Readiness;
  readonly errno: number;
  /** How many bytes are known to be there. */
  available(): bigint;
}

export function pollCalls(process: Process): Calls {
  const { memory, preview } = process;
  return {
    poll_oneoff(subscriptions: number, events: number, count: number, written: number) {
      if (count === 0) throw new FileError('EINVAL', 'nothing would ever end the wait');
      if (count > MOST_SUBSCRIPTIONS) throw new FileError('EINVAL', 'too many subscriptions');
      memory.bytes(subscriptions, count * SUBSCRIPTION_SIZE[preview]);
      memory.bytes(events, count * EVENT_SIZE);
      memory.setU32(written, 0);
      const list = Array.from({ length: count }, (_, index) => read(process, subscriptions + index * SUBSCRIPTION_SIZE[preview]));
      const answer = (): boolean => {
        const occurred = list.filter(({ on }) => on.ready());
        occurred.forEach((subscription, index) => {
          write(memory.record(events + index * EVENT_SIZE, EVENT_SIZE), subscription);
        });
        memory.setU32(written, occurred.length);
        return occurred.length > 0;
      };
      // A guest that polls again and again must let others work.
      return turn().then(async () => {
        while (!answer()) await first(list);
      });
    },
  };
}

function read(process: Process, at: number): Subscription {
  const { memory } = process;
  const userdata = memory.u64(at);
  const type = memory.u8(at + 8);
  if (type > WRITE) throw new FileError('EINVAL', 'there is no such event');
  const subscription = { userdata, type, on: READY, errno: 0, available: () => 0n };
  if (type === CLOCK) {
    const clock = at + CLOCK_AT[process.preview];
    return { ...subscription, on: timer(process.clocks, memory.u32(clock), memory.u64(clock + 8), memory.u16(clock + 24)) };
  }
  try {
    return { ...subscription, ...stream(process, memory.u32(at + 16), type) };
  } catch (error) {
    return { ...subscription, errno: errnoOf(error) };
  }
}

function timer(clocks: Clocks, clock: number, timeout: bigint, flags: number): Readiness {
  if (clock > 1) throw new FileError('EINVAL', 'there is no such clock');
  if ((flags & ABSOLUTE) === 0) return new Timer(clocks, clocks.monotonic() + timeout);
  return new Timer(clocks, clock === 0 ? clocks.monotonic() + timeout - clocks.wall() : timeout);
}

function stream({ descriptors }: Process, fd: number, type: number): Pick<Subscription, 'on' | 'available'> {
  const descriptor = descriptors.get(fd).need('poll_fd_readwrite');
  const { object } = descriptor;
  if (object instanceof File) {
    const available = () => (type === READ ? BigInt(Math.max(0, object.size - descriptor.position)) : 0n);
    return { on: READY, available };
  }
  if (type === READ ? object instanceof Source : object instanceof Sink) return { on: object as Readiness, available: () => 1n };
  throw new FileError('EBADF');
}

function write(event: DataView, { userdata, errno, type, available }: Subscription): void {
  event.setBigUint64(0, userdata, true);
  event.setUint16(8, errno, true);
  event.setUint8(10, type);
  if (errno === 0) event.setBigUint64(16, available(), true);
}

async function first(list: readonly Subscription[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const waiter: Waiter = { wake: resolve };
  for (const { on } of list) on.add(waiter);
  await promise;
  for (const { on } of list) on.remove(waiter);
}
