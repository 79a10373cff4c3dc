/** Binds the host items of a plan to the embedder's definitions, and reports all that is missing at once. */
import type { HostFunction } from '../abi/contract.ts';
import { inPlace, lentCall, takesInPlace } from '../abi/in-place.ts';
import { ComponentError } from '../errors.ts';
import type { ResourceClass } from '../instance/state.ts';
import { brief } from '../validate/names.ts';
import type { Definitions } from './definition-set.ts';
import { HostItems, INSTANCE, isNothing, kindOf, NotFound } from './host-items.ts';
import type { HostPath, Plan } from './plan.ts';

/** The embedder's side of a plan, in the order of the plan's lists. */
export interface HostBinding {
  readonly functions: readonly HostFunction[];
  /** Whether each function may suspend the guest. */
  readonly blocking: readonly boolean[];
  /** Classes of host resources; undefined at the indices of guest resources. */
  readonly classes: readonly (ResourceClass | undefined)[];
  /** Core modules of module imports; undefined at the indices of embedded modules. */
  readonly modules: readonly (WebAssembly.Module | undefined)[];
}

/** An import, or an item of an imported instance, that nothing provides. */
export interface MissingImport {
  /** The name of the import. */
  readonly import: string;
  /** The function or type inside it; undefined when the whole import is missing. */
  readonly item: string | undefined;
  /** What is defined under a name that differs little: another version, or a letter; undefined when there is nothing like it. */
  readonly near?: string | undefined;
}

/** Thrown when imports have no definition; `missing` lists every one. */
export class MissingImportsError extends ComponentError {
  readonly missing: readonly MissingImport[];

  constructor(missing: readonly MissingImport[]) {
    super('TENON_IMPORT_MISSING', missingInWords(missing));
    this.missing = missing;
  }
}

/** All that does not fit. */
class Problems {
  private readonly missing = new Map<string, MissingImport>();
  private readonly definitions: Definitions;

  constructor(definitions: Definitions) {
    this.definitions = definitions;
  }

  private readonly wrong = new Map<string, NotFound>();

  note(problem: NotFound): void {
    const { expected, found, place } = problem;
    if (!isNothing(found)) {
      this.wrong.set(JSON.stringify(place), problem);
      return;
    }
    const item = expected === INSTANCE || place.length === 1 ? undefined : place.slice(1).join('.');
    const near = item === undefined ? this.definitions.near(place[0]) : undefined;
    this.missing.set(JSON.stringify([place[0], item]), near === undefined ? { import: place[0], item } : { import: place[0], item, near });
  }

  /** @throws MissingImportsError, or ComponentError `TENON_IMPORT_TYPE` which then names what is missing too */
  check(): void {
    const missing = this.missing.size === 0 ? [] : [...this.missing.values()];
    if (this.wrong.size === 0) {
      if (missing.length > 0) throw new MissingImportsError(missing);
      return;
    }
    const one = this.wrong.size === 1;
    const lines = [...this.wrong.values()].map(
      ({ place, expected, found }) => `  ${inWords(place)}: expected ${expected}, found ${kindOf(found)}`,
    );
    throw new ComponentError('TENON_IMPORT_TYPE', [
      `${one ? 'this definition does' : 'these definitions do'} not fit what the component imports:`,
      ...lines,
      ...(missing.length > 0 ? missingInWords(missing) : []),
    ]);
  }
}

function missingInWords(missing: readonly MissingImport[]): string[] {
  const lines = missing.map(({ import: name, item, near }) => {
    if (item !== undefined) return `  ${brief(name)}: ${brief(item)}`;
    return near === undefined ? `  ${brief(name)}` : `  ${brief(name)} (what is defined is ${brief(near)})`;
  });
  return [`nothing provides ${missing.length === 1 ? 'this import' : 'these imports'}:`, ...lines];
}

const inWords = (path: HostPath): string => path.map((name) => `"${brief(name)}"`).join(' > ');

/**
 * @param isMadeLater whether what stands behind an import is made for each instance, so that it can be checked only then; the binding is then
 *   no more than a check
 * @throws MissingImportsError naming everything that the plan needs and `definitions` lack
 * @throws ComponentError `TENON_IMPORT_TYPE` naming everything that is of another kind
 */
export function bindHost(plan: Plan, definitions: Definitions, isMadeLater: (name: string) => boolean = () => false): HostBinding {
  const items = new HostItems(definitions);
  const problems = new Problems(definitions);
  const checked = <T extends object>(found: T | NotFound): T | undefined => {
    if (!(found instanceof NotFound)) return found;
    problems.note(found);
    return undefined;
  };
  for (const { path, empty } of plan.hostInstances) {
    if (isMadeLater(path[0])) continue;
    const found = items.instance(path);
    // An interface of types only may be left out.
    if (found instanceof NotFound ? !isNothing(found.found) : empty && typeof found === 'function') {
      problems.note(found instanceof NotFound ? found : new NotFound(found, path, INSTANCE));
    }
  }
  const functions: HostFunction[] = [];
  const blocks: boolean[] = [];
  for (const { path, type } of plan.hostFunctions) {
    if (isMadeLater(path[0])) continue;
    const found = checked(items.func(path, type.params.length));
    if (found === undefined) continue;
    const call = lentCall(found.declared) ?? found.call;
    functions.push(takesInPlace(found.declared) ? inPlace(call) : call);
    blocks.push(found.blocks);
  }
  const classes = plan.resources.map((resource) =>
    resource.kind === 'guest' || isMadeLater(resource.path[0]) ? undefined : checked(items.resource(resource.path)),
  );
  const modules = plan.modules.map((module) =>
    module.kind === 'embedded' || isMadeLater(module.path[0]) ? undefined : checked(items.module(module.path)),
  );
  problems.check();
  for (const { path, resource } of plan.sameTypes) {
    if (isMadeLater(path[0])) continue;
    const found = items.resource(path);
    if (found === classes[resource] || (found instanceof NotFound && isNothing(found.found))) continue;
    const same = plan.resources[resource];
    const other = inWords(same?.kind === 'host' ? same.path : path);
    throw new ComponentError('TENON_IMPORT_TYPE', `mismatched resource types: ${inWords(path)} must be the same class as ${other}`);
  }
  return { functions, blocking: blocks, classes, modules };
}
