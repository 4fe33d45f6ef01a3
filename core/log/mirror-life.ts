/**
 * A mirror's life: `opening → open → closed(reason)` or `opening → refused`. A closed mirror may reopen for a while.
 */
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

/** The next state for every state and event. A close reason means `closed` for that reason. */
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

/** What a mirror's next state depends on, besides the event. */
export type LifeView = Life & Pick<MirrorView, 'superseded' | 'mode'>;

/**
 * Returns the life after an event. Going live ends only shadow mirrors. A mirror reopens only if it closed as done at
 * most 30 days ago and the ticket has no newer mirror.
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

/**
 * Tells whether the mirror may reopen: closed as done, recently enough for replies, and not replaced by a newer mirror
 * of the ticket on this link.
 */
export function mayReopen(mirror: LifeView, now: string): boolean {
  if (mirror.state !== 'closed' || mirror.closeReason !== 'done' || mirror.superseded) return false;
  if (mirror.closedAt === null) return false;
  const ageMs = Date.parse(now) - Date.parse(mirror.closedAt);
  return Number.isFinite(ageMs) && ageMs <= reopenDays * 86_400_000;
}

/** Tells whether the mirror still carries actions. */
export function takesReplies(mirror: LifeView, now: string): boolean {
  return mirror.state === 'opening' || mirror.state === 'open' || mayReopen(mirror, now);
}

export type AfterApplied = {
  readonly mirror: LifeView;
  /** Whether each ticket has a closed status, as last read; null if unknown. */
  readonly customerClosed: boolean | null;
  readonly supplierClosed: boolean | null;
  readonly now: string;
};

/** Returns the life after an outcome or a read: it closes when both statuses are closed and reopens when one is not. */
export function afterApplied({ mirror, customerClosed, supplierClosed, now }: AfterApplied): Life {
  if (customerClosed === true && supplierClosed === true) return nextLife(mirror, 'both-closed', now);
  if (customerClosed === false || supplierClosed === false) return nextLife(mirror, 'reopened', now);
  return { state: mirror.state, closeReason: mirror.closeReason, closedAt: mirror.closedAt };
}
