/** Addresses as `wasi:sockets` has them. */
import { type Endpoint, familyOf, groups } from './address.ts';

export type IpAddress = { readonly tag: 'ipv4' | 'ipv6'; readonly val: readonly number[] };

export type IpSocketAddress =
  | { readonly tag: 'ipv4'; readonly val: { readonly port: number; readonly address: readonly number[] } }
  | {
      readonly tag: 'ipv6';
      readonly val: { readonly port: number; readonly flowInfo: number; readonly address: readonly number[]; readonly scopeId: number };
    };

export function ipAddress(address: string): IpAddress {
  return familyOf(address) === 'ipv6' ? { tag: 'ipv6', val: groups(address) } : { tag: 'ipv4', val: address.split('.').map(Number) };
}

export function socketAddress({ address, port }: Endpoint): IpSocketAddress {
  const { tag, val } = ipAddress(address);
  return tag === 'ipv4' ? { tag, val: { port, address: val } } : { tag, val: { port, flowInfo: 0, address: val, scopeId: 0 } };
}

/** The shortest form, so that equal addresses are equal strings. */
function ipv6(groups: readonly number[]): string {
  return new URL(`http://[${groups.map((group) => group.toString(16)).join(':')}]`).hostname.slice(1, -1);
}

export function endpointOf({ tag, val }: IpSocketAddress): Endpoint {
  return { address: tag === 'ipv4' ? val.address.join('.') : mapped(ipv6(val.address)), port: val.port };
}

/** IPv4 in IPv6 is written with dots where addresses are compared. */
function mapped(address: string): string {
  const match = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(address);
  if (match === null) return address;
  const [high, low] = [Number.parseInt(match[1] ?? '', 16), Number.parseInt(match[2] ?? '', 16)];
  return `::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}
