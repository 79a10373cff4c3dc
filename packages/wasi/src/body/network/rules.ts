import type { BlockList } from 'node:net';
import { domainToASCII } from 'node:url';
import { builtins } from '../builtins.ts';
import { familyOf, unmapped } from './address.ts';
import { isLoopback, isShielded } from './shield.ts';

interface Rule {
  /** Lower-case name, `*.` and a domain, or `*`; `undefined` where the rule is about addresses. */
  readonly name: string | undefined;
  readonly addresses: BlockList | undefined;
  readonly ports: readonly [number, number];
}

const ALL_PORTS = [0, 65_535] as const;

function parsePorts(text: string | undefined, rule: string): readonly [number, number] {
  if (text === undefined || text === '*') return ALL_PORTS;
  const [, from, to = from] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  const ports = [Number(from), Number(to)] as const;
  if (!(ports[0] <= ports[1] && ports[1] <= 65_535)) throw new RangeError(`"${rule}" has no port or range of ports behind the colon`);
  return ports;
}

function parse(text: string): Rule {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::([^:]+))?$/.exec(text) ?? (text.includes('::') ? [text, text] : null);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) throw new RangeError(`"${text}" is no host, address or range, with or without a port`);
  const ports = parsePorts(match?.[3], text);
  const [, address = '', prefix] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(host) ?? [];
  if (builtins.net.isIP(address) === 0) {
    const [wildcard = '', name = ''] = host.startsWith('*.') ? ['*.', host.slice(2)] : host === '*' ? ['*'] : ['', host];
    const ascii = /^[\x21-\x7e]*$/.test(name) ? name : domainToASCII(name);
    if (host !== '*' && !/^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$/i.test(ascii)) throw new RangeError(`"${text}" is no host, address or range`);
    return { name: wildcard + plainName(ascii), addresses: undefined, ports };
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
  readonly #here: boolean;

  /**
   * @param here whether they are about addresses of this machine to be reached at
   * @throws RangeError for a rule that cannot be read.
   */
  constructor(rules: readonly string[], { here = false }: { readonly here?: boolean } = {}) {
    this.#rules = rules.map(parse);
    this.#here = here;
  }

  /** Whether the host, a name or an address, may be asked for. */
  allowsHost(host: string, port: number): boolean {
    if (builtins.net.isIP(host) !== 0) return this.allowsAddress(host, port);
    const name = plainName(host);
    return this.#rules.some((rule) => rule.name !== undefined && within(port, rule) && matches(rule.name, name));
  }

  /** Whether some rule speaks of the name, with whatever port. */
  names(host: string): boolean {
    const name = plainName(host);
    return this.#rules.some((rule) => rule.name !== undefined && matches(rule.name, name));
  }

  /** Whether a connection may go to the address. @param host the name that led there. */
  allowsAddress(address: string, port: number, host?: string): boolean {
    const plain = unmapped(address);
    const family = familyOf(plain);
    if (this.#rules.some((rule) => rule.addresses?.check(plain, family) && within(port, rule))) return true;
    if (isShielded(plain, this.#here)) {
      if (host === undefined || plainName(host) !== 'localhost' || !isLoopback(plain)) return false;
      return this.#rules.some((rule) => rule.name === 'localhost' && within(port, rule));
    }
    return host === undefined ? this.#rules.some((rule) => rule.name === '*' && within(port, rule)) : this.allowsHost(host, port);
  }
}

/** Names are the same in any case, and with the dot of the root at their end. */
function plainName(host: string): string {
  return host.toLowerCase().replace(/\.$/, '');
}

function within(port: number, rule: Rule): boolean {
  return port >= rule.ports[0] && port <= rule.ports[1];
}

function matches(pattern: string, name: string): boolean {
  return pattern === '*' || pattern === name || (pattern.startsWith('*.') && name.endsWith(pattern.slice(1)));
}
