/** What one run of the validator shares: identities, the effort budget, and how errors are made. */
import { ComponentError, type ErrorCode } from '../errors.ts';
import { CoreTypes } from '../types/core-types.ts';
import type { ComponentType, CoreModuleType, InstanceType, PrimitiveKind, PrimitiveType, ResourceId } from '../types/types.ts';
import { BASE_EFFORT, Effort } from './effort.ts';
import { withBriefNames } from './names.ts';
import { describeCurrent, type Scope } from './scope.ts';
import { Subtyping } from './subtype.ts';

export class Validation {
  readonly bytes: Uint8Array;
  readonly coreTypes: CoreTypes = new CoreTypes();
  readonly effort: Effort;
  readonly subtyping: Subtyping;
  /** The type of each core module in the binary, by its byte offset. */
  readonly modules = new Map<number, CoreModuleType>();
  /** Instance types and components that have had an instance. */
  readonly introduced = new Set<InstanceType | ComponentType>();
  /** The innermost scope; errors are about what it is at. */
  scope: Scope | undefined = undefined;
  private resources = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.effort = new Effort(bytes.length, () =>
      this.error(`the types of the component are too complex to validate: more than ${BASE_EFFORT + bytes.length} steps`),
    );
    this.subtyping = new Subtyping(this.coreTypes, this.effort);
  }

  /** A resource type unequal to all others. */
  freshResource(): ResourceId {
    return this.resources++;
  }

  error(message: string, code: ErrorCode = 'TENON_INVALID'): ComponentError {
    const path: string[] = [];
    for (let scope = this.scope; scope !== undefined; scope = scope.parent) {
      const step = describeCurrent(scope);
      if (step !== undefined) path.unshift(step);
    }
    const offset = this.scope?.current?.offset ?? this.scope?.parent?.current?.offset;
    return new ComponentError(code, withBriefNames(message), {
      ...(offset !== undefined && { offset }),
      ...(path.length > 0 && { path: path.join(' > ') }),
    });
  }

  /** For features that other hosts, too, keep behind a switch. */
  unsupported(message: string): ComponentError {
    return this.error(message, 'TENON_UNSUPPORTED');
  }

  valuesUnsupported(): ComponentError {
    return this.unsupported('support for component model `value`s is not enabled');
  }

  /** Adds to an index space, whose size is bounded as in the other tools. */
  push<T>(space: T[], item: T, what: string, limit: number = MAX_ITEMS): void {
    if (space.length >= limit) throw this.error(`${what} count exceeds limit of ${limit}`);
    space.push(item);
  }
}

export const MAX_ITEMS = 1_000_000;
/** Modules, components and instances cost far more than an entry. */
export const MAX_HEAVY_ITEMS = 1_000;

const primitives = new Map<PrimitiveKind, PrimitiveType>();

/** The one object for a primitive type that is written in place. */
export function primitive(kind: PrimitiveKind): PrimitiveType {
  let type = primitives.get(kind);
  if (type === undefined) {
    type = { kind };
    primitives.set(kind, type);
  }
  return type;
}
