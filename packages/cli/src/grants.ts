/** The options by which `run` and `serve` grant a guest what it asks for, and how to grant what is missing. */
import { TenonError } from '@tenon/component/errors';
import type { Arguments, Option } from './command.ts';
import { usage } from './errors.ts';
import { isMissingImports } from './failures.ts';
import { readBytes } from './files.ts';

export const GRANT_OPTIONS: Readonly<Record<'dir' | 'env' | 'http' | 'http-ca' | 'http-keep' | 'connect' | 'listen', Option>> = {
  dir: {
    type: 'string',
    multiple: true,
    value: 'HOST::GUEST',
    description: 'let it use the folder HOST, which it sees as GUEST; with `::ro` at the end only to read',
  },
  env: {
    type: 'string',
    multiple: true,
    value: 'NAME=VALUE',
    description: "set an environment variable; NAME alone passes on this shell's",
  },
  http: {
    type: 'string',
    multiple: true,
    value: 'HOST',
    description: 'let it send HTTP requests to HOST[:PORT]; `*` is everywhere but this machine',
  },
  'http-ca': {
    type: 'string',
    value: 'PEM',
    description: 'trust the authorities in this file too when it sends HTTPS requests',
  },
  'http-keep': {
    type: 'string',
    value: 'MS',
    description: 'keep connections of its HTTP requests for the next one so long (30000); 0 uses each for one request only',
  },
  connect: {
    type: 'string',
    multiple: true,
    value: 'HOST',
    description: 'let its sockets connect and send to HOST[:PORT], also ranges of either: `10.0.0.0/8:80-89`',
  },
  listen: {
    type: 'string',
    multiple: true,
    value: 'ADDRESS',
    description: 'let its sockets listen and receive at ADDRESS[:PORT]',
  },
};

export interface Grants {
  readonly preopens: readonly { readonly host: string; readonly guest: string; readonly readOnly: boolean }[];
  readonly env: Readonly<Record<string, string>>;
  readonly http: readonly string[];
  readonly httpCa: string | undefined;
  /** How connections of HTTP requests are kept. */
  readonly httpPool: { readonly idleTimeoutMs?: number; readonly reuse?: boolean };
  /** What sockets may reach, over TCP and UDP alike. */
  readonly network: { readonly [Use in 'connect' | 'send' | 'listen' | 'receive']: readonly string[] };
}

/** @throws CliError TENON_USAGE, or TENON_FILE for a file that cannot be read */
export function parseGrants(args: Arguments): Grants {
  const ca = args.string('http-ca');
  const keep = args.integer('http-keep', [0, 2 ** 31 - 1]);
  const connect = args.strings('connect');
  const listen = args.strings('listen');
  return {
    preopens: args.strings('dir').map(parseDirectory),
    env: Object.fromEntries(args.strings('env').flatMap(parseVariable)),
    http: args.strings('http'),
    httpCa: ca === undefined ? undefined : Buffer.from(readBytes(ca)).toString(),
    httpPool: keep === undefined ? {} : keep === 0 ? { reuse: false } : { idleTimeoutMs: keep },
    network: { connect, send: connect, listen, receive: listen },
  };
}

function parseDirectory(text: string): Grants['preopens'][number] {
  const readOnly = text.endsWith('::ro');
  const [host = '', guest = host, ...more] = (readOnly ? text.slice(0, -4) : text).split('::');
  if (host === '' || guest === '' || more.length > 0) throw usage(`--dir takes HOST::GUEST, such as \`./data::/data\`, not \`${text}\``);
  return { host, guest, readOnly };
}

function parseVariable(text: string): (readonly [string, string])[] {
  const equals = text.indexOf('=');
  if (equals > 0) return [[text.slice(0, equals), text.slice(equals + 1)]];
  if (equals === 0 || text === '') throw usage(`--env takes NAME=VALUE, not \`${text}\``);
  const value = process.env[text];
  return value === undefined ? [] : [[text, value]];
}

/** The same error, with a line below each missing import that says how to grant it. Other errors stay as they are. */
export function explainMissing(error: unknown, file: string): unknown {
  if (!isMissingImports(error)) return error;
  const interfaces = Map.groupBy(error.missing, (missing) => missing.import);
  const lines = [...interfaces].flatMap(([name, missing]) => {
    const items = missing.flatMap(({ item }) => item ?? []);
    return [`  ${name}${items.length === 0 ? '' : ` (${items.join(', ')})`}`, `    ${howToGrant(name, file)}`];
  });
  const count = interfaces.size === 1 ? 'this import' : `these ${interfaces.size} imports`;
  return new TenonError('TENON_IMPORT_MISSING', [`nothing provides ${count}:`, ...lines], error);
}

function howToGrant(name: string, file: string): string {
  // A middleware is composed in front of what it hands requests on to.
  const nextHandler = /^wasi:http\/handler@0\.3\./.test(name);
  if (!nextHandler && /^wasi:(cli|clocks|filesystem|http|io|random|sockets)\//.test(name))
    return 'this version or function of WASI is not provided: build the component for WASI 0.2.12 or 0.3.2, or one before them';
  return `plug in a component that exports it: tenon compose -o out.wasm ${file} --plug PLUG.wasm`;
}
