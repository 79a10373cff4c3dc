/** All requests of a worker thread: each gets a pooled instance, and the main thread hears what became of it. */
import { Trap } from '@tenon/component';
import type { ReceivedRequest, Responder } from '@tenon/wasi';
import { Call } from './call.ts';
import {
  CANCEL,
  CREDIT,
  DATA,
  type Data,
  DONE,
  END,
  FAILED,
  type Failure,
  type FrameSender,
  type Frames,
  GONE,
  KIND,
  REQUEST,
  receiveFrames,
} from './frames.ts';
import type { Lease, Pool } from './pool.ts';

/** An instance that can respond to requests, one at a time. */
export interface Guest {
  /** Rejects when the guest traps or returns without a response. */
  respond(request: ReceivedRequest, responder: Responder): Promise<void>;
  /** Ends it for good, whatever it waits for. */
  end(): void;
}

/** A request and the instance that serves it. */
interface Turn {
  readonly call: Call;
  lease: Lease<Guest> | undefined;
  /** The main thread has answered it, and the guest was ended. */
  cancelled: boolean;
}

export class Calls {
  private readonly pool: Pool<Guest>;
  private readonly frames: FrameSender;
  private readonly turns = new Map<number, Turn>();

  constructor(pool: Pool<Guest>, frames: FrameSender) {
    this.pool = pool;
    this.frames = frames;
  }

  receive(frames: Frames): void {
    receiveFrames(frames, (id, kind, text, data) => {
      if ((kind & KIND) === REQUEST) this.begin(new Call(id, kind, text, data, this.frames));
      else this.take(id, kind, text, data);
    });
  }

  private take(id: number, kind: number, text: string, data: Data): void {
    const turn = this.turns.get(id);
    // The guest may be done meanwhile.
    if (turn === undefined) return;
    if (kind === DATA) turn.call.receive(data);
    else if (kind === END) turn.call.finish(text);
    else if (kind === CREDIT) turn.call.acknowledge(data as number);
    else if (kind === GONE) turn.call.leave();
    else if (kind === CANCEL) this.cancel(turn);
  }

  private begin(call: Call): void {
    const turn: Turn = { call, lease: undefined, cancelled: false };
    this.turns.set(call.id, turn);
    void this.serve(turn);
  }

  private async serve(turn: Turn): Promise<void> {
    const { call } = turn;
    try {
      const taken = this.pool.acquire();
      const lease = taken instanceof Promise ? await taken : taken;
      if (call.left) {
        lease.release();
      } else {
        turn.lease = lease;
        await lease.item.respond(call, call);
        lease.release();
      }
      if (!turn.cancelled) this.frames.send(call.id, DONE);
    } catch (error) {
      turn.lease?.discard();
      if (!turn.cancelled) this.frames.send(call.id, FAILED, undefined, failure(error));
    } finally {
      this.turns.delete(call.id);
    }
  }

  private cancel(turn: Turn): void {
    turn.cancelled = true;
    turn.call.leave();
    turn.lease?.discard();
    this.turns.delete(turn.call.id);
  }
}

function failure(error: unknown): Failure {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const trap = error instanceof Trap ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  const where = trap === undefined ? '' : `trap in \`${trap.func ?? '?'}\` of component instance \`${trap.component ?? '?'}\`: `;
  const lines = trap?.backtrace ?? (code === undefined ? stackOf(error) : []);
  const event = trap !== undefined ? 'trap' : code === 'TENON_RUNTIME_BUSY' ? 'busy' : 'error';
  return {
    event,
    message: `${where}${message}`,
    ...(code === undefined ? {} : { code }),
    ...(trap?.component === undefined ? {} : { component: trap.component }),
    ...(trap?.func === undefined ? {} : { func: trap.func }),
    ...(lines.length === 0 ? {} : { backtrace: lines.join('\n') }),
  };
}

/** Where in the guest an error was thrown that nobody threw on purpose; our own files are nobody's business. */
function stackOf(error: unknown): string[] {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return stack.split('\n').filter((line) => line.trimStart().startsWith('at ') && line.includes('wasm://'));
}
