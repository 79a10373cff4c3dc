/** What a component can touch, in plain words, as far as its imports tell: it has no other way out of its sandbox. */
import type { ExternDescription } from '@tenon/component';
import { withoutVersion } from '../names.ts';

export interface Capability {
  /** A stable word for programs. */
  readonly kind: string;
  /** A sentence for people. */
  readonly text: string;
  /** How `tenon run` or `tenon serve` grants it; undefined for what every guest gets. */
  readonly grant: string | undefined;
  /** The imports that tell. */
  readonly imports: readonly string[];
}

const ALWAYS = undefined;

/** The most specific pattern first: an import counts for the first row that it matches. */
const RULES: readonly { readonly pattern: RegExp; readonly kind: string; readonly text: string; readonly grant: string | undefined }[] = [
  {
    pattern: /^wasi:cli\/environment$/,
    kind: 'environment',
    text: 'reads its arguments and the environment variables it is given',
    grant: '--env NAME=VALUE',
  },
  {
    pattern: /^wasi:cli\/std(in|out|err)$|^wasi:cli\/terminal/,
    kind: 'terminal',
    text: 'reads standard input and writes standard output and error',
    grant: ALWAYS,
  },
  { pattern: /^wasi:cli\/exit$/, kind: 'exit', text: 'ends itself with an exit code', grant: ALWAYS },
  {
    pattern: /^wasi:filesystem\//,
    kind: 'files',
    text: 'reads and writes files in the directories it is given',
    grant: '--dir HOST::GUEST',
  },
  {
    pattern: /^wasi:sockets\//,
    kind: 'network',
    text: 'opens the TCP and UDP connections it is given and looks up host names',
    grant: '--connect HOST:PORT, --listen ADDRESS:PORT',
  },
  {
    pattern: /^wasi:http\/(outgoing-handler|client)$/,
    kind: 'http',
    text: 'sends HTTP requests to the hosts it is given',
    grant: '--http HOST',
  },
  { pattern: /^wasi:clocks\//, kind: 'clock', text: 'reads the clock and waits', grant: ALWAYS },
  { pattern: /^wasi:random\//, kind: 'random', text: 'gets random numbers', grant: ALWAYS },
  { pattern: /^wasi:keyvalue\//, kind: 'key-value', text: 'reads and writes a key-value store', grant: 'a definition by the embedder' },
  { pattern: /^wasi:config\//, kind: 'config', text: 'reads configuration values', grant: 'a definition by the embedder' },
  { pattern: /^wasi:logging\//, kind: 'logging', text: 'writes log messages', grant: 'a definition by the embedder' },
  // Streams, polls, HTTP types and clocks' types are means, not ends.
  { pattern: /^wasi:(io|http|clocks|cli)\//, kind: '', text: '', grant: ALWAYS },
];

/** Lists what a component can touch, derived from its imports. Empty when it can only compute. */
export function capabilities(imports: readonly ExternDescription[]): Capability[] {
  const found = new Map<string, { rule: (typeof RULES)[number]; imports: string[] }>();
  for (const { name, type } of imports) {
    if (type.kind === 'type' || (type.kind === 'instance' && !hasFunctions(type.type.exports))) continue;
    const rule = RULES.find((candidate) => candidate.pattern.test(withoutVersion(name))) ?? {
      pattern: /$^/,
      kind: 'other',
      text: `calls \`${name}\``,
      grant: 'a component that exports it (`tenon compose`), or a definition by the embedder',
    };
    if (rule.kind === '') continue;
    const key = rule.kind === 'other' ? name : rule.kind;
    const entry = found.get(key) ?? { rule, imports: [] };
    found.set(key, entry);
    entry.imports.push(name);
  }
  return [...found.values()].map(({ rule, imports: names }) => ({ kind: rule.kind, text: rule.text, grant: rule.grant, imports: names }));
}

function hasFunctions(exports: ReadonlyMap<string, { readonly kind: string }>): boolean {
  return [...exports.values()].some((item) => item.kind === 'func');
}
