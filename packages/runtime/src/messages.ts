/** What the main thread and a worker thread say to each other. */
import type { SharedComponent } from '@tenon/component';
import type { GivenPoolOptions, Refusal } from '@tenon/wasi';
import type { DirectoryGrant, Limits, SocketGrants } from './config.ts';
import type { Frames } from './frames.ts';
import type { PlainError } from './plain-errors.ts';

/** The bytes, or what an earlier thread has compiled. */
export type ComponentSource = Uint8Array | SharedComponent;

/** Everything that a worker needs to serve; the first message that it gets. */
export interface StartMessage {
  readonly type: 'start';
  readonly component: ComponentSource;
  /** The name under which the component exports its handler, where it is known already. */
  readonly handler: string | undefined;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly directories: readonly DirectoryGrant[];
  readonly egress: readonly string[];
  readonly egressCa: string | undefined;
  readonly egressPool: GivenPoolOptions;
  readonly sockets: SocketGrants;
  readonly limits: Limits;
  readonly tickMs: number;
  readonly heartbeat: SharedArrayBuffer;
}

export type ToWorker = StartMessage | { readonly type: 'stop' } | Taken | Frames;

/** So many bytes of a guest's output were taken. */
export interface Taken {
  readonly type: 'taken';
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: number;
}

export type FromWorker =
  | { readonly type: 'ready'; readonly component: SharedComponent; readonly handler: string }
  | { readonly type: 'failed'; readonly error: PlainError }
  | { readonly type: 'refused'; readonly refusal: Refusal }
  | { readonly type: 'output'; readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }
  | Frames;

/** Frames are the one message that is a list. */
export const isFrames = (message: ToWorker | FromWorker): message is Frames => Array.isArray(message);
