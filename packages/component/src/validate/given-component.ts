/** Whether a component that the embedder gives fits the component type that another one imports. */
import { ComponentError } from '../errors.ts';
import { CoreTypes } from '../types/core-types.ts';
import type { ComponentType, ResourceId } from '../types/types.ts';
import { Effort } from './effort.ts';
import { Substitution } from './substitute.ts';
import { type Mismatch, Subtyping } from './subtype.ts';

/** Both components number their resources from 0. */
const APART = 2 ** 40;

/** @returns why it does not fit, if it does not */
export function componentMismatch(given: ComponentType, expected: ComponentType): Mismatch {
  const effort = new Effort(0, () => new ComponentError('TENON_UNSUPPORTED', 'the types of a given component are too complex to compare'));
  const apart = new Substitution(effort);
  const renumbered = (resources: readonly ResourceId[]): ResourceId[] =>
    resources.map((resource) => {
      apart.resources.set(resource, resource + APART);
      return resource + APART;
    });
  const type: ComponentType = {
    importedResources: renumbered(given.importedResources),
    definedResources: renumbered(given.definedResources),
    imports: apart.externs(given.imports),
    exports: apart.externs(given.exports),
  };
  return new Subtyping(new CoreTypes(), effort).extern({ kind: 'component', type }, { kind: 'component', type: expected });
}
