/** How far an instance's clock is from ours, by the Date header of its replies. It tells whole seconds only. */
import type { HttpClient, HttpReply } from '#connectors/contract/http.ts';

/** Milliseconds ahead of ours; null where the reply says nothing of use. @param sentAt, gotAt by our clock, milliseconds */
export function aheadOf(headers: HttpReply['headers'], sentAt: number, gotAt: number): number | null {
  const { date } = headers;
  const at = typeof date === 'string' ? Date.parse(date) : Number.NaN;
  // What was long under way may have been dated at any time of it.
  if (!Number.isFinite(at) || gotAt - sentAt > 5_000) return null;
  // Clocks that agree would say the same: then they count as equal, however slow the reply was.
  if (at + 1_000 >= sentAt && at <= gotAt) return 0;
  return at + 500 - (sentAt + gotAt) / 2;
}

/** The median: one reply that was late, or of a proxy, does not count. Milliseconds. */
export function offsetOf(recent: readonly number[]): number {
  return recent.toSorted((a, b) => a - b)[Math.floor(recent.length / 2)] ?? 0;
}

/** The client, telling of each reply how far the clock was. @param now ours, milliseconds; null while nobody knows */
export function withClock(http: HttpClient, note: (aheadMs: number) => void, now: () => number | null): HttpClient {
  const timed = async <Reply extends { readonly headers: HttpReply['headers'] }>(ask: () => Promise<Reply>) => {
    const sentAt = now();
    const reply = await ask();
    const gotAt = now();
    const ahead = sentAt === null || gotAt === null ? null : aheadOf(reply.headers, sentAt, gotAt);
    if (ahead !== null) note(ahead);
    return reply;
  };
  return {
    request: (request) => timed(() => http.request(request)),
    stream: (request) => timed(() => http.stream(request)),
  };
}
