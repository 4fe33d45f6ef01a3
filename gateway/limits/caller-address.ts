/**
 * Finds the address of a request's caller. Behind proxies, reads their header from the nearest hop backwards, as long as the hops
 * are trusted proxies, because the caller may have invented everything before them.
 */
import { BlockList, isIP } from 'node:net';

export const proxyHeaders = ['x-forwarded-for', 'forwarded'] as const;
export type ProxyHeader = (typeof proxyHeaders)[number];

export type TrustedProxies = {
  /** Addresses or CIDR ranges. */
  readonly ranges: readonly string[];
  /** The header that they write. The caller may have written the other one. */
  readonly header: ProxyHeader;
};

export type CallerAddress = {
  /** Returns the address. @param socket the remote address of the connection @param header the proxies' header, all lines joined */
  of(socket: string, header: string | undefined): string;
  isProxy(address: string): boolean;
};

/** The longest chain to read; real chains are shorter. */
const mostHops = 16;
const longest = 4_096;

/** Compiles the ranges. @throws TypeError for an invalid range */
export function callerAddress({ ranges, header }: TrustedProxies): CallerAddress {
  const trusted = new BlockList();
  for (const range of ranges) addRange(trusted, range);
  const isProxy = (address: string): boolean => {
    const family = isIP(address);
    return family !== 0 && trusted.check(address, family === 6 ? 'ipv6' : 'ipv4');
  };
  const hopsIn = header === 'forwarded' ? forwardedHops : forwardedForHops;
  return {
    isProxy: (address) => isProxy(plain(address)),
    of(socket, value) {
      let address = plain(socket);
      if (value === undefined || !isProxy(address)) return address;
      for (const hop of hopsIn(value.slice(-longest)).slice(-mostHops).toReversed()) {
        const next = addressIn(hop);
        // An unreadable address ends the chain; then the last trusted proxy counts.
        if (next === null) return address;
        address = next;
        if (!isProxy(address)) return address;
      }
      return address;
    },
  };
}

function addRange(list: BlockList, range: string): void {
  const [address = '', prefix] = range.split('/');
  const family = isIP(address);
  if (family === 0) throw new TypeError(`${range} is neither an address nor a range`);
  const kind = family === 6 ? 'ipv6' : 'ipv4';
  if (prefix === undefined) list.addAddress(address, kind);
  else list.addSubnet(address, Number(prefix), kind);
}

/** Unwraps an IPv4 address inside an IPv6 one, and removes a zone, which has a meaning only on this machine. */
function plain(address: string): string {
  return (address.split('%', 1)[0] ?? '').replace(/^::ffff:(?=\d+\.)/i, '').toLowerCase();
}

function forwardedForHops(value: string): readonly string[] {
  return value.split(',');
}

/** Splits as in RFC 7239 §4: elements at commas, pairs at semicolons, but not inside quotes. */
function forwardedHops(value: string): readonly string[] {
  const hops: string[] = [];
  let isQuoted = false;
  let from = 0;
  for (let at = 0; at <= value.length; at += 1) {
    const character = value[at];
    if (character === '"') isQuoted = !isQuoted;
    else if (character === '\\' && isQuoted) at += 1;
    if (at >= value.length || (character === ',' && !isQuoted)) {
      hops.push(forIn(value.slice(from, at)));
      from = at + 1;
    }
  }
  return hops;
}

/** Returns the `for` of one element; null if it has none, or two. */
function forIn(element: string): string {
  const found = element
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => /^for=/i.test(pair));
  return found.length === 1 ? (found[0] ?? '').slice(4).replaceAll(/^"|"$/g, '') : '';
}

/** Reads `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`; null for `unknown`, `_hidden` and everything else. */
function addressIn(hop: string): string | null {
  const text = hop.trim().replaceAll(/^"|"$/g, '');
  if (text.length > 64) return null;
  const bracketed = /^\[([\da-f:.]+)\](?::\d{1,5})?$/i.exec(text)?.[1];
  const withPort = /^([\d.]+):\d{1,5}$/.exec(text)?.[1];
  const address = plain(bracketed ?? withPort ?? text);
  return isIP(address) === 0 ? null : address;
}
