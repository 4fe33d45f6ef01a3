/**
 * Whether a request to a listener of this machine may be one that a web page elsewhere has made its reader's browser
 * send: by a name that points here (DNS rebinding), from a foreign page, or as a form, for which no browser asks first.
 */
import type { IncomingHttpHeaders } from 'node:http';

export type Guard = {
  /** Names under which it may be asked besides those of this machine, without a port. */
  readonly hosts?: readonly string[];
  /**
   * Names without a dot are ours too: those of a container network or a hosts file. Nobody on the internet has one that a
   * browser would resolve, but it is better left out where nothing else protects what is here.
   */
  readonly plainNames?: boolean;
  /** Origins besides its own whose pages may ask: where callers reach it by another address. */
  readonly origins?: readonly string[];
  /** Paths that take other bodies than JSON without an Authorization header. */
  readonly takes?: (path: string) => boolean;
  /** What changes something has to say that it comes from a page of its own. For listeners that only a browser calls. */
  readonly ownPageOnly?: boolean;
};

export type Guarded = {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
};

export type Foreign = { readonly code: 'foreign-host' | 'foreign-origin' | 'not-json'; readonly status: 403 | 415 };

const harmless: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Null: it may pass. */
export function foreignIn({ method, path, headers }: Guarded, guard: Guard): Foreign | null {
  const { host = '', origin } = headers;
  const site = headers['sec-fetch-site'];
  if (!isOurName(nameIn(host), guard)) return { code: 'foreign-host', status: 403 };
  const isOwn = origin === `http://${host}` || (guard.origins ?? []).includes(origin ?? '');
  const changes = !harmless.has(method);
  if (origin !== undefined && !isOwn) return { code: 'foreign-origin', status: 403 };
  // A link to a page here is followed from anywhere; nothing is changed by it.
  if (changes && site !== undefined && site !== 'same-origin' && site !== 'none' && !isOwn)
    return { code: 'foreign-origin', status: 403 };
  if (changes && guard.ownPageOnly === true && !isOwn && site !== 'same-origin')
    return { code: 'foreign-origin', status: 403 };
  if (!changes || isJson(headers['content-type']) || hasNoBody(headers)) return null;
  // No page can send this header without being asked about it first.
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

/** An address of this machine that no other can reach. */
export function isLoopback(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/i.test(address);
}

function isJson(type: string | undefined): boolean {
  return /^application\/(?:[\w.+-]{1,100}\+)?json\s*(?:;|$)/i.test(type ?? '');
}

/** A form without fields says that it is a form all the same. */
function hasNoBody(headers: IncomingHttpHeaders): boolean {
  if (headers['content-type'] !== undefined || headers['transfer-encoding'] !== undefined) return false;
  return Number(headers['content-length'] ?? 0) === 0;
}
