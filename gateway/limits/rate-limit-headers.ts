/**
 * The header fields `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-11: what a client may
 * ask for, and how much of it is left. Lists of structured fields (RFC 9651), each item a policy's name as a string.
 */
import type { PaceLimit } from './pace.ts';

export type Policy = {
  readonly name: string;
  /** Default: `requests`. */
  readonly unit?: 'content-bytes';
  readonly limit: PaceLimit;
  readonly left: { readonly rest: number; readonly fullMs: number };
};

/** Writes the headers. @param retryMs how long the client is refused: until then nothing is left */
export function rateLimitHeaders(policies: readonly Policy[], retryMs?: number): Readonly<Record<string, string>> {
  const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1_000));
  return {
    'ratelimit-policy': policies
      .map(({ name, unit, limit: { perMinute, atOnce } }) => {
        const window = seconds((atOnce / perMinute) * 60_000);
        return `"${name}";q=${atOnce};w=${window}${unit === undefined ? '' : `;qu="${unit}"`}`;
      })
      .join(', '),
    ratelimit: policies
      .map(({ name, left }) =>
        retryMs === undefined
          ? `"${name}";r=${left.rest};t=${seconds(left.fullMs)}`
          : `"${name}";r=0;t=${seconds(retryMs)}`,
      )
      .join(', '),
  };
}
