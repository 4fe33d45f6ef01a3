/** How this Halo is asked where Halos differ: as a check has found, else in the way that is right with all of them. */
import type { Facts } from '#connectors/contract/helpdesk.ts';
import { overlapFor, readFacts, settleFor } from '#connectors/kit/learned.ts';
import { assumed } from './assumed.ts';
import type { Query } from './call.ts';
import { limitWindowMs } from './errors.ts';
import { haloInstant } from './time.ts';
import { haloFacts } from './wire.ts';
import type { HaloOptions } from './wire.ts';

export type Ways = {
  /** Asked for with each page. */
  readonly pageRows: number;
  /** A list that is not paged and shorter than this is whole. */
  readonly wholeRows: number;
  /** False: `excludeclosed` does nothing. */
  readonly excludesClosed: boolean;
  /** False: `guid` of an action is not what we sent. */
  readonly keepsMarker: boolean;
  /** The order in which changed tickets are asked for. */
  readonly changeOrder: 'last_update' | 'id';
  /** It was seen to be kept. By number it may look the same, for a while. */
  readonly keepsOrder: boolean;
  /** Filters; empty where this Halo has none that works. */
  changedSince(instant: string): Query;
  loggedSince(instant: string): Query;
};

export function waysOf(learned: Facts | undefined): Ways {
  const facts = readFacts(haloFacts, learned);
  const { pageCap = assumed.pageRows, changedBy = 'lastupdatefromdate', loggedBy = 'dateoccured' } = facts;
  return {
    pageRows: Math.min(assumed.pageRows, pageCap),
    wholeRows: Math.min(assumed.surelyWholeRows, pageCap),
    excludesClosed: facts.excludesClosed ?? true,
    keepsMarker: facts.keepsMarker ?? true,
    keepsOrder: facts.ordersByChange === true,
    changeOrder: facts.ordersByChange === false ? 'id' : 'last_update',
    changedSince: (instant) => changedFilters[changedBy](haloInstant(instant)),
    loggedSince: (instant) => (loggedBy === 'none' ? {} : { datesearch: loggedBy, startdate: haloInstant(instant) }),
  };
}

/** In the order in which a check tries them. */
export const changedFilters = {
  lastupdatefromdate: (at: string): Query => ({ lastupdatefromdate: at }),
  last_update: (at: string): Query => ({ datesearch: 'last_update', startdate: at }),
  none: (): Query => ({}),
} as const;

/** The options, and where they say nothing, what was found out. */
export function withFacts(options: HaloOptions, learned: Facts | undefined): HaloOptions {
  const facts = readFacts(haloFacts, learned);
  const { agentId, applicationId, noteMaxBytes, subjectMaxLength, fileMaxBytes, requestLimit } = facts;
  const rate = requestLimit === undefined ? undefined : { requests: requestLimit, windowMs: limitWindowMs };
  const found = { agentId, applicationId, noteMaxBytes, subjectMaxLength, fileMaxBytes, rate };
  return {
    ...Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)),
    settleMs: settleFor(facts, assumed.settleMs),
    overlapMs: overlapFor(facts, assumed.overlapMs),
    ...options,
  };
}
