/**
 * Asks a peer for the outcome of what it accepted but sent no receipt for: the receipt may be lost, or waits behind
 * something held.
 */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { originOnWire } from '#core/conversation/to-wire.ts';
import { isReasonCode, reason } from '#core/words/reasons.ts';
import type { Reason } from '#core/words/vocabulary.ts';
import { inUnitOfWork } from '#db/base/unit-of-work.ts';
import { loadDirectory } from '#db/exchange/directory.ts';
import { claimUnanswered, noteFar, type Unanswered } from '#db/exchange/unanswered.ts';
import { setLinkState } from '#db/links/link-life.ts';
import { endSent } from '#db/exchange/receive-receipts.ts';
import type { WorkDeps } from '#activities/deps.ts';

/** Accepted this long ago without a receipt; repeated at this interval. Milliseconds. */
export const silentMs = 60 * 60_000;
const atOnce = 100;
const timeoutMs = 30_000;

export type AskDeps = Pick<WorkDeps, 'db' | 'cache' | 'peers' | 'publicUrl' | 'wake' | 'log'>;

/** @param afterMs how long a peer may go without sending a receipt */
export function createAskOutcomes(deps: AskDeps, afterMs: number = silentMs): () => Promise<void> {
  return async () => {
    for (const unanswered of await claimUnanswered(deps.db, afterMs, atOnce)) {
      try {
        await ask(deps, unanswered);
      } catch (error) {
        // Its courier reports why it can't be reached; this is asked again later.
        if (!(error instanceof HelpdeskError)) throw error;
      }
    }
  };
}

async function ask(deps: AskDeps, unanswered: Unanswered): Promise<void> {
  const { client } = await deps.peers.of(unanswered.link);
  const signal = AbortSignal.timeout(timeoutMs);
  const origin = originOnWire(unanswered, await loadDirectory(deps.db, deps.publicUrl ?? ''));
  const asked = { id: unanswered.action, origin };
  const standing = await client.standing(unanswered.at, unanswered.mirror, asked, signal);
  if (standing === null) {
    const why = reason('link-quarantined', {
      desk: unanswered.desk,
      detail: `It no longer knows seq ${unanswered.seq} of a lane, although it had accepted it.`,
    });
    const changed = await setLinkState(deps.db, unanswered.link, 'quarantined', why);
    if (changed) deps.log.error({ link: unanswered.link }, why.text);
    return;
  }
  const { outcome, acceptedAt, endedAt, attempts } = standing;
  if (outcome === null || endedAt === null) {
    await noteFar(deps.db, unanswered.delivery, { acceptedAt, endedAt: null, attempts });
    return;
  }
  const ticket = unanswered.escalation
    ? ((await client.mirror(unanswered.at, unanswered.mirror, signal))?.ticket ?? null)
    : null;
  // Without its number and URL an opened ticket can't be named; the receipt or the next answer will bring them.
  if (unanswered.escalation && outcome === 'applied' && ticket === null) return;
  const why = reasonOf(standing.reason?.code ?? 'applied-as-is', unanswered.desk);
  const said = { outcome, reason: why, drops: [], ticket, acceptedAt, endedAt, attempts };
  deps.wake(await inUnitOfWork(deps.db, (unit) => endSent(unit, deps.cache, unanswered.delivery, said)));
}

/** Builds the reason; the peer names only its code, so the text is ours. */
function reasonOf(code: string, desk: string): Reason {
  return isReasonCode(code) ? reason(code, { desk }) : { code, text: `${desk} gives the reason ${code}.` };
}
