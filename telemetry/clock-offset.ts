/** Measures the offset of an instance's clock from the Date header of its replies, which has only whole seconds. */
import type { HttpClient, HttpReply } from '#connectors/contract/http.ts';

/** Returns how far it is ahead of ours, in milliseconds; null if the reply is no use. @param sentAt, gotAt by our clock, milliseconds */
export function aheadOf(headers: HttpReply['headers'], sentAt: number, gotAt: number): number | null {
  const { date } = headers;
  const at = typeof date === 'string' ? Date.parse(date) : Number.NaN;
  // A slow reply may have been dated at any time of the exchange.
  if (!Number.isFinite(at) || gotAt - sentAt > 5_000) return null;
  // If clocks that agree could give this reply, they count as equal, however slow the reply was.
  if (at + 1_000 >= sentAt && at <= gotAt) return 0;
  return at + 500 - (sentAt + gotAt) / 2;
}

/** Returns the median, so that one late reply, or one from a proxy, does not count. Milliseconds. */
export function offsetOf(recent: readonly number[]): number {
  return recent.toSorted((a, b) => a - b)[Math.floor(recent.length / 2)] ?? 0;
}

/** Wraps a client, and reports the offset of each reply. @param now our clock, milliseconds; null while unknown */
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
