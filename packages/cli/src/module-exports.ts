import { type ComponentDefinition, camelCase, interfaceName } from '@tenon/component';

/** The names that an instance of a component exports to JavaScript: interfaces by full and by short name, functions in camel case. */
export function exportNames(definition: ComponentDefinition): string[] {
  const names = new Set<string>();
  for (const item of definition.definitions) {
    if (item.kind !== 'export') continue;
    const { name } = item.name;
    if (item.target.sort === 'func') names.add(camelCase(name));
    if (item.target.sort !== 'instance') continue;
    names.add(name);
    names.add(interfaceName(name));
  }
  return [...names];
}
