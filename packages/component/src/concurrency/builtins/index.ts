/** Every built-in of the canonical section, each in one place: one that is missing here does not compile. */

import type { CoreFunction } from '../../abi/contract.ts';
import { resourceDrop, resourceNew, resourceRep } from '../../abi/resources.ts';
import { contextGet, contextSet } from '../../instance/context.ts';
import type { PlanBuiltin } from '../../link/plan.ts';
import { backpressureDec, backpressureInc } from './backpressure.ts';
import {
  futureCancelRead,
  futureCancelWrite,
  futureDropReadable,
  futureDropWritable,
  futureNew,
  futureRead,
  futureWrite,
  streamCancelRead,
  streamCancelWrite,
  streamDropReadable,
  streamDropWritable,
  streamNew,
  streamRead,
  streamWrite,
} from './copy.ts';
import type { BuiltinEnvironment, Maker } from './environment.ts';
import { errorContextDebugMessage, errorContextDrop, errorContextNew } from './error-context.ts';
import { subtaskCancel, subtaskDrop } from './subtask.ts';
import { taskCancel, taskReturn } from './task.ts';
import {
  threadIndex,
  threadNewIndirect,
  threadResumeLater,
  threadSuspend,
  threadSuspendThenPromote,
  threadSuspendThenResume,
  threadYield,
  threadYieldThenPromote,
  threadYieldThenResume,
} from './thread.ts';
import { waitableJoin, waitableSetDrop, waitableSetNew, waitableSetPoll, waitableSetWait } from './waitable.ts';

const MAKERS: { readonly [K in PlanBuiltin['kind']]: Maker<K> } = {
  'resource.new': (env, { resource }) => resourceNew(env.instance, env.resource(resource)),
  'resource.rep': (env, { resource }) => resourceRep(env.instance, env.resource(resource)),
  'resource.drop': (env, { resource }) => resourceDrop(env.instance, env.resource(resource)),
  'context.get': ({ instance }, { type, index }) => contextGet(instance, type, index),
  'context.set': ({ instance }, { type, index }) => contextSet(instance, type, index),
  'backpressure.inc': backpressureInc,
  'backpressure.dec': backpressureDec,
  'task.return': taskReturn,
  'task.cancel': taskCancel,
  'subtask.cancel': subtaskCancel,
  'subtask.drop': subtaskDrop,
  'waitable-set.new': waitableSetNew,
  'waitable-set.wait': waitableSetWait,
  'waitable-set.poll': waitableSetPoll,
  'waitable-set.drop': waitableSetDrop,
  'waitable.join': waitableJoin,
  'stream.new': streamNew,
  'stream.read': streamRead,
  'stream.write': streamWrite,
  'stream.cancel-read': streamCancelRead,
  'stream.cancel-write': streamCancelWrite,
  'stream.drop-readable': streamDropReadable,
  'stream.drop-writable': streamDropWritable,
  'future.new': futureNew,
  'future.read': futureRead,
  'future.write': futureWrite,
  'future.cancel-read': futureCancelRead,
  'future.cancel-write': futureCancelWrite,
  'future.drop-readable': futureDropReadable,
  'future.drop-writable': futureDropWritable,
  'error-context.new': errorContextNew,
  'error-context.debug-message': errorContextDebugMessage,
  'error-context.drop': errorContextDrop,
  'thread.index': threadIndex,
  'thread.new-indirect': threadNewIndirect,
  'thread.resume-later': threadResumeLater,
  'thread.yield': threadYield,
  'thread.suspend': threadSuspend,
  'thread.suspend-then-resume': threadSuspendThenResume,
  'thread.yield-then-resume': threadYieldThenResume,
  'thread.suspend-then-promote': threadSuspendThenPromote,
  'thread.yield-then-promote': threadYieldThenPromote,
};

/** @returns the core function of a built-in */
export function makeBuiltin<K extends PlanBuiltin['kind']>(
  env: BuiltinEnvironment,
  builtin: PlanBuiltin & { readonly kind: K },
): CoreFunction {
  return (MAKERS[builtin.kind] as Maker<K>)(env, builtin as never);
}
