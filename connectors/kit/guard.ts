/**
 * Which addresses Ferry may connect to. A helpdesk's or a peer's URL comes from configuration or from the other side, so
 * it is checked three times: the literal host, every address its name resolves to, and the address of the socket that
 * was really opened. undici's own `lookup` hook is not enough: it is never asked about literal addresses.
 */
import { lookup as dnsLookup } from 'node:dns';
import type { LookupAddress, LookupOptions } from 'node:dns';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { buildConnector } from 'undici';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { createBoundedCache } from './bounded-cache.ts';

export type Allow = {
  /** Plain http URLs; `private`: only to the private addresses below, since anybody on the way could read and change it. */
  readonly http: boolean | 'private';
  /** All private addresses, none, or those within these CIDRs. */
  readonly privateAddresses: boolean | readonly string[];
};

export type AddressCheck = (address: string) => boolean;

type Lookup = (
  hostname: string,
  options: LookupOptions,
  callback: (error: Error | null, address: string | LookupAddress[], family?: number) => void,
) => void;

const maxUrlLength = 8192;

/** Thrown at boot for a CIDR that is none. */
export function addressCheck(allowed: Allow['privateAddresses']): AddressCheck {
  if (allowed === true) return () => true;
  const ranges = (allowed === false ? [] : allowed).map((cidr) => ipaddr.parseCIDR(cidr));
  const known = createBoundedCache<boolean>(1_000);
  return (address) => {
    const cached = known.get(address);
    if (cached !== undefined) return cached;
    const verdict = isAllowed(address, ranges, true);
    known.set(address, verdict);
    return verdict;
  };
}

/** For plain http: what the configuration names, and no public address where it says `private`. */
export function plainCheck(allow: Allow): AddressCheck {
  const { http, privateAddresses } = allow;
  if (http === false) return () => false;
  if (http === true || privateAddresses === true) return addressCheck(privateAddresses);
  const ranges = (privateAddresses === false ? [] : privateAddresses).map((cidr) => ipaddr.parseCIDR(cidr));
  return (address) => isAllowed(address, ranges, false);
}

function isAllowed(
  address: string,
  ranges: readonly [ipaddr.IPv4 | ipaddr.IPv6, number][],
  publicToo: boolean,
): boolean {
  const unscoped = address.split('%', 1)[0] ?? '';
  if (!ipaddr.isValid(unscoped)) return false;
  const parsed = ipaddr.process(unscoped);
  const inRange = ranges.some(([range, bits]) => range.kind() === parsed.kind() && parsed.match(range, bits));
  if (inRange || !publicToo) return inRange;
  return parsed.range() === 'unicast' && !isCompatible(parsed);
}

/** The deprecated ::a.b.c.d, which ipaddr.js counts as ordinary. */
function isCompatible(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return address instanceof ipaddr.IPv6 && address.parts.slice(0, 6).every((part) => part === 0);
}

/** The URL, parsed; refused before anything is resolved or sent. Errors never repeat the query, which may hold a secret. */
export function checkUrl(
  text: string,
  allow: Allow,
  checks: { readonly https: AddressCheck; readonly http: AddressCheck },
): URL {
  const url = URL.parse(text);
  if (url === null || text.length > maxUrlLength) {
    throw new HelpdeskError('refused', 'url-not-allowed', 'The URL is not a valid one. Correct it in the settings.');
  }
  if (url.protocol !== 'https:' && !(allow.http !== false && url.protocol === 'http:')) {
    throw new HelpdeskError(
      'refused',
      'url-not-allowed',
      `${url.protocol}//${url.host} is not allowed: only https is. Use https.`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new HelpdeskError(
      'refused',
      'url-not-allowed',
      `The URL of ${url.host} holds a user name or password. Remove it.`,
    );
  }
  const host = bareHost(url.hostname);
  const isAddressAllowed = url.protocol === 'https:' ? checks.https : checks.http;
  if (isIP(host) !== 0 && !isAddressAllowed(host)) throw blocked(host, url.protocol === 'https:');
  return url;
}

/** Opens sockets for undici, to allowed addresses only, which may be others for plain http. `resolve` is for tests. */
export function guardedConnector(
  checks: { readonly https: AddressCheck; readonly http: AddressCheck },
  timeoutMs: number,
  resolve: Lookup = dnsLookup as Lookup,
): buildConnector.connector {
  const [secure, plain] = [true, false].map((isSecure) =>
    connectorFor(isSecure ? checks.https : checks.http, isSecure, timeoutMs, resolve),
  );
  return (options, callback) => (options.protocol === 'https:' ? secure : plain)?.(options, callback);
}

function connectorFor(
  isAddressAllowed: AddressCheck,
  isSecure: boolean,
  timeoutMs: number,
  resolve: Lookup,
): buildConnector.connector {
  const lookup: Lookup = (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, []);
      const addresses = found as LookupAddress[];
      const bad = addresses.find(({ address }) => !isAddressAllowed(address));
      if (bad !== undefined) return callback(blocked(hostname, isSecure), []);
      const first = addresses[0];
      if (options.all === true) return callback(null, addresses);
      if (first === undefined) return callback(Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), []);
      callback(null, first.address, first.family);
    });
  };
  const connect = buildConnector({
    timeout: timeoutMs,
    allowH2: false,
    lookup: lookup as never,
  } as buildConnector.BuildOptions);
  return (options, callback) => {
    const host = bareHost(options.hostname);
    if (isIP(host) !== 0 && !isAddressAllowed(host)) return callback(blocked(host, isSecure), null);
    connect(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      const remote = socket.remoteAddress;
      if (remote !== undefined && isAddressAllowed(remote)) return callback(null, socket);
      const reason = blocked(host, isSecure);
      socket.destroy(reason);
      callback(reason, null);
    });
  };
}

function bareHost(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}

function blocked(host: string, isSecure: boolean): HelpdeskError {
  return new HelpdeskError(
    'refused',
    'address-not-allowed',
    isSecure
      ? `${host} is a private or reserved address, or resolves to one. If that is meant, name its network in FERRY_ALLOW_ADDRESSES.`
      : `${host} is called without TLS. Use https, or name its network in FERRY_ALLOW_ADDRESSES where plain http is meant.`,
  );
}
