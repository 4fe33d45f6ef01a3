/**
 * Checks URLs of the other side of a link. Because they come from the other side, it checks every address of the name before
 * anything is stored; for each call, guard.ts checks the address that is really used.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { addressCheck } from '#connectors/kit/guard.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';

export type PeerUrlOptions = {
  /** Private CIDR ranges that this gateway's configuration allows. */
  readonly allowAddresses: readonly string[];
  /** Returns all addresses of a name. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
};

const longest = 2_048;
const ordinaryPorts = new Set(['', '443', '8443']);

/**
 * Returns the URL without a trailing slash. Allows plain http and unusual ports only if the configuration allows the addresses.
 * Throws HelpdeskError `url-not-allowed`, or `name-not-found` (retry) if the name has no address now.
 */
export async function checkPeerUrl(text: string, options: PeerUrlOptions): Promise<string> {
  const url = URL.parse(text);
  if (url === null || text.length > longest) throw notAllowed('It is not a URL, or longer than 2048 characters.');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw notAllowed('Its scheme is not https.');
  if (url.username !== '' || url.password !== '') throw notAllowed('It contains a user name or password.');
  if (url.search !== '' || url.hash !== '') throw notAllowed('It has a query or a fragment.');
  const addresses = await addressesOf(url, options.resolve ?? resolveAll);
  const isAllowed = addressCheck(options.allowAddresses);
  const isConfigured = configured(options.allowAddresses);
  if (addresses.some((address) => !isAllowed(address)))
    throw notAllowed(
      `${url.hostname} is a private or reserved address, or has one. If that is intended, add its network to FERRY_ALLOW_ADDRESSES.`,
    );
  const isInside = addresses.every(isConfigured);
  if (url.protocol === 'http:' && !isInside)
    throw notAllowed(
      `${url.hostname} would be called without TLS. Use https, or add its network to FERRY_ALLOW_ADDRESSES if plain http is intended.`,
    );
  if (!ordinaryPorts.has(url.port) && !isInside && !(url.protocol === 'http:' && url.port === '80'))
    throw notAllowed(
      `Port ${url.port} of ${url.hostname} is not a usual port for https. Use 443 or 8443, or add its network to FERRY_ALLOW_ADDRESSES.`,
    );
  return url.href.replace(/\/{1,50}$/, '');
}

async function addressesOf(
  url: URL,
  resolve: (host: string) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  if (isIP(host) !== 0) return [host];
  const found = await resolve(host).catch(() => []);
  if (found.length > 0) return found;
  throw new HelpdeskError(
    'retry',
    'name-not-found',
    `${url.hostname} has no address. Check the URL, and this machine's name resolution.`,
  );
}

async function resolveAll(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function configured(ranges: readonly string[]): (address: string) => boolean {
  const parsed = ranges.map((range) => ipaddr.parseCIDR(range));
  return (text) => {
    const address = ipaddr.process(text.split('%', 1)[0] ?? '');
    return parsed.some(([range, bits]) => range.kind() === address.kind() && address.match(range, bits));
  };
}

function notAllowed(why: string): HelpdeskError {
  return new HelpdeskError('refused', 'url-not-allowed', `The other side's URL can't be used. ${why}`);
}
