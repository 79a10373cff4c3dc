/** What to say when nothing can go on: who waits for what. */
import type { Store } from '../instance/state.ts';
import type { PendingCall } from './scheduler.ts';
import type { Thread } from './thread.ts';

const MAX_NAMED = 8;

/** @param calls of the embedder that nobody will answer */
export function deadlock(store: Store, calls: Iterable<PendingCall>): string {
  const blocked: Thread[] = [];
  for (const instance of store.instances) {
    for (const thread of instance.threads ?? []) if (!thread.running) blocked.push(thread);
  }
  const waits = blocked.slice(0, MAX_NAMED).map(inWords);
  if (blocked.length > MAX_NAMED) waits.push(`and ${blocked.length - MAX_NAMED} more`);
  const names = [...calls].slice(0, MAX_NAMED).map((call) => `\`${call.name}\``);
  const unanswered = names.length === 0 ? '' : ` while ${names.join(', ')} ${names.length === 1 ? 'has' : 'have'} not returned`;
  const who = waits.length === 0 ? '' : `: ${waits.join('; ')}`;
  return `wasm trap: deadlock detected: event loop cannot make further progress${unanswered}${who}`;
}

/** `` `run` in component instance `root.0` waits for … `` */
export function inWords(thread: Thread): string {
  const { reason, task } = thread;
  const what = typeof reason === 'string' ? reason : reason.reason;
  return `\`${task.name}\` in component instance \`${task.instance.path}\` waits for ${what}`;
}
