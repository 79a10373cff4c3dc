/** What the embedder defined, and which definition stands behind which import. */
import { ComponentError } from '../errors.ts';
import { distance } from '../near.ts';
import { brief } from '../validate/names.ts';
import { isMember, kindOf } from './host-items.ts';
import { baseName, provider, versionTrack } from './semver.ts';

/** Which functions of a definition may return a Promise: all, or those named: `read`, `Connection.query`. */
export type Waits = true | readonly string[];

export interface Definition {
  readonly name: string;
  /** What stands behind the import; undefined where `make` makes it. */
  readonly value: unknown;
  /** Makes what stands behind the import for one instance, from the context of that instance. */
  readonly make: ((context: unknown) => unknown) | undefined;
  readonly waits: Waits | undefined;
  /** Whether it stands before other definitions of the same import. */
  readonly override: boolean;
  /** Whether it came with others, of which a component need not use all. */
  readonly provided: boolean;
}

/** Definitions by the names of imports. */
export interface Definitions {
  /** What stands behind an import. */
  find(name: string): Definition | undefined;
  /** A definition that was perhaps meant for an import that has none. */
  near(name: string): string | undefined;
}

export class DefinitionSet implements Definitions {
  /** By the name without its version. */
  private readonly definitions = new Map<string, readonly Definition[]>();
  /** Definitions that stand before others, and found some to stand before. */
  private readonly effective = new Set<string>();

  /** A set with the same definitions. */
  copy(): DefinitionSet {
    const copy = new DefinitionSet();
    for (const [base, list] of this.definitions) copy.definitions.set(base, list);
    for (const name of this.effective) copy.effective.add(name);
    return copy;
  }

  /** @throws ComponentError `TENON_DEFINITION` for a second definition of one import, or of what defines nothing */
  add(definition: Definition): void {
    checkKind(definition);
    const base = baseName(definition.name);
    const list = this.definitions.get(base) ?? [];
    const rivals = list.filter((other) => canServeOne(definition.name, other.name));
    const winner = rivals.find((other) => other.override);
    if (rivals.length > 0 && !definition.override) {
      if (winner === undefined) throw definedTwice(definition.name, rivals[0]?.name ?? '');
      this.effective.add(winner.name);
      return;
    }
    if (rivals.length > 0) this.effective.add(definition.name);
    this.definitions.set(base, [...list.filter((other) => !rivals.includes(other)), definition]);
  }

  find(name: string): Definition | undefined {
    const list = this.definitions.get(baseName(name));
    if (list === undefined) return undefined;
    const found = provider(
      list.map((each) => each.name),
      name,
    );
    return list.find((each) => each.name === found) ?? list.find((each) => each.name === baseName(name));
  }

  near(name: string): string | undefined {
    for (const list of this.definitions.values()) for (const each of list) if (resembles(each.name, name)) return each.name;
    return undefined;
  }

  /**
   * The embedder's own definitions that no import of a component is served by.
   * @throws ComponentError `TENON_DEFINITION` for one that was probably meant for an import which something else serves now: whoever narrows
   *   an interface must not believe that it holds
   */
  unused(imports: readonly string[]): readonly string[] {
    const serving = new Map(imports.map((name) => [name, this.find(name)]));
    const used = new Set(serving.values());
    const unused = [...this.definitions.values()].flat().filter((each) => !each.provided && !used.has(each));
    for (const { name, override } of unused) {
      const meant = imports.find((each) => serving.get(each)?.provided === true && resembles(name, each));
      if (meant === undefined && (!override || this.effective.has(name))) continue;
      const served = serving.get(meant ?? '')?.name;
      throw new ComponentError(
        'TENON_DEFINITION',
        meant === undefined
          ? `the definition of "${brief(name)}" is to override another, but there is none and the component does not import it`
          : `nothing uses the definition of "${brief(name)}": the component imports "${brief(meant)}", which "${brief(served ?? '')}" serves; define that name with { override: true }`,
      );
    }
    return unused.map(({ name }) => name);
  }
}

function definedTwice(name: string, other: string): ComponentError {
  const both = other === name ? '' : ` with "${brief(other)}", and one import could be served by either`;
  const advice = 'define it once, or pass { override: true } for the one that counts';
  return new ComponentError('TENON_DEFINITION', `"${brief(name)}" is defined already${both}: ${advice}`);
}

function checkKind({ make, name, value, waits }: Definition): void {
  if (typeof name !== 'string' || name === '') throw new ComponentError('TENON_DEFINITION', 'a definition needs the name of an import');
  if (make !== undefined) return;
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) {
    throw new ComponentError(
      'TENON_DEFINITION',
      `"${brief(name)}" is defined as ${value === null || value === undefined ? String(value) : kindOf(value)}, which defines nothing: pass a function, a class, an object of them, a WebAssembly.Module or a Component`,
    );
  }
  checkWaits(name, value, waits);
}

/** @throws ComponentError `TENON_DEFINITION` for a name of a function that a definition does not have */
export function checkWaits(name: string, value: unknown, waits: Waits | undefined): void {
  if (waits === undefined || waits === true) return;
  for (const each of waits) {
    if (isMember(value, each)) continue;
    throw new ComponentError('TENON_DEFINITION', `the definition of "${brief(name)}" has no function \`${each}\` that could wait`);
  }
}

/** Whether an import can be served by definitions of both names. */
function canServeOne(a: string, b: string): boolean {
  if (versionTrack(a) === versionTrack(b)) return true;
  // A name without a version serves all versions.
  return baseName(a) === baseName(b) && (a === baseName(a) || b === baseName(b));
}

/** Whether one name was perhaps meant as the other: another version, or a letter or two that differ. */
function resembles(a: string, b: string): boolean {
  const x = baseName(a);
  const y = baseName(b);
  return x === y || (Math.min(x.length, y.length) > 6 && distance(x, y) <= 2);
}
