/** Ends a link, and notifies both desks and the other gateway. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { LinkState, WireContact } from '#core/wire.ts';
import { closeLink as endLink } from '#db/links/link-close.ts';
import { waitingOn } from '#db/links/link-status.ts';
import { loadPeer } from '#db/links/peers.ts';
import { change, changed, unchanged } from '#operate/change.ts';
import { linkOf } from '#operate/known.ts';
import type { PeerOperator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow } from '#operate/rights.ts';

export type CloseOptions = {
  /** How long to carry waiting deliveries first, at most; the rest is refused. 0 refuses all. Milliseconds. */
  readonly drainMs: number;
  /** The reason, for people at both desks. */
  readonly because?: string | undefined;
  /** Confirms before anything is changed; if absent, yes. */
  readonly confirm?: () => Promise<boolean>;
  /** Receives the number of waiting deliveries whenever it changes. */
  readonly waiting?: (left: number) => void;
  /** Ends the wait; then nothing is changed. */
  readonly signal?: AbortSignal;
};

export type LinkClosed =
  | { readonly outcome: 'declined' }
  | {
      readonly outcome: 'closed';
      /** `closing` until the last notes are written. */
      readonly state: LinkState;
      /** The number of open tickets that get a note. */
      readonly mirrors: number;
      /** The number of waiting deliveries that were refused. */
      readonly refused: number;
      readonly peer:
        | { readonly told: 'none' | 'yes' }
        /** Its calls are refused from now on; a person has to notify its operators. */
        | { readonly told: 'no'; readonly why: string; readonly contact: WireContact | null };
    };

const lookEveryMs = 500;
const patienceMs = 30_000;

/** Ends a link. @throws Refused unknown-link, link-closed, interrupted */
export async function closeLink(operator: PeerOperator, link: string, options: CloseOptions): Promise<LinkClosed> {
  allow(operator, 'link-close', { link });
  const { db, peers } = operator;
  const { state, farContact } = await linkOf(operator, link);
  if (state === 'closed') throw new Refused('link-closed', 'state', `the link ${link} has already ended`);
  if (options.confirm !== undefined && !(await options.confirm())) return { outcome: 'declined' };
  if (state === 'active') await drain(() => waitingOn(db, link), options);
  const peer = await loadPeer(db, link);
  let told: Extract<LinkClosed, { outcome: 'closed' }>['peer'] = { told: 'none' };
  if (peer !== null && state !== 'pairing')
    try {
      // Notify it first, while it still accepts our calls; it ends its own half and notifies its own desk.
      await peers.calls(peer).close(options.because, AbortSignal.timeout(patienceMs));
      told = { told: 'yes' };
    } catch (error) {
      if (!(error instanceof HelpdeskError)) throw error;
      told = { told: 'no', why: error.message, contact: farContact };
    }
  const closed = await change(operator, async (tx) => {
    const ended = await endLink(tx, link, options.because);
    if (ended === null) throw new Refused('unknown-link', 'unknown', `the link ${link} was deleted meanwhile`);
    const { from, state: to, mirrors, refused } = ended;
    if (!ended.done) return unchanged(ended);
    return changed(ended, {
      what: 'close',
      subject: `links/${link}`,
      detail: { from, to, mirrors, refused, because: options.because ?? null, peerTold: told.told },
    });
  });
  await operator.wake(closed.wake);
  return {
    outcome: 'closed',
    state: closed.state,
    mirrors: closed.mirrors,
    refused: closed.refused,
    peer: told,
  };
}

/** Waits until nothing is waiting, or the time is over. */
async function drain(waiting: () => Promise<number>, { drainMs, ...options }: CloseOptions): Promise<void> {
  if (drainMs === 0) return;
  const until = Date.now() + drainMs;
  let shown = -1;
  for (;;) {
    const left = await waiting();
    if (left === 0 || Date.now() >= until) return;
    if (left !== shown) options.waiting?.(left);
    shown = left;
    if (options.signal?.aborted === true) throw new Refused('interrupted', 'state', 'interrupted; nothing was changed');
    await sleep(
      Math.min(lookEveryMs, Math.max(1, until - Date.now())),
      undefined,
      options.signal === undefined ? {} : { signal: options.signal },
    ).catch(() => undefined);
  }
}
