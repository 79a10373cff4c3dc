/** Instantiates a component that a program imports as a module. The modules that `tenon/register` generates call this. */
import { blocking, camelCase, type ExternDescription, Linker, provider } from '@tenon/component';
import { compileFile, wasi } from '@tenon/wasi';

type Namespace = Readonly<Record<string, unknown>>;
type Import = (specifier: string) => Promise<Namespace>;

/** Exports of component modules whose functions return Promises. */
const suspending = new WeakSet<object>();

/**
 * WASI is there, with nothing granted but standard output and error. Any other import `ns:pkg/iface` is the module that the package.json
 * of the component's package names for it: `"imports": { "#ns:pkg/iface": "./iface.js" }`; it may be a component too.
 * @throws ComponentError, MissingImportsError
 */
export async function instantiateModule(url: string, load: Import): Promise<Namespace> {
  const component = await compileFile(new URL(url));
  const linker = new Linker();
  const system = wasi({ stdout: 'inherit', stderr: 'inherit' });
  system.defineIn(linker);
  for (const item of component.imports) {
    if (item.type.kind === 'type' || provider(system.imports.keys(), item.name) !== undefined) continue;
    const namespace = await loadImport(item.name, load);
    if (namespace !== undefined) linker.define(item.name, definition(item, namespace));
  }
  const prepared = await linker.prepare(component);
  const { exports } = await prepared.instantiate();
  if (prepared.suspends) for (const value of Object.values(exports)) if (isObject(value)) suspending.add(value);
  return exports;
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
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
  if (item.type.kind === 'func') return waiting(namespace[key ?? camelCase(item.name)] ?? namespace.default);
  const value = key === undefined ? namespace : namespace[key];
  if (!isObject(value) || !suspending.has(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, isClass(member) ? member : blocking(member as () => unknown)]),
  );
}

function waiting(value: unknown): unknown {
  return isObject(value) && suspending.has(value) ? blocking(value as () => unknown) : value;
}

function isClass(value: unknown): boolean {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}
