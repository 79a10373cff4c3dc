/** A text that is equal for value types that are equal: value types are structural, resources are told apart by their id. */
import type { FuncType, ValType } from '@tenon/component';

const keys = new WeakMap<ValType, string>();

export function typeKey(type: ValType): string {
  let key = keys.get(type);
  if (key === undefined) {
    key = makeKey(type);
    keys.set(type, key);
  }
  return key;
}

function optionalKey(type: ValType | undefined): string {
  return type === undefined ? '_' : typeKey(type);
}

function makeKey(type: ValType): string {
  switch (type.kind) {
    case 'record':
      return `record{${type.fields.map((field) => `${field.name}:${typeKey(field.type)}`).join(',')}}`;
    case 'variant':
      return `variant{${type.cases.map((c) => `${c.name}(${optionalKey(c.type)})`).join(',')}}`;
    case 'flags':
    case 'enum':
      return `${type.kind}{${type.names.join(',')}}`;
    case 'list':
      return `list<${typeKey(type.element)},${type.length ?? '_'}>`;
    case 'map':
      return `map<${typeKey(type.key)},${typeKey(type.value)}>`;
    case 'tuple':
      return `tuple<${type.types.map(typeKey).join(',')}>`;
    case 'option':
      return `option<${typeKey(type.type)}>`;
    case 'result':
      return `result<${optionalKey(type.ok)},${optionalKey(type.err)}>`;
    case 'own':
    case 'borrow':
      return `${type.kind}<${type.resource}>`;
    case 'stream':
    case 'future':
      return `${type.kind}<${optionalKey(type.element)}>`;
    default:
      return type.kind;
  }
}

export function funcKey(type: FuncType): string {
  const params = type.params.map((param) => `${param.name}:${typeKey(param.type)}`).join(',');
  return `${type.async ? 'async ' : ''}(${params})->${optionalKey(type.result)}`;
}
