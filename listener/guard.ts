/**
 * Refuses requests to a listener of this machine that a foreign web page may have made a browser send: with another name that
 * points here (DNS rebinding), from a foreign page, or as a form, for which browsers send no preflight request.
 */
import type { IncomingHttpHeaders } from 'node:http';

export type Guard = {
  /** Accepted names besides those of this machine, without a port. */
  readonly hosts?: readonly string[];
  /** * Whether names without a dot are accepted too: those of a container network or a hosts file. No such name exists on the
   * internet, but leave this off if nothing else protects the listener.
   */
  readonly plainNames?: boolean;
  /** Accepted origins besides its own, if callers reach it at another address. */
  readonly origins?: readonly string[];
  /** Paths that accept other bodies than JSON without an Authorization header. */
  readonly takes?: (path: string) => boolean;
  /** Requires requests that change something to come from a page of the listener. For listeners that only browsers call. */
  readonly ownPageOnly?: boolean;
};

export type Guarded = {
  readonly method: string;
  /** The path without its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
};

export type Foreign = { readonly code: 'foreign-host' | 'foreign-origin' | 'not-json'; readonly status: 403 | 415 };

const harmless: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Returns the fault, or null. */
export function foreignIn({ method, path, headers }: Guarded, guard: Guard): Foreign | null {
  const { host = '', origin } = headers;
  const site = headers['sec-fetch-site'];
  if (!isOurName(nameIn(host), guard)) return { code: 'foreign-host', status: 403 };
  const isOwn = origin === `http://${host}` || (guard.origins ?? []).includes(origin ?? '');
  const changes = !harmless.has(method);
  if (origin !== undefined && !isOwn) return { code: 'foreign-origin', status: 403 };
  // Links to pages here may come from anywhere, because following one changes nothing.
  if (changes && site !== undefined && site !== 'same-origin' && site !== 'none' && !isOwn)
    return { code: 'foreign-origin', status: 403 };
  if (changes && guard.ownPageOnly === true && !isOwn && site !== 'same-origin')
    return { code: 'foreign-origin', status: 403 };
  if (!changes || isJson(headers['content-type']) || hasNoBody(headers)) return null;
  // No page can send this header without a preflight request.
  if (headers.authorization !== undefined || guard.takes?.(path) === true) return null;
  return { code: 'not-json', status: 415 };
}

/** Returns the name before the port, in lower case. */
function nameIn(host: string): string {
  return host.replace(/:\d{1,5}$/, '').toLowerCase();
}

function isOurName(name: string, { hosts = [], plainNames = false }: Guard): boolean {
  if (plainNames && /^[a-z][\w-]{0,62}$/.test(name)) return true;
  return name === 'localhost' || name === '[::1]' || isLoopback(name) || hosts.includes(name);
}

/** Recognises an address of this machine that no other can reach. */
export function isLoopback(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/i.test(address);
}

function isJson(type: string | undefined): boolean {
  return /^application\/(?:[\w.+-]{1,100}\+)?json\s*(?:;|$)/i.test(type ?? '');
}

/** Recognises a form, even one without fields. */
function hasNoBody(headers: IncomingHttpHeaders): boolean {
  if (headers['content-type'] !== undefined || headers['transfer-encoding'] !== undefined) return false;
  return Number(headers['content-length'] ?? 0) === 0;
}
