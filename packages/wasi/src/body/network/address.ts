import { builtins } from '../builtins.ts';

/** Families of addresses by the names that Node has for them. */
export type Family = 'ipv4' | 'ipv6';

/** An address and a port. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export function familyOf(address: string): Family {
  return builtins.net.isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

/** An IPv4 address in IPv6's clothes is the IPv4 address. A zone, which is the business of one machine, is left out. */
export function unmapped(address: string): string {
  const [plain = ''] = address.split('%', 1);
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1] ?? plain;
}

/** The eight groups of an IPv6 address. */
export function groups(address: string): number[] {
  const [plain = ''] = address.split('%', 1);
  const tail = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(plain);
  const hex = (high: string | undefined, low: string | undefined): string => (Number(high) * 256 + Number(low)).toString(16);
  const text = tail === null ? plain : `${tail[1]}${hex(tail[2], tail[3])}:${hex(tail[4], tail[5])}`;
  const [left = '', right] = text.split('::');
  const parse = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const [first, last] = [parse(left), parse(right ?? '')];
  return [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
}

export function isUnspecified(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

/** Whether an address stands for many: multicast, and IPv4's broadcast. */
export function isMany(address: string): boolean {
  const first = Number(address.split('.', 1)[0]);
  return familyOf(address) === 'ipv6' ? /^ff/i.test(address) : (first >= 224 && first <= 239) || address === '255.255.255.255';
}

/** An endpoint as a rule that names it: `127.0.0.1:80`, `[::1]:80`; the port 0 stands for any and is left out. */
export function written({ address, port }: Endpoint): string {
  if (port === 0) return address;
  return familyOf(address) === 'ipv6' ? `[${address}]:${port}` : `${address}:${port}`;
}
