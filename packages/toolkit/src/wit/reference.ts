/** References to types and signatures in WIT, with the names that types have in a scope. */
import { type FuncType, type ValType, visible } from '@tenon/component';
import type { TypeNames } from './model.ts';
import { resultText, typeText } from './type-text.ts';

const KEYWORDS: ReadonlySet<string> = new Set(
  (
    'as async bool borrow char constructor enum error-context export f32 f64 flags from func future import include interface list map ' +
    'option own package record resource result s16 s32 s64 s8 static stream string tuple type u16 u32 u64 u8 use variant with world'
  ).split(' '),
);

const PLAIN = /^[0-9A-Za-z-]+$/;
const identifiers = new Map<string, string>();
const MAX_IDENTIFIERS = 10_000;

/** An identifier; keywords are marked with `%`. The same names come again and again. */
export function id(name: string): string {
  const known = identifiers.get(name);
  if (known !== undefined) return known;
  if (identifiers.size >= MAX_IDENTIFIERS) identifiers.clear();
  const text = KEYWORDS.has(name) ? `%${name}` : PLAIN.test(name) ? name : visible(name);
  identifiers.set(name, text);
  return text;
}

export function paramsText(type: FuncType, names: TypeNames): string {
  return type.params.map((param) => `${id(param.name)}: ${valueText(param.type, names)}`).join(', ');
}

export function funcText(type: FuncType, names: TypeNames): string {
  const result = type.result === undefined ? '' : ` -> ${valueText(type.result, names)}`;
  return `${type.async ? 'async ' : ''}func(${paramsText(type, names)})${result}`;
}

/** A reference to a type: its name where it has one. */
export function valueText(type: ValType, names: TypeNames): string {
  const name = names.value(type);
  return name === undefined ? structureText(type, names) : id(name);
}

/** A type written out, in terms of the names of what it is made of. */
export function structureText(type: ValType, names: TypeNames): string {
  const text = (inner: ValType): string => valueText(inner, names);
  switch (type.kind) {
    case 'list':
      return type.length === undefined ? `list<${text(type.element)}>` : `list<${text(type.element)}, ${type.length}>`;
    case 'map':
      return `map<${text(type.key)}, ${text(type.value)}>`;
    case 'tuple':
      return `tuple<${type.types.map(text).join(', ')}>`;
    case 'option':
      return `option<${text(type.type)}>`;
    case 'result':
      return resultText(type.ok, type.err, text);
    case 'own':
      return id(names.resource(type));
    case 'borrow':
      return `borrow<${id(names.resource(type))}>`;
    case 'stream':
    case 'future':
      return type.element === undefined ? type.kind : `${type.kind}<${text(type.element)}>`;
    case 'record':
    case 'variant':
    case 'flags':
    case 'enum':
      // A valid component names every such type that its interfaces use.
      return typeText(type);
    default:
      return type.kind;
  }
}
