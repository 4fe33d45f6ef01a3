/** A helpdesk that says when to come back is left alone until then, by everybody in this process who would ask it. */
import type { HttpClient } from '#connectors/contract/http.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';

export type RetryAfter = {
  /** Hears every answer. */
  readonly http: HttpClient;
  /** Throws HelpdeskError slow-down until the time has come. */
  check(): void;
};

const longestMs = 3_600_000;

/** @param now milliseconds by any steady clock */
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
    const pauseMs = reply.status === 429 || reply.status === 503 ? pauseOf(reply.headers['retry-after']) : null;
    if (pauseMs !== null) notBefore = Math.max(notBefore, now() + pauseMs);
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

/** Seconds, or a date. */
function pauseOf(header: string | undefined): number | null {
  if (header === undefined) return null;
  const ms = /^\s*\d{1,9}\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, longestMs) : null;
}
