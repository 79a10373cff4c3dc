/** A short WIT-like text of a value type, for messages: types that have a name by that name, others written out, long ones cut. */
import { labelOf, resourceLabel, type ValType, visible } from '@tenon/component';

const MAX_PARTS = 6;

export function typeText(type: ValType): string {
  const label = labelOf(type);
  return label === undefined ? structureText(type) : visible(label);
}

/** The name of a type, if it has one, and what it is. */
export function fullText(type: ValType): string {
  const label = labelOf(type);
  return label === undefined ? structureText(type) : `${visible(label)} (${structureText(type)})`;
}

function structureText(type: ValType): string {
  switch (type.kind) {
    case 'record':
      return `record { ${parts(type.fields, (field) => `${field.name}: ${typeText(field.type)}`)} }`;
    case 'variant':
      return `variant { ${parts(type.cases, (c) => (c.type === undefined ? c.name : `${c.name}(${typeText(c.type)})`))} }`;
    case 'flags':
    case 'enum':
      return `${type.kind} { ${parts(type.names, (name) => name)} }`;
    case 'list':
      return type.length === undefined ? `list<${typeText(type.element)}>` : `list<${typeText(type.element)}, ${type.length}>`;
    case 'map':
      return `map<${typeText(type.key)}, ${typeText(type.value)}>`;
    case 'tuple':
      return `tuple<${type.types.map(typeText).join(', ')}>`;
    case 'option':
      return `option<${typeText(type.type)}>`;
    case 'result':
      return resultText(type.ok, type.err, typeText);
    case 'own':
      return visible(resourceLabel(type) ?? 'resource');
    case 'borrow':
      return `borrow<${visible(resourceLabel(type) ?? 'resource')}>`;
    case 'stream':
    case 'future':
      return type.element === undefined ? type.kind : `${type.kind}<${typeText(type.element)}>`;
    default:
      return type.kind;
  }
}

/** WIT writes `result`, `result<T>`, `result<_, E>` or `result<T, E>`. */
export function resultText(ok: ValType | undefined, err: ValType | undefined, text: (type: ValType) => string): string {
  if (ok === undefined) return err === undefined ? 'result' : `result<_, ${text(err)}>`;
  return err === undefined ? `result<${text(ok)}>` : `result<${text(ok)}, ${text(err)}>`;
}

function parts<T>(items: readonly T[], text: (item: T) => string): string {
  const shown = items.slice(0, MAX_PARTS).map(text).join(', ');
  return items.length > MAX_PARTS ? `${shown}, …` : shown;
}
