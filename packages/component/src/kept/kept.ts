/** What is worked out about a component, kept from one process to the next: a later start then neither validates nor plans. */
import type { ComponentDefinition } from '../binary/definitions.ts';
import type { Plan, PlanExports } from '../link/plan.ts';
import type { CodeCache } from '../rewrite/compile.ts';
import type { ExternType } from '../types/types.ts';
import { decodeGraph, encodeGraph } from './graph.ts';

/** Set when the package is built, to a digest of its sources: what another version kept is not understood. Digits are hexadecimal. */
declare const TENON_BUILD: string | undefined;
const BUILD = typeof TENON_BUILD === 'string' ? TENON_BUILD : '50ca1e';

interface Described {
  readonly name: string;
  readonly type: ExternType;
}

/** All that a component needs beside its bytes and its compiled core modules. */
export interface Kept {
  readonly modules: readonly ByteRange[];
  readonly plan: Plan;
  readonly imports: readonly Described[];
  readonly exports: readonly Described[];
}

export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export async function keptKey(bytes: Uint8Array<ArrayBuffer>, cache: CodeCache): Promise<string> {
  return `${BUILD}${await (cache.digest?.(bytes) ?? sha256(bytes))}`;
}

/** SHA-256 in hexadecimal digits. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @returns undefined where there is nothing, or nothing sound */
export async function readKept(cache: CodeCache, key: string, bytes: Uint8Array): Promise<Kept | undefined> {
  try {
    const found = await cache.get(key);
    if (found === undefined) return undefined;
    const kept = decodeGraph(found) as Kept;
    return kept.modules.every(({ start, end }) => start >= 0 && start <= end && end <= bytes.length) ? kept : undefined;
  } catch {
    return undefined;
  }
}

/** Types of core modules that are exported are not kept, so a component that has such is left out. */
export function canBeKept(plan: Plan): boolean {
  const exportsModule = (exports: PlanExports): boolean =>
    exports.some(([, item]) => item.kind === 'module' || (item.kind === 'instance' && exportsModule(item.exports)));
  return !exportsModule(plan.exports);
}

/** A cache that cannot be written is no error. */
export async function writeKept(cache: CodeCache, key: string, kept: Kept): Promise<void> {
  try {
    const bytes = encodeGraph(kept);
    // What cannot be read again must not be kept, and the next start finds the code of this one in V8's cache.
    decodeGraph(bytes);
    await cache.put(key, bytes);
  } catch {}
}

/** The byte ranges of all core modules, those of nested components too. */
export function coreModules(definition: ComponentDefinition, into: ByteRange[] = []): readonly ByteRange[] {
  for (const item of definition.definitions) {
    if (item.kind === 'core module') into.push({ start: item.start, end: item.end });
    else if (item.kind === 'component') coreModules(item.component, into);
  }
  return into;
}
