/** The headers of every page. */
import type { Ctx } from '#twins/halo/serving.ts';

/** Tells whether a path is a page of the desk, rather than Halo's API or the twin's. */
export function isPage(path: string): boolean {
  return /^\/(?:desk|portal|outbox)(?:\/|$)/.test(path);
}

/**
 * Sets headers that allow nothing inline and nothing from elsewhere. `frameAncestors` are origins that may show the
 * page in a frame.
 */
export function pageHeaders(c: Ctx, frameAncestors: readonly string[]): void {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    `frame-ancestors 'self'${frameAncestors.map((origin) => ` ${origin}`).join('')}`,
  ];
  c.header('content-security-policy', policy.join('; '));
  c.header('x-content-type-options', 'nosniff');
  // With `no-referrer` a browser would submit its forms without their origin.
  c.header('referrer-policy', 'same-origin');
  c.header('cache-control', 'no-store');
}

/** Returns an origin in the form that a policy needs: scheme, host, port. Throws for anything else. */
export function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const fine = url !== null && /^https?:$/.test(url.protocol) && text.replace(/\/$/, '') === url.origin;
  if (!fine) throw new Error(`${text} is no origin; write it as http://127.0.0.1:4000`);
  return url.origin;
}
