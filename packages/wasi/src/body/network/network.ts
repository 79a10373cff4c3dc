import { domainToASCII } from 'node:url';
import { DEFAULT_WASI_LIMITS, Quota } from '../../limits.ts';
import { builtins } from '../builtins.ts';
import { Later } from '../readiness.ts';
import { type Endpoint, type Family, familyOf, unmapped, written } from './address.ts';
import { SocketError, socketError } from './error.ts';
import type { Refusals } from './refusals.ts';
import { Rules } from './rules.ts';

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

/** So many addresses are remembered, each with as many of the names that led to it. */
const MOST_ADDRESSES = 4096;
const MOST_NAMES = 16;
/** Lookups under way at a time. */
const MOST_LOOKUPS = 64;

/** What guests may reach. An address that a granted name led to may be reached as that name; nothing is looked up twice. */
export class Network {
  readonly #rules: Readonly<Record<Use, Rules>>;
  readonly #granted: Readonly<Record<Use, boolean>>;
  readonly #names = new Map<string, Set<string>>();
  readonly #sockets: Quota;
  /** Node does them on the four threads that read files too. */
  readonly #lookups = new Quota(MOST_LOOKUPS);
  readonly #refusals: Refusals | undefined;

  /**
   * @param sockets how many may be open at a time
   * @param refusals who is told what was not granted
   * @throws RangeError for a rule that cannot be read.
   */
  constructor(grants: NetworkGrants, sockets: Quota = new Quota(DEFAULT_WASI_LIMITS.sockets), refusals?: Refusals) {
    this.#sockets = sockets;
    this.#refusals = refusals;
    const rules = (use: Use): Rules => new Rules(grants[use] ?? [], { here: use === 'listen' || use === 'receive' });
    const granted = (use: Use): boolean => (grants[use]?.length ?? 0) > 0;
    this.#rules = { connect: rules('connect'), listen: rules('listen'), send: rules('send'), receive: rules('receive') };
    this.#granted = { connect: granted('connect'), listen: granted('listen'), send: granted('send'), receive: granted('receive') };
  }

  /** @throws SocketError `access-denied` */
  demand(use: Use, endpoint: Endpoint): void {
    if (this.allows(use, endpoint)) return;
    this.#refusals?.report({ use, target: written(endpoint) });
    throw new SocketError('access-denied', `${written(endpoint)} is not granted to ${use}`);
  }

  allows(use: Use, { address, port }: Endpoint): boolean {
    const rules = this.#rules[use];
    if (rules.allowsAddress(address, port)) return true;
    for (const name of this.#names.get(unmapped(address)) ?? []) if (rules.allowsAddress(address, port, name)) return true;
    return false;
  }

  /**
   * Lets a socket be bound. One that only goes out may have any free port; what it is used for is demanded when it is.
   * @throws SocketError `access-denied`
   */
  demandBind(use: 'listen' | 'receive', local: Endpoint): void {
    if (local.port !== 0 || !this.#granted[use === 'listen' ? 'connect' : 'send']) this.demand(use, local);
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
      this.#refusals?.report({ use: 'lookup', target: host });
      throw new SocketError('access-denied', `looking up ${host} is not granted`);
    }
    if (!this.#lookups.take()) {
      later.settle(new SocketError('temporary-resolver-failure', 'as many lookups are under way as may be'));
      return later;
    }
    builtins.dns.lookup(host, { all: true }, (error, found) => {
      this.#lookups.give();
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
    if (names.size < MOST_NAMES) names.add(name);
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
