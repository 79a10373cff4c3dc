/** Instantiates a component that a program imports as a module. The modules that `tenon/register` generates call this. */
import { type ExternDescription, Linker, pascalCase, placeFunction, provider } from '@tenon/component';
import { compileFile, wasi } from '@tenon/wasi';

type Namespace = Readonly<Record<string, unknown>>;
type Import = (specifier: string) => Promise<Namespace>;

/**
 * WASI is there, with nothing granted but standard output and error. Any other import `ns:pkg/iface` is the module that the package.json
 * of the component's package names for it: `"imports": { "#ns:pkg/iface": "./iface.js" }`; it may be a component too.
 * @throws ComponentError, MissingImportsError
 */
export async function instantiateModule(url: string, load: Import): Promise<Namespace> {
  const component = await compileFile(new URL(url));
  const linker = new Linker();
  const system = wasi({ stdout: 'inherit', stderr: 'inherit' });
  linker.use(system);
  for (const item of component.imports) {
    if (!isDefined(item) || provider(system.imports.keys(), item.name) !== undefined) continue;
    const namespace = await loadImport(item.name, load);
    if (namespace !== undefined) linker.define(item.name, definition(item, namespace));
  }
  return (await linker.instantiate(component)).exports;
}

/** Whether a definition stands for it: the functions of a resource are those of its class, and types that are no resource have none. */
function isDefined({ name, type }: ExternDescription): boolean {
  if (type.kind === 'type') return type.type.kind === 'resource';
  return type.kind !== 'func' || placeFunction(name).place === 'plain';
}

async function loadImport(name: string, load: Import): Promise<Namespace | undefined> {
  for (const specifier of new Set([`#${name}`, `#${name.replace(/@.*$/, '')}`])) {
    try {
      return await load(specifier);
    } catch (error) {
      // Not in package.json: the linker lists all that is missing together.
      if ((error as NodeJS.ErrnoException).code !== 'ERR_PACKAGE_IMPORT_NOT_DEFINED') throw error;
    }
  }
  return undefined;
}

/** A module is the interface itself, or has it as an export of that name, as component modules do. */
function definition(item: ExternDescription, namespace: Namespace): unknown {
  const key = provider(Object.keys(namespace), item.name);
  const named = key === undefined ? undefined : namespace[key];
  switch (item.type.kind) {
    case 'func':
      return named ?? namespace[placeFunction(item.name).name] ?? namespace.default;
    case 'type':
      return named ?? namespace[pascalCase(item.name)] ?? namespace.default;
    default:
      return named ?? namespace;
  }
}
