/** What every page answers with. */
import type { Ctx } from '#twins/halo/serving.ts';

/** Whether a path is a page of the desk, as opposed to Halo's API and the twin's. */
export function isPage(path: string): boolean {
  return /^\/(?:desk|portal|outbox)(?:\/|$)/.test(path);
}

/** Nothing inline, nothing from elsewhere; `frameAncestors` are origins that may show the page in a frame. */
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
  // With `no-referrer` a browser would send its forms without saying where they are from.
  c.header('referrer-policy', 'same-origin');
  c.header('cache-control', 'no-store');
}

/** An origin as it may stand in a policy: scheme, host, port. Throws for anything else. */
export function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const fine = url !== null && /^https?:$/.test(url.protocol) && text.replace(/\/$/, '') === url.origin;
  if (!fine) throw new Error(`${text} is no origin; write it as http://127.0.0.1:4000`);
  return url.origin;
}
