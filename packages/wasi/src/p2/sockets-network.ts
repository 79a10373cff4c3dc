/** `wasi:sockets/network`, `instance-network` and `ip-name-lookup` — https://github.com/WebAssembly/WASI/tree/main/wasip2/sockets */
import { blocking, resultError } from '@tenon/component';
import { Charge } from '../body/budget.ts';
import { SocketError, type SocketProblem, socketError } from '../body/network/error.ts';
import type { Network as Reach } from '../body/network/network.ts';
import { type IpAddress, ipAddress } from '../body/network/values.ts';
import { type Later, turn } from '../body/readiness.ts';
import type { IoError } from './io-error.ts';
import { Pollable } from './io-poll.ts';

export { endpointOf, type IpAddress, type IpSocketAddress, socketAddress } from '../body/network/values.ts';

export function refuse(problem: SocketProblem): Error {
  return resultError(problem, problem);
}

/** Runs an operation; what it throws of sockets is the error case. */
export function attempt<T>(operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    throw error instanceof SocketError ? resultError(error.problem, error.message) : error;
  }
}

/** Runs an operation that may wait; what it throws of sockets is the error case. */
export async function attemptLater<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw error instanceof SocketError ? resultError(error.problem, error.message) : error;
  }
}

/** Runs an operation that a guest may ask for again and again: before it hears that it would block, the event loop goes round. */
export function attemptSoon<T>(operation: () => T): T | Promise<T> {
  try {
    return operation();
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    if (error.problem !== 'would-block') throw resultError(error.problem, error.message);
    return turn().then(() => attempt(operation));
  }
}

/** What a failed stream of a socket says about its failure. */
function networkErrorCode(error: IoError): SocketProblem | undefined {
  return error.cause instanceof SocketError ? error.cause.problem : undefined;
}

/** The resource `network`: the right to use what is granted of it. */
class Network {}

export const network: object = { Network, networkErrorCode };

export const instanceNetwork: object = { instanceNetwork: () => new Network() };

/** What a lookup takes of the budget: addresses, of which a server can give some hundred, and the name. */
const LOOKUP_BYTES = 16 * 1024;

class ResolveAddressStream {
  readonly #later: Later<string[] | SocketError>;
  readonly #charge: Charge;
  #next = 0;

  constructor(later: Later<string[] | SocketError>, charge: Charge) {
    this.#later = later;
    this.#charge = charge;
  }

  [Symbol.dispose](): void {
    this.#charge.end();
  }

  resolveNextAddress(): IpAddress | undefined | Promise<IpAddress | undefined> {
    return attemptSoon(() => {
      const addresses = this.#later.value;
      if (addresses === undefined) throw new SocketError('would-block');
      if (addresses instanceof SocketError) throw addresses;
      const address = addresses[this.#next++];
      return address === undefined ? undefined : ipAddress(address);
    });
  }

  subscribe(): Pollable {
    return new Pollable(this.#later);
  }

  static {
    blocking(ResolveAddressStream.prototype.resolveNextAddress);
  }
}

export function ipNameLookup(reach: Reach): object {
  return {
    ResolveAddressStream,
    resolveAddresses(_network: Network, name: string) {
      return attempt(() => {
        const charge = new Charge();
        const later = reach.lookup(name);
        if (!charge.take(LOOKUP_BYTES)) throw new SocketError('out-of-memory', 'the host holds as much for the guest as it may');
        return new ResolveAddressStream(later, charge);
      });
    },
  };
}

/** A start without its finish yet: what came of it. */
export function outcomeOf(promise: Promise<unknown>, later: Later<SocketError | true>): void {
  promise.then(
    () => later.settle(true),
    (error: unknown) => later.settle(socketError(error)),
  );
}
