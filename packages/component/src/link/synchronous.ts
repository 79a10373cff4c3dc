/** Exports that are called as plain functions although what the component imports may wait: whoever asks for it knows that nothing will. */
import type { HostFunction } from '../abi/contract.ts';
import { inPlace, takesInPlace } from '../abi/in-place.ts';
import { isThenable } from '../abi/scalars.ts';
import { ComponentError, WouldWait } from '../errors.ts';
import { nearest } from '../near.ts';
import type { HostBinding } from './definitions.ts';
import type { NamedExport } from './export-names.ts';
import type { Linked } from './linked.ts';

/**
 * @param sync all, or the names of interfaces and functions, full or short
 * @throws ComponentError `TENON_EXPORT_MISSING`
 */
export function exportsThat(linked: Linked, sync: true | readonly string[]): (named: NamedExport) => boolean {
  if (sync === true) return () => true;
  const names = new Set<string>();
  for (const name of sync) {
    const found = linked.exports.filter((each) => namesOf(each).includes(name));
    if (found.length === 0) throw noSuchExport(linked, name);
    for (const each of found) names.add(each.name);
  }
  return (named) => names.has(named.kind === 'function' && named.place !== 'plain' ? named.resource : named.name);
}

const namesOf = (each: NamedExport): readonly string[] =>
  each.kind === 'instance' && each.short !== undefined ? [each.name, each.short] : [each.name];

function noSuchExport(linked: Linked, name: string): ComponentError {
  const names = linked.exports.flatMap(namesOf);
  const near = nearest(name, names);
  return new ComponentError(
    'TENON_EXPORT_MISSING',
    `\`sync\` names \`${name}\`, which is no export${near === undefined ? '' : `: is \`${near}\` meant?`}`,
  );
}

/** The same definitions, of which none may wait. */
export function neverWaiting({ host, plan }: Linked): HostBinding {
  const functions = host.functions.map((func, i) =>
    host.blocking[i] === true ? withoutWaiting(func, plan.hostFunctions[i]?.path.join('#') ?? '') : func,
  );
  return { ...host, functions, blocking: functions.map(() => false) };
}

/** The same function, which fails where it would return a Promise. */
export function withoutWaiting(func: HostFunction, name: string): HostFunction {
  const plain: HostFunction = (...args) => {
    const value = func(...args);
    if (!isThenable(value)) return value;
    value.then(undefined, () => {});
    throw new WouldWait(`\`${name}\` would wait, but the call is of an export that was asked to be synchronous`);
  };
  return takesInPlace(func) ? inPlace(plain) : plain;
}
