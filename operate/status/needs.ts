/** Finds what somebody has to do. Ferry recovers from everything else, or waits on purpose. */
import type { Status, WaitingStatus } from './status.ts';

export type NeedCode =
  | 'temporal'
  | 'down'
  | 'auth'
  | 'key'
  | 'other'
  | 'stale'
  | 'restored'
  | 'missing'
  | 'quarantined'
  | 'held'
  | 'set-aside'
  | 'paused'
  | 'waits'
  | 'no-room'
  | 'rot';

export type Need = {
  readonly code: NeedCode;
  /** An instance, a link, or the delivery or mirror that needs a decision. */
  readonly of: string;
  readonly link: string | null;
  /** `acme 1001` */
  readonly tickets: readonly string[];
  /** Instant; null if unknown. */
  readonly since: string | null;
  /** The reason, for people; null if the code says everything. */
  readonly reason: string | null;
};

/** A feed is normally read every 15 seconds. */
export const staleMs = 5 * 60_000;
/** A delivery normally takes seconds, and is retried at least once a minute. */
export const waitsMs = 15 * 60_000;

/** Finds the needs. @param now milliseconds since 1970 @returns the most serious first */
export function needsOf(found: Status, temporalIsUp: boolean, now: number): readonly Need[] {
  const ageOf = (at: string): number => now - Date.parse(at);
  const ticketsFor = (to: string): readonly string[] => [
    ...new Set(found.waiting.filter((one) => one.to === to).flatMap(({ tickets }) => tickets)),
  ];
  const temporal: Need = { code: 'temporal', of: 'temporal', link: null, tickets: [], since: null, reason: null };
  const away = found.instances.flatMap(({ id, state, reason, since }): Need[] =>
    state === 'down' || state === 'auth' || state === 'key' || state === 'other'
      ? [{ code: state, of: id, link: null, tickets: ticketsFor(id), since, reason }]
      : [],
  );
  const restored = found.instances.flatMap(({ id, quarantined_at: since, quarantine_reason: why }): Need[] =>
    since === null
      ? []
      : [{ code: 'restored', of: id, link: null, tickets: ticketsFor(id), since, reason: why?.text ?? null }],
  );
  const missing = found.missing.map(({ instance, link, ticket, since, reason }): Need => ({
    ...{ code: 'missing', of: instance, link, tickets: [ticket], since, reason: reason?.text ?? null },
  }));
  const isAway = new Set([...away, ...restored].map(({ of }) => of));
  const stale = found.instances.flatMap(({ id, is_read, last_poll, since }): Need[] => {
    const last = last_poll ?? since;
    if (isAway.has(id) || !is_read || ageOf(last) <= staleMs) return [];
    return [{ code: 'stale', of: id, link: null, tickets: [], since: last_poll, reason: null }];
  });
  const links = found.links.flatMap(({ id, state, reason }): Need[] =>
    state === 'quarantined'
      ? [{ code: 'quarantined', of: id, link: id, tickets: [], since: null, reason: reason?.text ?? null }]
      : [],
  );
  const held = found.held.map(({ id, link, ticket, since, set_aside, reason }): Need => ({
    ...{ code: set_aside ? 'set-aside' : 'held', of: id, link, tickets: [ticket], since },
    reason: reason?.text ?? null,
  }));
  const paused = found.paused.map(({ mirror, link, ticket, since, reason }): Need => ({
    ...{ code: 'paused', of: mirror, link, tickets: [ticket], since, reason },
  }));
  const waits = found.waiting
    .filter(({ to, since, reason }) => reason?.code === 'no-room' || (!isAway.has(to) && ageOf(since) > waitsMs))
    .map(({ to, link, tickets, since, reason }: WaitingStatus): Need => ({
      ...{ code: reason?.code === 'no-room' ? 'no-room' : 'waits', of: to, link, tickets, since },
      reason: reason?.text ?? null,
    }));
  // One for each link, of its oldest finding; a warning alone needs nobody.
  const rotten = found.rot.filter(({ severity }) => severity === 'error');
  const rot = rotten
    .filter(({ link }, at) => rotten.findIndex((one) => one.link === link) === at)
    .map(({ link, since, text }): Need => ({ code: 'rot', of: link, link, tickets: [], since, reason: text }));
  return [
    ...(temporalIsUp ? [] : [temporal]),
    ...away,
    ...restored,
    ...links,
    ...stale,
    ...missing,
    ...waits,
    ...held,
    ...paused,
    ...rot,
  ];
}
