/** Finds the network of a request, for limits. */
import type { Context } from 'hono';
import { getConnInfo } from '@hono/node-server/conninfo';
import { callerAddress, type TrustedProxies } from './caller-address.ts';
import { network } from './network.ts';

export type AddressOf = (c: Context) => string;

/** Without proxies, uses the socket's remote address, because the caller can write any header. */
export function createAddressOf(proxies: TrustedProxies = { ranges: [], header: 'x-forwarded-for' }): AddressOf {
  const caller = callerAddress(proxies);
  return (c) => {
    const { incoming } = (c.env ?? {}) as { readonly incoming?: unknown };
    const socket = incoming === undefined ? undefined : getConnInfo(c).remote.address;
    return socket === undefined ? 'unknown' : network(caller.of(socket, c.req.header(proxies.header)));
  };
}

export const socketAddress: AddressOf = createAddressOf();
