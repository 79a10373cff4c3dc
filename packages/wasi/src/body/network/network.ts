import { domainToASCII } from 'node:url';
import { DEFAULT_WASI_LIMITS, Quota } from '../../limits.ts';
import { builtins } from '../builtins.ts';
import { Later } from '../readiness.ts';
import { SocketError, socketError } from './error.ts';
import { type Family, familyOf, Rules, unmapped } from './rules.ts';

/** An address and a port. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** What of the network is granted, each as rules like those of `wasi({ http })`. Nothing is where a list is missing. */
export interface NetworkGrants {
  /** Where TCP connections may go. */
  readonly connect?: readonly string[] | undefined;
  /** Addresses at which TCP connections may be accepted. */
  readonly listen?: readonly string[] | undefined;
  /** Where datagrams may go. */
  readonly send?: readonly string[] | undefined;
  /** Addresses at which datagrams may be received. */
  readonly receive?: readonly string[] | undefined;
}

export type Use = keyof NetworkGrants;

/** So many addresses are remembered with the names that led to them. */
const MOST_ADDRESSES = 4096;

/** What guests may reach. An address that a granted name led to may be reached as that name; nothing is looked up twice. */
export class Network {
  readonly #rules: Readonly<Record<Use, Rules>>;
  readonly #granted: Readonly<Record<Use, boolean>>;
  readonly #names = new Map<string, Set<string>>();
  readonly #sockets: Quota;

  /**
   * @param sockets how many may be open at a time
   * @throws RangeError for a rule that cannot be read.
   */
  constructor(grants: NetworkGrants, sockets: Quota = new Quota(DEFAULT_WASI_LIMITS.sockets)) {
    this.#sockets = sockets;
    const rules = (use: Use): Rules => new Rules(grants[use] ?? []);
    const granted = (use: Use): boolean => (grants[use]?.length ?? 0) > 0;
    this.#rules = { connect: rules('connect'), listen: rules('listen'), send: rules('send'), receive: rules('receive') };
    this.#granted = { connect: granted('connect'), listen: granted('listen'), send: granted('send'), receive: granted('receive') };
  }

  /** @throws SocketError `access-denied` */
  demand(use: Use, { address, port }: Endpoint): void {
    const rules = this.#rules[use];
    if (rules.allowsAddress(address, port)) return;
    for (const name of this.#names.get(unmapped(address)) ?? []) if (rules.allowsAddress(address, port, name)) return;
    // A socket that only goes out is bound to any free port.
    const outgoing = use === 'listen' ? 'connect' : 'send';
    if ((use === 'listen' || use === 'receive') && port === 0 && this.#granted[outgoing]) return;
    throw new SocketError('access-denied', `${address} port ${port} is not granted to ${use}`);
  }

  /** Counts a socket. @throws SocketError `new-socket-limit` */
  open(): void {
    if (!this.#sockets.take()) throw new SocketError('new-socket-limit', 'the guest has as many sockets open as it may');
  }

  closed(): void {
    this.#sockets.give();
  }

  /**
   * Looks a name up that some rule names. Resolves to its addresses; an address is its own.
   * @throws SocketError `invalid-argument`, `access-denied`
   */
  lookup(name: string): Later<string[] | SocketError> {
    const later = new Later<string[] | SocketError>();
    const host = parseHost(name);
    if (builtins.net.isIP(host) !== 0) {
      later.settle([host]);
      return later;
    }
    if (!this.#rules.connect.names(host) && !this.#rules.send.names(host)) {
      throw new SocketError('access-denied', `looking up ${host} is not granted`);
    }
    builtins.dns.lookup(host, { all: true }, (error, found) => {
      if (error) {
        later.settle(socketError(error));
        return;
      }
      const addresses = found.map(({ address }) => unmapped(address));
      for (const address of addresses) this.#remember(address, host);
      later.settle(addresses);
    });
    return later;
  }

  #remember(address: string, name: string): void {
    const names = this.#names.get(address) ?? new Set();
    names.add(name);
    this.#names.delete(address);
    this.#names.set(address, names);
    if (this.#names.size <= MOST_ADDRESSES) return;
    for (const oldest of this.#names.keys()) {
      this.#names.delete(oldest);
      break;
    }
  }
}

/** Longer than any name, however it is written. */
const LONGEST_NAME = 4096;

/**
 * The ASCII form of a name, or an address, as URLs have it: names in Unicode are converted (IDNA), and `[::1]` and `127.1` are addresses.
 * An address of IPv6 may also stand without brackets.
 * @throws SocketError `invalid-argument`
 */
function parseHost(name: string): string {
  // A zone is the business of one machine.
  if (builtins.net.isIP(name) === 6 && !name.includes('%')) return name;
  const host = name.length > LONGEST_NAME ? '' : domainToASCII(name);
  if (host === '') throw new SocketError('invalid-argument', `"${name}" is no host name`);
  return host.startsWith('[') ? host.slice(1, -1) : host;
}

/** Rejects addresses that a socket of this family cannot have. @throws SocketError `invalid-argument` */
export function checkFamily({ address }: Endpoint, family: Family): void {
  if (familyOf(address) !== family || unmapped(address) !== address)
    throw new SocketError('invalid-argument', `${address} is not of the socket's family`);
}

export function isUnspecified(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

/** Whether an address stands for many: multicast, and IPv4's broadcast. */
export function isMany(address: string): boolean {
  const first = Number(address.split('.', 1)[0]);
  return familyOf(address) === 'ipv6' ? /^ff/i.test(address) : (first >= 224 && first <= 239) || address === '255.255.255.255';
}
