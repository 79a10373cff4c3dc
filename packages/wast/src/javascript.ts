/**
 * Between a script's values and JavaScript's, by type. The way back checks the shape strictly: a lift that returns something else than
 * the documented mapping is an error even where JavaScript would not tell the difference.
 */
import { camelCase, maybeUndefined, type ValType } from '@tenon/component';
import { INTEGERS, type IntegerKind, show, type Value } from './values.ts';

/** @throws Error that names the place when the value is not of the type. */
export function toJavaScript(value: Value, type: ValType, path = 'the argument'): unknown {
  const wrong = (): Error => new Error(`${path} is ${show(value)}, not a ${type.kind}`);
  switch (type.kind) {
    case 'list':
      if (value.kind !== 'list') throw wrong();
      return value.items.map((item, index) => toJavaScript(item, type.element, `${path}[${index}]`));
    case 'map': {
      if (value.kind !== 'list') throw wrong();
      const entry: ValType = { kind: 'tuple', types: [type.key, type.value] };
      // Entries, not a Map: a script may repeat a key, which the encoding allows.
      return value.items.map((item, index) => toJavaScript(item, entry, `${path}[${index}]`));
    }
    case 'tuple':
      if (value.kind !== 'tuple' || value.items.length !== type.types.length) throw wrong();
      return type.types.map((element, index) => {
        const item = value.items[index];
        if (item === undefined) throw wrong();
        return toJavaScript(item, element, `${path}[${index}]`);
      });
    case 'record': {
      if (value.kind !== 'record') throw wrong();
      const given = new Map(value.fields);
      if (given.size !== type.fields.length) throw wrong();
      return Object.fromEntries(
        type.fields.map((field) => {
          const item = given.get(field.name);
          if (item === undefined) throw wrong();
          return [camelCase(field.name), toJavaScript(item, field.type, `${path}.${field.name}`)];
        }),
      );
    }
    case 'variant': {
      if (value.kind !== 'variant') throw wrong();
      const found = type.cases.find((candidate) => candidate.name === value.name);
      if (found === undefined || (found.type === undefined) !== (value.payload === undefined)) throw wrong();
      if (found.type === undefined || value.payload === undefined) return { tag: value.name };
      return { tag: value.name, val: toJavaScript(value.payload, found.type, `${path}.${value.name}`) };
    }
    case 'enum':
      if (value.kind !== 'enum' || !type.names.includes(value.name)) throw wrong();
      return value.name;
    case 'flags':
      if (value.kind !== 'flags' || value.names.some((name) => !type.names.includes(name))) throw wrong();
      return Object.fromEntries(type.names.map((name) => [camelCase(name), value.names.includes(name)]));
    case 'option': {
      if (value.kind !== 'option') throw wrong();
      const payload = value.payload && toJavaScript(value.payload, type.type, `${path}.some`);
      if (!maybeUndefined(type.type)) return payload;
      return value.payload ? { tag: 'some', val: payload } : { tag: 'none' };
    }
    case 'result': {
      if (value.kind !== 'result') throw wrong();
      const payloadType = value.ok ? type.ok : type.err;
      if ((payloadType === undefined) !== (value.payload === undefined)) throw wrong();
      const tag = value.ok ? 'ok' : 'err';
      if (payloadType === undefined || value.payload === undefined) return { tag };
      return { tag, val: toJavaScript(value.payload, payloadType, `${path}.${tag}`) };
    }
    case 'bool':
    case 'char':
    case 'string':
    case 'f32':
    case 'f64':
      if (value.kind !== type.kind || !('value' in value)) throw wrong();
      return value.value;
    default:
      if (value.kind !== type.kind || !('value' in value)) throw wrong();
      return type.kind === 'u64' || type.kind === 's64' ? value.value : Number(value.value);
  }
}

const TYPED_ARRAYS: Readonly<Partial<Record<ValType['kind'], string>>> = {
  u8: 'Uint8Array',
  s8: 'Int8Array',
  u16: 'Uint16Array',
  s16: 'Int16Array',
  u32: 'Uint32Array',
  s32: 'Int32Array',
  u64: 'BigUint64Array',
  s64: 'BigInt64Array',
  f32: 'Float32Array',
  f64: 'Float64Array',
};

/** @throws Error that names the place when the JavaScript value is not what the mapping makes of the type. */
export function fromJavaScript(js: unknown, type: ValType, path = 'the result'): Value {
  const wrong = (wanted: string): Error => new Error(`${path}: the engine returned ${describe(js)} where ${wanted} belongs`);
  switch (type.kind) {
    case 'list': {
      const array = TYPED_ARRAYS[type.element.kind] ?? 'Array';
      if (typeof js !== 'object' || js === null || js.constructor.name !== array) throw wrong(`a ${array}`);
      const items = Array.from(js as ArrayLike<unknown>, (item, index) => fromJavaScript(item, type.element, `${path}[${index}]`));
      if (type.length !== undefined && items.length !== type.length) throw wrong(`a list of ${type.length}`);
      return { kind: 'list', items };
    }
    case 'map': {
      if (!(js instanceof Map)) throw wrong('a Map');
      const entry: ValType = { kind: 'tuple', types: [type.key, type.value] };
      return { kind: 'list', items: Array.from(js, (item, index) => fromJavaScript(item, entry, `${path}[${index}]`)) };
    }
    case 'tuple': {
      if (!Array.isArray(js) || js.length !== type.types.length) throw wrong(`an Array of ${type.types.length}`);
      return { kind: 'tuple', items: type.types.map((element, index) => fromJavaScript(js[index], element, `${path}[${index}]`)) };
    }
    case 'record': {
      const object = objectOf(js);
      if (object === undefined || Object.keys(object).length !== type.fields.length) throw wrong('a record');
      return {
        kind: 'record',
        fields: type.fields.map((field) => {
          const key = camelCase(field.name);
          if (!Object.hasOwn(object, key)) throw wrong(`a record with ${key}`);
          return [field.name, fromJavaScript(object[key], field.type, `${path}.${field.name}`)];
        }),
      };
    }
    case 'variant': {
      const object = objectOf(js);
      const found = type.cases.find((candidate) => candidate.name === object?.tag);
      if (object === undefined || found === undefined) throw wrong('a variant');
      return { kind: 'variant', name: found.name, payload: found.type && fromJavaScript(object.val, found.type, `${path}.${found.name}`) };
    }
    case 'enum':
      if (typeof js !== 'string' || !type.names.includes(js)) throw wrong('an enum');
      return { kind: 'enum', name: js };
    case 'flags': {
      const object = objectOf(js);
      const keys = new Set(type.names.map(camelCase));
      if (object === undefined) throw wrong('flags');
      for (const [key, set] of Object.entries(object)) if (!keys.has(key) || typeof set !== 'boolean') throw wrong('flags');
      return { kind: 'flags', names: type.names.filter((name) => object[camelCase(name)] === true) };
    }
    case 'option': {
      if (!maybeUndefined(type.type))
        return { kind: 'option', payload: js === undefined ? undefined : fromJavaScript(js, type.type, `${path}.some`) };
      const object = objectOf(js);
      if (object?.tag === 'none') return { kind: 'option', payload: undefined };
      if (object?.tag !== 'some') throw wrong('an option with a tag');
      return { kind: 'option', payload: fromJavaScript(object.val, type.type, `${path}.some`) };
    }
    case 'result': {
      const object = objectOf(js);
      if (object?.tag !== 'ok' && object?.tag !== 'err') throw wrong('a result');
      const payloadType = object.tag === 'ok' ? type.ok : type.err;
      return {
        kind: 'result',
        ok: object.tag === 'ok',
        payload: payloadType && fromJavaScript(object.val, payloadType, `${path}.${object.tag}`),
      };
    }
    case 'bool':
      if (typeof js !== 'boolean') throw wrong('a boolean');
      return { kind: 'bool', value: js };
    case 'char':
      if (typeof js !== 'string' || [...js].length !== 1) throw wrong('a character');
      return { kind: 'char', value: js };
    case 'string':
      if (typeof js !== 'string') throw wrong('a string');
      return { kind: 'string', value: js };
    case 'f32':
    case 'f64':
      if (typeof js !== 'number') throw wrong('a number');
      return { kind: type.kind, value: js };
    case 'u64':
    case 's64':
      if (typeof js !== 'bigint') throw wrong('a bigint');
      return integer(type.kind, js, wrong);
    case 'own':
    case 'borrow':
    case 'stream':
    case 'future':
    case 'error-context':
      throw wrong(`a value that scripts can write (not ${type.kind})`);
    default:
      if (typeof js !== 'number' || !Number.isInteger(js) || Object.is(js, -0)) throw wrong('an integer');
      return integer(type.kind, BigInt(js), wrong);
  }
}

function integer(kind: IntegerKind, value: bigint, wrong: (wanted: string) => Error): Value {
  const [least, most] = INTEGERS[kind] ?? [0n, 0n];
  if (value < least || value > most) throw wrong(`a ${kind}`);
  return { kind, value };
}

function objectOf(js: unknown): Record<string, unknown> | undefined {
  return typeof js === 'object' && js !== null ? (js as Record<string, unknown>) : undefined;
}

function describe(js: unknown): string {
  if (typeof js === 'object' && js !== null)
    return `an object (${js.constructor?.name ?? 'no class'}: ${Object.keys(js).slice(0, 5).join(', ')})`;
  return `${typeof js} ${String(js)}`;
}
