import type { BlockList } from 'node:net';
import { builtins } from '../builtins.ts';

/** Families of addresses by the names that Node has for them. */
export type Family = 'ipv4' | 'ipv6';

/**
 * Addresses that only this machine or its neighbours have, and the metadata services of clouds among them. They are reached only when
 * a rule names them: a public name may lead to one of them.
 */
const SHIELDED: readonly (readonly [address: string, prefix: number, family: Family])[] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['100.100.100.200', 32, 'ipv4'],
  ['::', 127, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['fd00:ec2::254', 128, 'ipv6'],
];

let shielded: BlockList | undefined;

export function familyOf(address: string): Family {
  return builtins.net.isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

/** An IPv4 address in IPv6's clothes is the IPv4 address. */
export function unmapped(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}

/** Whether an address is reached only when it is named. */
export function isShielded(address: string): boolean {
  if (shielded === undefined) {
    shielded = new builtins.net.BlockList();
    for (const [from, prefix, family] of SHIELDED) shielded.addSubnet(from, prefix, family);
  }
  const plain = unmapped(address);
  return shielded.check(plain, familyOf(plain));
}

interface Rule {
  /** Lower-case name, `*.` and a domain, or `*`; `undefined` where the rule is about addresses. */
  readonly name: string | undefined;
  readonly addresses: BlockList | undefined;
  readonly ports: readonly [number, number];
}

const ALL_PORTS = [0, 65_535] as const;

function parsePorts(text: string | undefined, rule: string): readonly [number, number] {
  if (text === undefined || text === '*') return ALL_PORTS;
  const [from = '', to = from] = text.split('-');
  const ports = [Number(from), Number(to)] as const;
  const good = /^\d+$/.test(from) && /^\d+$/.test(to) && ports[0] <= ports[1] && ports[1] <= 65_535;
  if (!good) throw new RangeError(`"${rule}" has no port or range of ports behind the colon`);
  return ports;
}

function parse(text: string): Rule {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::([^:]+))?$/.exec(text) ?? (text.includes('::') ? [text, text] : null);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) throw new RangeError(`"${text}" is no host, address or range, with or without a port`);
  const ports = parsePorts(match?.[3], text);
  const [, address = '', prefix] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(host) ?? [];
  if (builtins.net.isIP(address) === 0) {
    if (!/^(\*|(\*\.)?[a-z0-9_.-]+)$/i.test(host)) throw new RangeError(`"${text}" is no host, address or range`);
    return { name: host.toLowerCase(), addresses: undefined, ports };
  }
  const family = familyOf(address);
  if (Number(prefix) > (family === 'ipv4' ? 32 : 128)) throw new RangeError(`"${text}" has a prefix longer than the address`);
  const addresses = new builtins.net.BlockList();
  if (prefix === undefined) addresses.addAddress(address, family);
  else addresses.addSubnet(address, Number(prefix), family);
  return { name: undefined, addresses, ports };
}

/**
 * What may be reached: `example.com`, `*.example.com`, `10.0.0.0/8:5432`, `[2001:db8::1]:443`, `127.0.0.1:8000-8010`, `*`.
 * A host that has not been named is out of reach, and a name must also lead to addresses that may be reached.
 */
export class Rules {
  readonly #rules: readonly Rule[];

  /** @throws RangeError for a rule that cannot be read. */
  constructor(rules: readonly string[]) {
    this.#rules = rules.map(parse);
  }

  /** Whether the host, a name or an address, may be asked for. */
  allowsHost(host: string, port: number): boolean {
    if (builtins.net.isIP(host) !== 0) return this.allowsAddress(host, port);
    const name = host.toLowerCase().replace(/\.$/, '');
    return this.#rules.some((rule) => rule.name !== undefined && within(port, rule) && matches(rule.name, name));
  }

  /** Whether some rule speaks of the name, with whatever port. */
  names(host: string): boolean {
    const name = host.toLowerCase().replace(/\.$/, '');
    return this.#rules.some((rule) => rule.name !== undefined && matches(rule.name, name));
  }

  /** Whether a connection may go to the address. @param host the name that led there. */
  allowsAddress(address: string, port: number, host?: string): boolean {
    const plain = unmapped(address);
    const family = familyOf(plain);
    if (this.#rules.some((rule) => rule.addresses?.check(plain, family) && within(port, rule))) return true;
    if (isShielded(plain)) return host === 'localhost' && this.#rules.some((rule) => rule.name === 'localhost' && within(port, rule));
    return host === undefined ? this.#rules.some((rule) => rule.name === '*' && within(port, rule)) : this.allowsHost(host, port);
  }
}

function within(port: number, rule: Rule): boolean {
  return port >= rule.ports[0] && port <= rule.ports[1];
}

function matches(pattern: string, name: string): boolean {
  return pattern === '*' || pattern === name || (pattern.startsWith('*.') && name.endsWith(pattern.slice(1)));
}
