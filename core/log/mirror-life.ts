/** A mirror's life: `opening → open → closed(reason)` or `opening → refused`; a closed one may reopen for a while. */
import { reopenDays, type CloseReason, type MirrorState, type MirrorView } from '#core/words/mirror.ts';

export const mirrorEvents = [
  'escalation-applied',
  'escalation-refused',
  'both-closed',
  'reopened',
  'gone',
  'merged',
  'went-live',
  'link-closed',
] as const;
export type MirrorEvent = (typeof mirrorEvents)[number];

export type Life = {
  readonly state: MirrorState;
  readonly closeReason: CloseReason | null;
  /** Instant, UTC. */
  readonly closedAt: string | null;
};

type Step = MirrorState | CloseReason | 'stays';

/** Total: what each event makes of each state; a close reason means `closed` for that reason. */
const steps: Readonly<Record<MirrorState, Readonly<Record<MirrorEvent, Step>>>> = {
  opening: {
    'escalation-applied': 'open',
    'escalation-refused': 'refused',
    'both-closed': 'stays',
    reopened: 'stays',
    gone: 'gone',
    merged: 'merged',
    'went-live': 'shadow-ended',
    'link-closed': 'link-closed',
  },
  open: {
    'escalation-applied': 'stays',
    'escalation-refused': 'stays',
    'both-closed': 'done',
    reopened: 'stays',
    gone: 'gone',
    merged: 'merged',
    'went-live': 'shadow-ended',
    'link-closed': 'link-closed',
  },
  closed: {
    'escalation-applied': 'stays',
    'escalation-refused': 'stays',
    'both-closed': 'stays',
    reopened: 'open',
    gone: 'gone',
    merged: 'merged',
    'went-live': 'stays',
    'link-closed': 'link-closed',
  },
  refused: {
    'escalation-applied': 'stays',
    'escalation-refused': 'stays',
    'both-closed': 'stays',
    reopened: 'stays',
    gone: 'stays',
    merged: 'stays',
    'went-live': 'stays',
    'link-closed': 'stays',
  },
};

/** Which part of a mirror its life depends on, besides the event. */
export type LifeView = Life & Pick<MirrorView, 'superseded' | 'mode'>;

/**
 * The life after an event. Going live ends shadow mirrors only; only what closed because it was done, at most 30 days
 * ago and with no newer mirror, reopens.
 */
export function nextLife(mirror: LifeView, event: MirrorEvent, now: string): Life {
  const life: Life = { state: mirror.state, closeReason: mirror.closeReason, closedAt: mirror.closedAt };
  if (event === 'went-live' && mirror.mode !== 'shadow') return life;
  if (event === 'reopened' && !mayReopen(mirror, now)) return life;
  const step = steps[mirror.state][event];
  if (step === 'stays') return life;
  if (step === 'open' || step === 'opening' || step === 'refused') {
    return { state: step, closeReason: null, closedAt: null };
  }
  if (step === 'closed') return { ...life, state: 'closed' };
  return { state: 'closed', closeReason: step, closedAt: life.closedAt ?? now };
}

/** Closed as done, within the days in which replies travel, and without a newer mirror of the ticket on the link. */
export function mayReopen(mirror: LifeView, now: string): boolean {
  if (mirror.state !== 'closed' || mirror.closeReason !== 'done' || mirror.superseded) return false;
  if (mirror.closedAt === null) return false;
  const ageMs = Date.parse(now) - Date.parse(mirror.closedAt);
  return Number.isFinite(ageMs) && ageMs <= reopenDays * 86_400_000;
}

/** Whether actions still travel on it. */
export function takesReplies(mirror: LifeView, now: string): boolean {
  return mirror.state === 'opening' || mirror.state === 'open' || mayReopen(mirror, now);
}

export type AfterApplied = {
  readonly mirror: LifeView;
  /** Whether each ticket stands in a closed status now, as last read; null where nobody knows. */
  readonly customerClosed: boolean | null;
  readonly supplierClosed: boolean | null;
  readonly now: string;
};

/** The life after an outcome or a read: it closes when both statuses are closed and reopens when one no longer is. */
export function afterApplied({ mirror, customerClosed, supplierClosed, now }: AfterApplied): Life {
  if (customerClosed === true && supplierClosed === true) return nextLife(mirror, 'both-closed', now);
  if (customerClosed === false || supplierClosed === false) return nextLife(mirror, 'reopened', now);
  return { state: mirror.state, closeReason: mirror.closeReason, closedAt: mirror.closedAt };
}
