/** Obeys a helpdesk's Retry-After: until then, nobody in this process sends it a request. */
import { pauseOf } from '#core/words/retry.ts';
import type { HttpClient } from '#connectors/contract/http.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';

export type RetryAfter = {
  /** Sees every reply. */
  readonly http: HttpClient;
  /** Throws HelpdeskError slow-down until that time. */
  check(): void;
};

/** @param now milliseconds by any monotonic clock */
export function createRetryAfter(
  http: HttpClient,
  instance: string,
  now: () => number = () => performance.now(),
): RetryAfter {
  let notBefore = Number.NEGATIVE_INFINITY;
  const hear = <
    Reply extends { readonly status: number; readonly headers: Readonly<Record<string, string | undefined>> },
  >(
    reply: Reply,
  ): Reply => {
    const pauseMs =
      reply.status === 429 || reply.status === 503 ? pauseOf(reply.headers['retry-after'], Date.now()) : undefined;
    if (pauseMs !== undefined) notBefore = Math.max(notBefore, now() + pauseMs);
    return reply;
  };
  return {
    http: {
      request: async (request) => hear(await http.request(request)),
      stream: async (request) => hear(await http.stream(request)),
    },
    check() {
      const leftMs = notBefore - now();
      if (leftMs <= 0) return;
      throw new HelpdeskError('slow-down', 'asked-to-wait', `${instance} asked to be left alone for a while.`, {
        retryAfterMs: Math.ceil(leftMs),
      });
    },
  };
}
