/** The headers of every page: no inline code, no foreign content, no embedding in a frame. */
import type { MiddlewareHandler } from 'hono';

/** Returns the headers. @param frames origins whose pages this page shows in frames */
export function pageHeaders(frames: readonly string[]): MiddlewareHandler {
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
    // With `no-referrer`, a browser would submit forms without saying where they come from.
    c.header('referrer-policy', 'same-origin');
    c.header('cache-control', 'no-store');
    return next();
  };
}
