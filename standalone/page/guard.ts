/** Who may ask: only this machine by its own name, and only this page may change anything. */
import type { MiddlewareHandler } from 'hono';

const loopback = new Set(['127.0.0.1', 'localhost', '[::1]']);
const readOnly = new Set(['GET', 'HEAD']);

/** @param frames origins whose pages this page shows in frames */
export function guard(frames: readonly string[]): MiddlewareHandler {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    `frame-src 'self' ${frames.join(' ')}`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return async (c, next) => {
    c.header('content-security-policy', policy);
    c.header('x-content-type-options', 'nosniff');
    // With `no-referrer` a browser would send its forms without saying where they are from.
    c.header('referrer-policy', 'same-origin');
    c.header('cache-control', 'no-store');
    const { host, hostname } = new URL(c.req.url);
    // A name that somebody else lets point here (DNS rebinding) is not ours.
    if (!loopback.has(hostname)) return c.text('This page is for this machine only.\n', 403);
    if (!readOnly.has(c.req.method) && !isOwn(c.req.header('sec-fetch-site'), c.req.header('origin'), host))
      return c.text('Only this page itself may do that. Reload it and try again.\n', 403);
    return next();
  };
}

/** Browsers say where a request comes from, in one header or the other; whoever says nothing is not this page. */
function isOwn(site: string | undefined, origin: string | undefined, host: string): boolean {
  if (origin !== undefined && origin !== `http://${host}`) return false;
  return site === undefined ? origin !== undefined : site === 'same-origin';
}
