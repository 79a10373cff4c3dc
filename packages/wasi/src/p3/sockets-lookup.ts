/** `wasi:sockets/ip-name-lookup` 0.3 — https://github.com/WebAssembly/WASI/tree/main/proposals/sockets */
import { cancellable, resultError } from '@tenon/component';
import { Charge } from '../body/budget.ts';
import { SocketError } from '../body/network/error.ts';
import type { Network } from '../body/network/network.ts';
import { type IpAddress, ipAddress } from '../body/network/values.ts';
import { lookupErrorCode } from './sockets-error.ts';
import { awaited } from './waiting.ts';

/** What a lookup takes of the budget: addresses, of which a server can give some hundred, and the name. */
const LOOKUP_BYTES = 16 * 1024;

export function ipNameLookup(network: Network): object {
  const lookUp = async (name: string, signal: AbortSignal): Promise<IpAddress[]> => {
    const charge = new Charge();
    try {
      if (!charge.take(LOOKUP_BYTES)) throw new SocketError('out-of-memory', 'the host holds as much for the guest as it may');
      const later = network.lookup(name);
      await awaited(later, signal);
      const found = later.value ?? [];
      if (found instanceof SocketError) throw found;
      if (found.length === 0) throw new SocketError('name-unresolvable', `${name} has no address`);
      return found.map(ipAddress);
    } catch (error) {
      throw error instanceof SocketError ? resultError(lookupErrorCode(error), error.message) : error;
    } finally {
      charge.end();
    }
  };
  return { resolveAddresses: cancellable(lookUp) };
}
