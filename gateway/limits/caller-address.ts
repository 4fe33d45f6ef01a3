/**
 * The address that a request came from. Behind proxies it is what the nearest of them says, and what that one says is
 * believed only as far back as the hops are proxies of ours: everything before them the caller may have made up.
 */
import { BlockList, isIP } from 'node:net';

export const proxyHeaders = ['x-forwarded-for', 'forwarded'] as const;
export type ProxyHeader = (typeof proxyHeaders)[number];

export type TrustedProxies = {
  /** Addresses or CIDR ranges. */
  readonly ranges: readonly string[];
  /** The one header that they write. The other is whatever the caller wrote. */
  readonly header: ProxyHeader;
};

export type CallerAddress = {
  /** @param socket the other end of the connection @param header value of the proxies' header, all lines joined */
  of(socket: string, header: string | undefined): string;
  isProxy(address: string): boolean;
};

/** Longer chains are nobody's; what they say is not looked at further back. */
const mostHops = 16;
const longest = 4_096;

/** @throws TypeError for a range that is none */
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
        // What no address can be read from ends the chain: the last proxy that we trust is as far as we see.
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

/** An IPv4 address inside an IPv6 one is itself; a zone is the machine's own business. */
function plain(address: string): string {
  return (address.split('%', 1)[0] ?? '').replace(/^::ffff:(?=\d+\.)/i, '').toLowerCase();
}

function forwardedForHops(value: string): readonly string[] {
  return value.split(',');
}

/** RFC 7239 §4: elements by commas, pairs by semicolons, either inside quotes belongs to the text. */
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

/** The `for` of one element; what has none, or two, names nobody. */
function forIn(element: string): string {
  const found = element
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => /^for=/i.test(pair));
  return found.length === 1 ? (found[0] ?? '').slice(4).replaceAll(/^"|"$/g, '') : '';
}

/** `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`; null for `unknown`, `_hidden` and anything else. */
function addressIn(hop: string): string | null {
  const text = hop.trim().replaceAll(/^"|"$/g, '');
  if (text.length > 64) return null;
  const bracketed = /^\[([\da-f:.]+)\](?::\d{1,5})?$/i.exec(text)?.[1];
  const withPort = /^([\d.]+):\d{1,5}$/.exec(text)?.[1];
  const address = plain(bracketed ?? withPort ?? text);
  return isIP(address) === 0 ? null : address;
}
