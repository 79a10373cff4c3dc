/** The root's imports: items that the embedder provides, known here by the path of names that leads to them. */
import type { Declaration, ExternTypeExpr } from '../binary/definitions.ts';
import { ComponentError } from '../errors.ts';
import { at, Environment, type InstanceValue, type Item, type TypeValue } from './environment.ts';
import type { GivenDefinitions } from './flatten.ts';
import type { HostPath } from './plan.ts';
import type { PlanBuilder } from './plan-builder.ts';
import { typeEffort, typeValue } from './types.ts';

/** @param env the environment in which `type` is written */
export function hostItem(builder: PlanBuilder, given: GivenDefinitions, env: Environment, type: ExternTypeExpr, path: HostPath): Item {
  switch (type.kind) {
    case 'func': {
      const func = at(env.types, type.type, 'type');
      if (func.kind !== 'func') throw new Error('internal error: no function type after validation');
      return { sort: 'func', value: { kind: 'host', type: func.type, func: builder.hostFunction(path, func.type) } };
    }
    case 'type eq': {
      const value = at(env.types, type.type, 'type');
      if (value.kind === 'resource') builder.sameType(path, value.resource);
      return { sort: 'type', value };
    }
    case 'resource':
      return { sort: 'type', value: { kind: 'resource', resource: builder.hostResource(path) } };
    case 'instance': {
      const instance = at(env.types, type.type, 'type');
      if (instance.kind !== 'instance') throw new Error('internal error: no instance type after validation');
      return { sort: 'instance', value: hostInstance(builder, given, instance, path) };
    }
    case 'module':
      return { sort: 'module', value: { module: builder.module({ kind: 'host', path }), hasTags: true } };
    case 'component': {
      const component = path.length === 1 ? given.component(path[0]) : undefined;
      if (component === undefined) {
        throw new ComponentError(
          'TENON_IMPORT_MISSING',
          `nothing provides the component import "${path.join('" > "')}": define a Component in the Linker`,
        );
      }
      return { sort: 'component', value: component };
    }
    case 'value':
    case 'value eq':
      throw new ComponentError('TENON_UNSUPPORTED', 'the component needs value imports, which are not part of WASI 0.3');
  }
}

function hostInstance(
  builder: PlanBuilder,
  given: GivenDefinitions,
  type: Extract<TypeValue, { kind: 'instance' | 'component' }>,
  path: HostPath,
): InstanceValue {
  const env = new Environment(type.scope, type.scope.instance, type.scope.source);
  const exports = new Map<string, Item>();
  for (const declaration of type.declarations) {
    builder.effort.spend(declaration.kind === 'type' ? typeEffort(declaration.type) : 4 + path.length);
    declare(builder, given, env, declaration, path, exports);
  }
  builder.hostInstance(path, ![...exports.values()].some((item) => item.sort !== 'type' || item.value.kind === 'resource'));
  return { exports };
}

function declare(
  builder: PlanBuilder,
  given: GivenDefinitions,
  env: Environment,
  declaration: Declaration,
  path: HostPath,
  exports: Map<string, Item>,
): void {
  switch (declaration.kind) {
    case 'core type':
      break;
    case 'type':
      if (declaration.type.kind === 'resource') throw new Error('internal error: a resource defined in a type after validation');
      env.types.push(typeValue(env, declaration.type));
      break;
    case 'alias': {
      const alias = declaration.alias;
      if (alias.kind === 'outer') {
        if (alias.sort === 'type') env.types.push(at(env.outer(alias.count).types, alias.index, 'type'));
      } else if (alias.kind === 'export') {
        const item = at(env.instances, alias.instance, 'instance').exports.get(alias.name);
        if (item === undefined) throw new Error(`internal error: no export "${alias.name}" after validation`);
        env.push(item);
      }
      break;
    }
    case 'export': {
      const item = hostItem(builder, given, env, declaration.type, [...path, declaration.name.name]);
      exports.set(declaration.name.name, item);
      env.push(item);
      break;
    }
    case 'import':
      throw new Error('internal error: an import in an instance type after validation');
  }
}
