/** Reads `tenon.yaml`: YAML, variables, schema, and what the schema cannot say. */
import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { type Document, isAlias, LineCounter, parseDocument, visit } from 'yaml';
import { RuntimeError } from '../errors.ts';
import schema from './tenon.schema.json' with { type: 'json' };
import type { Application, Workload } from './types.ts';
import { checker, type Misfit, nearest } from './validate.ts';

/** An application as it is described, with defaults filled in, and where the description lies. */
export interface Manifest {
  readonly application: Application & { readonly name: string };
  /** The folder that relative paths start from. */
  readonly folder: string;
}

const check = checker(schema);
const MAX_BYTES = 1024 * 1024;
/** Alias nodes of YAML can make a small file a huge one. */
const MAX_ALIASES = 100;

/**
 * @param file path of the manifest
 * @param environment what `${NAME}` stands for; `${NAME:-default}` has a default, `$$` is a dollar sign
 * @throws RuntimeError `TENON_MANIFEST` with every fault, each with its line
 */
export function readManifest(file: string, environment: Readonly<Record<string, string | undefined>> = process.env): Manifest {
  return parseManifest(readText(file), file, environment);
}

/**
 * The names in a manifest, whatever else is wrong with it or not set.
 * @throws RuntimeError `TENON_MANIFEST` when it cannot be read at all
 */
export function readNames(file: string): { readonly namespace: string; readonly name: string } {
  const document = parseDocument(readText(file), { prettyErrors: false });
  const text = (key: string): string | undefined => {
    const value: unknown = document.get(key);
    return typeof value === 'string' ? value : undefined;
  };
  return { namespace: text('namespace') ?? 'default', name: text('name') ?? nameOf(dirname(resolve(file))) };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new RuntimeError('TENON_MANIFEST', `${file} cannot be read: ${(error as Error).message}`);
  }
}

/** As {@link readManifest}, of a text that is said to be in `file`. */
export function parseManifest(text: string, file: string, environment: Readonly<Record<string, string | undefined>> = {}): Manifest {
  if (text.length > MAX_BYTES) throw new RuntimeError('TENON_MANIFEST', `${file} is larger than ${MAX_BYTES} bytes`);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, strict: true, uniqueKeys: true });
  const faults: string[] = document.errors.map((error) => {
    const { line, col } = lines.linePos(error.pos[0]);
    return `${file}:${line}:${col}: ${error.message}`;
  });
  // What follows a broken place is broken by it.
  if (faults.length > 0) throw failure(faults.slice(0, 3));
  const say = ({ path, message }: Misfit): string => {
    const where = position(document, path, lines);
    return `${file}${where}: ${path.length === 0 ? '' : `${path.join('.')}: `}${message}`;
  };
  const misfits: Misfit[] = [...expand(document, environment)];
  const value: unknown = misfits.length > 0 ? undefined : document.toJS({ maxAliasCount: MAX_ALIASES });
  if (misfits.length === 0) misfits.push(...check(value));
  if (misfits.length === 0) misfits.push(...contradictions(value as Application));
  if (misfits.length > 0) throw failure(misfits.map(say).sort(new Intl.Collator('en', { numeric: true }).compare));
  const folder = dirname(resolve(file));
  const application = value as Application;
  return { application: { ...application, name: application.name ?? nameOf(folder) }, folder };
}

const MAX_FAULTS = 20;

/**
 * Checks an application that came as data, and fills in defaults.
 * @throws RuntimeError `TENON_MANIFEST`
 */
export function checkApplication(application: unknown): void {
  const misfits = [...check(application)];
  if (misfits.length === 0) misfits.push(...contradictions(application as Application));
  if (misfits.length > 0) throw failure(misfits.map(({ path, message }) => `${path.join('.')}: ${message}`));
}

function failure(faults: readonly string[]): RuntimeError {
  const more = faults.length > MAX_FAULTS ? [`… and ${faults.length - MAX_FAULTS} more`] : [];
  return new RuntimeError('TENON_MANIFEST', [...faults.slice(0, MAX_FAULTS), ...more]);
}

const nameOf = (folder: string): string =>
  basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63) || 'app';

/** `:line:column` of what a path leads to, or of the nearest thing around it that is there. */
function position(document: Document, path: readonly string[], lines: LineCounter): string {
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(
      path.slice(0, length).map((key) => (/^\d+$/.test(key) ? Number(key) : key)),
      true,
    ) as { range?: readonly [number, number, number] } | undefined;
    if (node?.range === undefined) continue;
    const { line, col } = lines.linePos(node.range[0]);
    return `:${line}:${col}`;
  }
  return '';
}

const VARIABLE = /\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\{[^}]*\}?)/g;

/** Puts variables in, in every text but keys. Numbers and booleans that come from variables are what they look like. */
function expand(document: Document, environment: Readonly<Record<string, string | undefined>>): readonly Misfit[] {
  const misfits: Misfit[] = [];
  visit(document, {
    Scalar(key, node, ancestors) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('$')) return;
      const path = pathOf(ancestors);
      const bare = node.type === 'PLAIN';
      const text = node.value.replace(VARIABLE, (whole, name: string | undefined, fallback: string | undefined) => {
        if (whole === '$$') return '$';
        if (name === undefined) {
          misfits.push({ path, message: `"${whole}" is not a variable: write \${NAME}, \${NAME:-default}, or $$ for a dollar sign` });
          return '';
        }
        const value = environment[name] ?? fallback;
        if (value === undefined)
          misfits.push({ path, message: `the environment variable ${name} is not set; \${${name}:-default} would give it a default` });
        return value ?? '';
      });
      node.value = bare && /^\$\{[^}]*\}$/.test(node.value) ? plain(text) : text;
    },
  });
  return misfits;
}

function plain(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : text;
}

function pathOf(ancestors: readonly unknown[]): string[] {
  const path: string[] = [];
  for (const [index, node] of ancestors.entries()) {
    const child = ancestors[index + 1];
    const { key, items } = node as { key?: { value?: unknown }; items?: readonly unknown[] };
    if (key !== undefined) path.push(String(key.value));
    else if (items !== undefined && child !== undefined && !isAlias(child) && (child as { key?: unknown }).key === undefined) {
      path.push(String(items.indexOf(child)));
    }
  }
  return path;
}

/** What no schema says: names that must exist, and what excludes each other. */
function contradictions(application: Application): readonly Misfit[] {
  const misfits: Misfit[] = [];
  const names = Object.keys(application.workloads);
  const routes = new Map<string, string>();
  for (const [name, workload] of Object.entries(application.workloads)) {
    const at = ['workloads', name];
    for (const [index, { listener = 'default', host = '', path = '/*', methods }] of (workload.triggers?.http ?? []).entries()) {
      const where = [...at, 'triggers', 'http', String(index)];
      const listeners = Object.keys(application.listeners ?? {});
      if (listener !== 'default' && !listeners.includes(listener))
        misfits.push({ path: [...where, 'listener'], message: unknown('listener', listener, listeners) });
      for (const method of methods ?? ['']) {
        const route = `${listener} ${host.toLowerCase()} ${path.replaceAll(/:[^/]+/g, ':')} ${method}`;
        const other = routes.get(route);
        if (other !== undefined) misfits.push({ path: where, message: `the route is the same as one of ${other}` });
        routes.set(route, `workload "${name}"`);
      }
    }
    for (const [imported, { workload: provider }] of Object.entries(workload.links ?? {})) {
      if (provider === name) misfits.push({ path: [...at, 'links', imported], message: 'a workload cannot be linked to itself' });
      else if (!provider.includes('/') && !names.includes(provider) && nearest(provider, names) !== undefined) {
        // What another application runs may be linked to as well, so only a likely slip is a fault here.
        misfits.push({ path: [...at, 'links', imported, 'workload'], message: unknown('workload', provider, names) });
      }
    }
  }
  const cycle = cycleOf(application.workloads);
  if (cycle !== undefined) misfits.push({ path: ['workloads', cycle[0] ?? '', 'links'], message: `links go round: ${cycle.join(' → ')}` });
  return misfits;
}

function unknown(what: string, name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  const rest = near !== undefined ? `did you mean "${near}"?` : known.length === 0 ? 'there is none' : `there are ${known.join(', ')}`;
  return `there is no ${what} "${name}"; ${rest}`;
}

/** Names of workloads that are linked in a circle, the first again at the end. */
function cycleOf(workloads: Readonly<Record<string, Workload>>): readonly string[] | undefined {
  const done = new Set<string>();
  const walk = (name: string, trail: readonly string[]): readonly string[] | undefined => {
    if (trail.includes(name)) return [...trail.slice(trail.indexOf(name)), name];
    if (done.has(name)) return undefined;
    for (const { workload } of Object.values(workloads[name]?.links ?? {})) {
      const found = workload === name ? undefined : walk(workload, [...trail, name]);
      if (found !== undefined) return found;
    }
    done.add(name);
    return undefined;
  };
  for (const name of Object.keys(workloads)) {
    const found = walk(name, []);
    if (found !== undefined) return found;
  }
  return undefined;
}
