/** The entry of a worker thread: a pool of instances, and the requests that they serve. */
import { flushCompileCache } from 'node:module';
import { parentPort } from 'node:worker_threads';
import { BACKTRACE_FRAMES, type Component } from '@tenon/component';
import { wasi } from '@tenon/wasi';
import { Calls } from './calls.ts';
import { FrameSender } from './frames.ts';
import { Heartbeat } from './heartbeat.ts';
import { guestMaker, handlerName, load } from './load.ts';
import { type FromWorker, isFrames, type StartMessage, type ToWorker } from './messages.ts';
import { Output } from './output.ts';
import { plainError } from './plain-errors.ts';
import { Pool } from './pool.ts';

// This thread is the guests' own.
Error.stackTraceLimit = BACKTRACE_FRAMES;

if (parentPort === null) throw new Error('internal error: this file runs in a worker thread');
const port = parentPort;
const post = (message: FromWorker): void => port.postMessage(message);

/** Instances that were not needed for so long are let go. */
const TRIM_MS = 10_000;

/** What serves once the start message has come. */
class Service {
  private readonly frames = new FrameSender(port);
  readonly outputs: Readonly<Record<'stdout' | 'stderr', Output>> = {
    stdout: new Output('stdout', post),
    stderr: new Output('stderr', post),
  };
  readonly calls: Calls;

  /** Makes the first instance. Throws what stands in the way. */
  constructor(message: StartMessage, component: Component, handler: string) {
    const { limits, tickMs } = message;
    const system = wasi({
      args: message.args,
      env: message.environment,
      preopens: message.directories,
      http: message.egress,
      httpCa: message.egressCa,
      httpPool: message.egressPool,
      network: message.sockets,
      refused: (refusal) => post({ type: 'refused', refusal }),
      limits: {
        openFiles: limits.maxOpenFiles,
        sockets: limits.maxSockets,
        outgoingRequests: limits.maxOutgoingRequests,
        hostBytes: limits.maxHostBytes,
        instanceHostBytes: limits.maxInstanceHostBytes,
      },
      stdout: this.outputs.stdout,
      stderr: this.outputs.stderr,
    });
    const pool = new Pool(guestMaker(component, handler, system, limits), limits, (guest) => guest.end());
    pool.warm();
    this.calls = new Calls(pool, this.frames);
    const heartbeat = new Heartbeat(message.heartbeat);
    setInterval(() => heartbeat.beat(), tickMs);
    setInterval(() => pool.trim(), TRIM_MS);
  }

  /** Guests may still wait for something: the thread ends all the same. */
  stop(): void {
    this.frames.flush();
    process.exit();
  }
}

let service: Service | undefined;

async function start(message: StartMessage): Promise<void> {
  try {
    const { component, release } = await load(message.component, message.limits);
    const handler = message.handler ?? handlerName(component);
    service = new Service(message, component, handler);
    post({ type: 'ready', component: { ...component.share(), bytes: new Uint8Array() }, handler });
    release();
    // A thread may be ended at any time, and would then leave nothing for the next one.
    setImmediate(flushCompileCache);
  } catch (error) {
    post({ type: 'failed', error: plainError(error) });
    process.exitCode = 1;
    port.close();
  }
}

port.on('message', (message: ToWorker) => {
  if (isFrames(message)) service?.calls.receive(message);
  else if (message.type === 'start') void start(message);
  else if (message.type === 'taken') service?.outputs[message.stream].acknowledge(message.bytes);
  else service?.stop();
});
