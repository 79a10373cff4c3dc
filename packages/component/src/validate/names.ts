/**
 * The grammar of import and export names, and what makes them strongly unique.
 * https://github.com/WebAssembly/component-model/blob/main/design/mvp/Explainer.md#import-and-export-definitions
 */

import { keepOneOf } from '../keep.ts';
import { shortened } from '../visible.ts';

/** Why a name is not one. */
export class NameProblem extends Error {}

export type ExternNameKind = 'label' | 'constructor' | 'method' | 'static' | 'interface' | 'dependency' | 'url' | 'hash';

export interface ParsedName {
  readonly kind: ExternNameKind;
  /** Of `[constructor]r`, `[method]r.f` and `[static]r.f`: `r`. */
  readonly resource?: string;
  /** Of an interface name: what follows `@`. */
  readonly version?: string;
}

// No text matches two alternatives, so that a long name which fails at its end costs no more than its length.
const LABEL = /^(?:[a-z][0-9a-z]*|[A-Z][0-9A-Z]*)(?:-(?:[0-9]*[a-z][0-9a-z]*|[0-9]*[A-Z][0-9A-Z]*|[0-9]+))*$/;
const MAX_U64 = 0xffff_ffff_ffff_ffffn;
const MAX_U64_DIGITS = 20;
const BASE64 = /^[0-9A-Za-z+/]+={0,2}$/;

const MAX_QUOTED = 100;
const MAX_MESSAGE = 2_000;

/** A name as messages quote it: one of 100,000 characters helps nobody. */
export function brief(name: string): string {
  return shortened(name, MAX_QUOTED);
}

/** A message with its quotations cut to what can be read. */
export function withBriefNames(message: string): string {
  return shortened(
    message.replace(/`([^`]*)`/g, (_, quoted: string) => `\`${brief(quoted)}\``),
    MAX_MESSAGE,
  );
}

/** Whether a string is a `label`: kebab case, each fragment of one case. */
export function isLabel(text: string): boolean {
  return LABEL.test(text);
}

/** Two labels or extern names are strongly unique when these differ: case and hyphens make no difference. */
export function uniquenessKey(name: string): string {
  // URLs and hashes, whose case matters.
  if (name.includes('=')) return name;
  const lower = name.toLowerCase();
  const plain = lower.includes('-') ? lower.replaceAll('-', '') : lower;
  if (!plain.startsWith('[')) return plain;
  const annotated = /^\[(?:method|static)\](([^.]*)\.(.*))$/s.exec(plain);
  if (annotated === null) return plain;
  const [, rest, resource, member] = annotated;
  return resource === member ? String(resource) : String(rest);
}

/**
 * Parses an `externname`. Besides the names of the current specification it takes the `unlocked-dep`, `locked-dep`, `url`
 * and `integrity` forms of earlier ones, which are valid for imports only.
 * @throws NameProblem
 */
export function parseExternName(name: string): ParsedName {
  const parser = new NameParser(name);
  const parsed = parser.parse();
  if (parser.rest !== '') throw new NameProblem(`trailing characters found: \`${parser.rest}\``);
  return parsed;
}

class NameParser {
  rest: string;

  constructor(name: string) {
    this.rest = name;
  }

  parse(): ParsedName {
    if (this.eat('[constructor]')) return { kind: 'constructor', resource: this.label() };
    if (this.eat('[method]')) return { kind: 'method', resource: this.member() };
    if (this.eat('[static]')) return { kind: 'static', resource: this.member() };
    if (this.eat('unlocked-dep=')) return this.unlockedDependency();
    if (this.eat('locked-dep=')) {
      this.expect('<');
      this.packagePath();
      if (this.eat('@')) parseSemver(this.upTo('>'));
      this.expect('>');
      this.optionalIntegrity();
      return { kind: 'dependency' };
    }
    if (this.eat('url=')) {
      this.expect('<');
      if (this.upTo('>').includes('<')) throw new NameProblem('url cannot contain `<`');
      this.expect('>');
      this.optionalIntegrity();
      return { kind: 'url' };
    }
    if (this.eat('integrity=')) {
      this.integrity();
      return { kind: 'hash' };
    }
    if (!this.rest.includes(':')) {
      this.label();
      return { kind: 'label' };
    }
    if (!this.packagePath()) throw new NameProblem('expected `/` after package name');
    if (!this.eat('@')) return { kind: 'interface' };
    const version = this.rest;
    this.rest = '';
    return { kind: 'interface', version };
  }

  private member(): string {
    const resource = this.upTo('.');
    requireLabel(resource);
    this.expect('.');
    this.label();
    return resource;
  }

  /** The rest, as a label. */
  private label(): string {
    const label = this.rest;
    this.rest = '';
    return requireLabel(label);
  }

  /** `ns:pkg` and `/interface`, if there is one; returns whether there was. */
  private packagePath(): boolean {
    this.words();
    this.expect(':');
    this.words();
    if (!this.eat('/')) return false;
    this.fragment();
    return true;
  }

  private words(): void {
    const words = this.fragment();
    const upper = /[A-Z]/.exec(words);
    if (upper !== null) throw new NameProblem(`character \`${upper[0]}\` is not lowercase in package name/namespace`);
  }

  private fragment(): string {
    const length = this.rest.search(/[^0-9A-Za-z-]/);
    if (length < 0) return this.label();
    const label = this.rest.slice(0, length);
    this.rest = this.rest.slice(length);
    return requireLabel(label);
  }

  private unlockedDependency(): ParsedName {
    this.expect('<');
    this.packagePath();
    if (this.eat('@') && !this.eat('*')) {
      this.expect('{');
      checkRange(this.upTo('}'));
      this.expect('}');
    }
    this.expect('>');
    return { kind: 'dependency' };
  }

  private optionalIntegrity(): void {
    if (!this.eat(',')) return;
    this.expect('integrity=');
    this.integrity();
  }

  private integrity(): void {
    this.expect('<');
    const hashes = this.upTo('>').split(/\s+/).filter(Boolean);
    this.expect('>');
    if (hashes.length === 0) throw new NameProblem('integrity hash cannot be empty');
    for (const hash of hashes) {
      const match = /^sha(?:256|384|512)(-?)([^?]*)/.exec(hash);
      if (match === null) throw new NameProblem(`unrecognized hash algorithm: \`${hash}\``);
      if (match[1] === '') throw new NameProblem(`expected \`-\` after hash algorithm: ${hash}`);
      if (!BASE64.test(match[2] ?? '')) throw new NameProblem(`not valid base64: \`${match[2]}\``);
    }
  }

  private eat(prefix: string): boolean {
    if (!this.rest.startsWith(prefix)) return false;
    this.rest = this.rest.slice(prefix.length);
    return true;
  }

  private expect(prefix: string): void {
    if (!this.eat(prefix)) throw new NameProblem(`expected \`${prefix}\` at \`${this.rest}\``);
  }

  private upTo(end: string): string {
    const length = this.rest.indexOf(end);
    if (length < 0) throw new NameProblem(`failed to find \`${end}\` character`);
    const text = this.rest.slice(0, length);
    this.rest = this.rest.slice(length);
    return text;
  }
}

function requireLabel(text: string): string {
  if (!isLabel(text)) throw new NameProblem(`\`${text}\` is not in kebab case`);
  return text;
}

function checkRange(range: string): void {
  if (range === '*') return;
  if (range.startsWith('>=')) {
    const space = range.indexOf(' ');
    parseSemver(range.slice(2, space < 0 ? undefined : space));
    if (space < 0) return;
    if (range[space + 1] !== '<') throw new NameProblem('expected `<` at start of version range upper bounds');
    parseSemver(range.slice(space + 2));
  } else if (range.startsWith('<')) {
    parseSemver(range.slice(1));
  } else {
    throw new NameProblem('expected `>=` or `<` at start of version range');
  }
}

/** Nearly all versions; the rest is for those that are longer or wrong. */
const PLAIN_VERSION = /^(?:0|[1-9][0-9]{0,14})\.(?:0|[1-9][0-9]{0,14})\.(?:0|[1-9][0-9]{0,14})$/;

/**
 * Checks a semantic version.
 * @throws NameProblem
 * @see https://semver.org
 */
export function parseSemver(version: string): void {
  if (PLAIN_VERSION.test(version)) return;
  if (version === '') throw new NameProblem('empty string, expected a semver version');
  let at = 0;
  for (const part of ['major', 'minor', 'patch'] as const) {
    const start = at;
    while (/^[0-9]$/.test(version[at] ?? '')) at++;
    const digits = version.slice(start, at);
    if (digits === '') throw unexpected(version[at], `while parsing ${part} version number`);
    if (digits.length > 1 && digits.startsWith('0')) throw new NameProblem(`invalid leading zero in ${part} version number`);
    if (digits.length > MAX_U64_DIGITS || BigInt(digits) > MAX_U64)
      throw new NameProblem(`value of ${part} version number exceeds u64::MAX`);
    if (part === 'patch') break;
    if (version[at] === undefined) throw unexpected(undefined, `while parsing ${part === 'major' ? 'minor' : 'patch'} version number`);
    if (version[at] !== '.') throw unexpected(version[at], `after ${part} version number`);
    at++;
  }
  if (version[at] === '-') at = parseIdentifiers(version, at + 1, 'pre-release');
  if (version[at] === '+') at = parseIdentifiers(version, at + 1, 'build metadata');
  if (at < version.length) throw unexpected(version[at], 'after patch version number');
}

function parseIdentifiers(version: string, start: number, what: string): number {
  let end = start;
  while (/^[0-9A-Za-z.-]$/.test(version[end] ?? '')) end++;
  for (const identifier of version.slice(start, end).split('.')) {
    if (identifier === '') throw new NameProblem(`empty identifier segment in ${what} identifier`);
    if (what === 'pre-release' && /^0[0-9]+$/.test(identifier)) throw new NameProblem(`invalid leading zero in ${what} identifier`);
  }
  return end;
}

function unexpected(character: string | undefined, where: string): NameProblem {
  return new NameProblem(character === undefined ? `unexpected end of input ${where}` : `unexpected character '${character}' ${where}`);
}

keepOneOf(new NameParser(''));
