/**
 * Addresses that are reached only when a rule names them: a public name may lead to one of them, and `*` means none of them. They are those of
 * this machine, of its neighbours on the link, of the metadata services of clouds, and those that stand for many.
 */
import type { BlockList } from 'node:net';
import { networkInterfaces } from 'node:os';
import { builtins } from '../builtins.ts';
import { type Family, familyOf, groups, unmapped } from './address.ts';

type Subnet = readonly [address: string, prefix: number, family: Family];

const LOOPBACK: readonly Subnet[] = [
  ['127.0.0.0', 8, 'ipv4'],
  ['::1', 128, 'ipv6'],
];

const SHIELDED: readonly Subnet[] = [
  ...LOOPBACK,
  ['0.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['100.100.100.200', 32, 'ipv4'],
  // Multicast, what is reserved, and broadcast.
  ['224.0.0.0', 3, 'ipv4'],
  ['::', 128, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['fd00:ec2::254', 128, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
];

/**
 * Where IPv6 carries an address of IPv4, from that bit on: IPv4-compatible and IPv4-translated addresses, NAT64 with the prefix that all know
 * and those of one's own (RFC 6052, RFC 8215), 6to4 (RFC 3056). A gateway sends what goes there to the address of IPv4.
 */
const CARRIERS: readonly (readonly [...Subnet, bit: number])[] = [
  ['::', 96, 'ipv6', 96],
  ['::ffff:0:0:0', 96, 'ipv6', 96],
  ['64:ff9b::', 96, 'ipv6', 96],
  ['64:ff9b:1::', 48, 'ipv6', 96],
  ['2002::', 16, 'ipv6', 16],
];

function listOf(subnets: readonly Subnet[]): BlockList {
  const list = new builtins.net.BlockList();
  for (const [from, prefix, family] of subnets) list.addSubnet(from, prefix, family);
  return list;
}

interface Lists {
  readonly shielded: BlockList;
  readonly loopback: BlockList;
  readonly carriers: readonly (readonly [BlockList, bit: number])[];
}

let lists: Lists | undefined;

function known(): Lists {
  lists ??= {
    shielded: listOf(SHIELDED),
    loopback: listOf(LOOPBACK),
    carriers: CARRIERS.map(([address, prefix, family, bit]) => [listOf([[address, prefix, family]]), bit]),
  };
  return lists;
}

/**
 * Whether an address is reached only when it is named.
 * @param here whether it is an address to be reached at, not to reach: then the machine's own are as good as any
 */
export function isShielded(address: string, here = false): boolean {
  const plain = unmapped(address);
  const family = familyOf(plain);
  const shielded = (each: string, family: Family): boolean => known().shielded.check(each, family) || (!here && isOwn(each, family));
  return shielded(plain, family) || (family === 'ipv6' && carriedBy(plain).some((carried) => shielded(carried, 'ipv4')));
}

export function isLoopback(address: string): boolean {
  const plain = unmapped(address);
  return known().loopback.check(plain, familyOf(plain));
}

/** The addresses of IPv4 that an address of IPv6 carries. */
function carriedBy(address: string): string[] {
  return known().carriers.flatMap(([carrier, bit]) => (carrier.check(address, 'ipv6') ? [dotted(groups(address), bit / 16)] : []));
}

function dotted(groups: readonly number[], at: number): string {
  return groups
    .slice(at, at + 2)
    .flatMap((group) => [group >> 8, group & 255])
    .join('.');
}

/** Addresses come and go, but to ask the system for them takes as long as a short request. */
const REMEMBERED_MS = 1000;

let own: { readonly list: BlockList; readonly until: number } | undefined;

/** Whether it is an address of this machine, or the one by which all of a network are reached that it is in. */
function isOwn(address: string, family: Family): boolean {
  if (own === undefined || performance.now() > own.until) own = { list: ownAddresses(), until: performance.now() + REMEMBERED_MS };
  return own.list.check(address, family);
}

function ownAddresses(): BlockList {
  const list = new builtins.net.BlockList();
  for (const { address, netmask, family } of Object.values(networkInterfaces()).flatMap((each) => each ?? [])) {
    list.addAddress(address.split('%', 1)[0] ?? address, family === 'IPv6' ? 'ipv6' : 'ipv4');
    if (family === 'IPv4') list.addAddress(broadcast(address, netmask), 'ipv4');
  }
  return list;
}

function broadcast(address: string, netmask: string): string {
  const mask = netmask.split('.').map(Number);
  return address
    .split('.')
    .map((part, index) => Number(part) | (~(mask[index] ?? 255) & 255))
    .join('.');
}
