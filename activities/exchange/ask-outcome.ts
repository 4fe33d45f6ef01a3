/** What a peer has and has not told the outcome of is asked for: its receipt may be lost, or waits behind something held. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { isReasonCode, reason } from '#core/words/reasons.ts';
import type { Reason } from '#core/words/vocabulary.ts';
import { claimUntold, noteFar, type Untold } from '#db/exchange/untold.ts';
import { setLinkState } from '#db/links/link-life.ts';
import { endSent } from '#db/exchange/receive-receipts.ts';
import type { WorkDeps } from '#activities/deps.ts';

/** Accepted this long ago without a receipt; asked again as often. Milliseconds. */
export const silentMs = 60 * 60_000;
const atOnce = 100;
const timeoutMs = 30_000;

export type AskDeps = Pick<WorkDeps, 'db' | 'cache' | 'peers' | 'wake' | 'log'>;

/** @param afterMs how long a peer may be silent */
export function createAskOutcomes(deps: AskDeps, afterMs: number = silentMs): () => Promise<void> {
  return async () => {
    for (const untold of await claimUntold(deps.db, afterMs, atOnce)) {
      try {
        await ask(deps, untold);
      } catch (error) {
        // Its courier says why it can't be reached; this is asked again later.
        if (!(error instanceof HelpdeskError)) throw error;
      }
    }
  };
}

async function ask(deps: AskDeps, untold: Untold): Promise<void> {
  const { client } = await deps.peers.of(untold.link);
  const signal = AbortSignal.timeout(timeoutMs);
  const standing = await client.standing(untold.at, untold.mirror, untold.action, signal);
  if (standing === null) {
    const why = reason('link-quarantined', {
      desk: untold.desk,
      detail: `It does not know seq ${untold.seq} of a lane any more, which it had taken in.`,
    });
    const changed = await setLinkState(deps.db, untold.link, 'quarantined', why);
    if (changed) deps.log.error({ link: untold.link }, why.text);
    return;
  }
  const { outcome, acceptedAt, endedAt, attempts } = standing;
  if (outcome === null || endedAt === null) {
    await noteFar(deps.db, untold.delivery, { acceptedAt, endedAt: null, attempts });
    return;
  }
  const ticket = untold.escalation ? ((await client.mirror(untold.at, untold.mirror, signal))?.ticket ?? null) : null;
  // Without its number and URL an opened ticket can't be named; the receipt brings them, or the next question.
  if (untold.escalation && outcome === 'applied' && ticket === null) return;
  const why = reasonOf(standing.reason?.code ?? 'applied-as-is', untold.desk);
  const said = { outcome, reason: why, drops: [], ticket, acceptedAt, endedAt, attempts };
  deps.wake(await deps.db.transaction((tx) => endSent(tx, deps.cache, untold.delivery, said)));
}

/** A standing names the code only: the text is ours. */
function reasonOf(code: string, desk: string): Reason {
  return isReasonCode(code) ? reason(code, { desk }) : { code, text: `${desk} gives the reason ${code}.` };
}
