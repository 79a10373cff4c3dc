/** Which components can have to do with more than one task at a time: for all others calls need no tasks, and no books are kept. */
import type { ComponentDefinition, Declaration, Definition, TypeExpr } from '../binary/definitions.ts';

/** What a component says about concurrency, itself and in the components nested in it. */
interface Found {
  readonly own: boolean;
  readonly nested: boolean;
  /** Whether it takes types from around it, which may be any. */
  readonly outerTypes: boolean;
}

const known = new WeakMap<ComponentDefinition, Found>();

const SYNCHRONOUS: ReadonlySet<string> = new Set([
  'lift',
  'lower',
  'resource.new',
  'resource.rep',
  'resource.drop',
  'context.get',
  'context.set',
]);

function find(component: ComponentDefinition): Found {
  let found = known.get(component);
  if (found === undefined) {
    const { definitions } = component;
    const own = definitions.some(isConcurrent);
    const inner = definitions.flatMap((each) => (each.kind === 'component' ? [find(each.component)] : []));
    const outerTypes = definitions.some((each) => each.kind === 'alias' && each.alias.kind === 'outer' && each.alias.sort === 'type');
    found = { own, nested: own || inner.some((each) => each.nested), outerTypes };
    known.set(component, found);
  }
  return found;
}

/** Whether anything in a component, nested ones included, is about concurrency. */
export const hasConcurrency = (component: ComponentDefinition): boolean => find(component).nested;

/**
 * Whether functions of a component may be asynchronous, or it may use built-ins of concurrency.
 * @param around whether that holds for a component around it, whose types it may use
 */
export function mayBeConcurrent(component: ComponentDefinition, around: boolean): boolean {
  const { own, outerTypes } = find(component);
  return own || (outerTypes && around);
}

function isConcurrent(definition: Definition): boolean {
  switch (definition.kind) {
    case 'canon': {
      const { canon } = definition;
      return !SYNCHRONOUS.has(canon.kind) || ('options' in canon && canon.options.some(({ kind }) => kind === 'async'));
    }
    case 'type':
      return inType(definition.type);
    default:
      return false;
  }
}

function inType(type: TypeExpr): boolean {
  switch (type.kind) {
    case 'stream':
    case 'future':
      return true;
    case 'primitive':
      return type.type === 'error-context';
    case 'func':
      return type.async || type.result === 'error-context' || type.params.some((param) => param.type === 'error-context');
    case 'component':
    case 'instance':
      return type.declarations.some(inDeclaration);
    default:
      return false;
  }
}

const inDeclaration = (declaration: Declaration): boolean => declaration.kind === 'type' && inType(declaration.type);
