/** Which component instances can reach something that waits: their exports are promises, all others stay plain. */
import type { Plan } from './plan.ts';

/**
 * @param blocking for each host function of the plan, whether it may suspend
 * @returns for each component instance, whether a call into it may suspend
 */
export function suspendingInstances(plan: Plan, blocking: readonly boolean[]): boolean[] {
  const suspends = plan.instances.map((instance) => instance.waits || instance.callsHost.some((func) => blocking[func] === true));
  const callers: number[][] = plan.instances.map(() => []);
  for (const [caller, instance] of plan.instances.entries()) {
    for (const callee of instance.callsInstances) callers[callee]?.push(caller);
  }
  const reached = [...suspends.keys()].filter((i) => suspends[i] === true);
  for (let callee = reached.pop(); callee !== undefined; callee = reached.pop()) {
    for (const caller of callers[callee] ?? []) {
      if (suspends[caller] === true) continue;
      suspends[caller] = true;
      reached.push(caller);
    }
  }
  return suspends;
}
