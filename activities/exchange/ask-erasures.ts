/** Asks other gateways to erase content, repeatedly until they answer. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { claimErasures, noteAnswer } from '#db/operate/erasures.ts';
import type { WorkDeps } from '#activities/deps.ts';

/** A gateway that has not answered is asked again after this long. Milliseconds. */
export const askAgainMs = 60_000;
const timeoutMs = 15_000;

export function createAskErasures(
  deps: Pick<WorkDeps, 'db' | 'peers' | 'log'>,
  againMs = askAgainMs,
): () => Promise<void> {
  return async () => {
    for (const asked of await claimErasures(deps.db, againMs)) {
      const { id, link, actions } = asked;
      try {
        const { client } = await deps.peers.of(link);
        const answer = await client.erase({ id, actions: [...actions] }, AbortSignal.timeout(timeoutMs));
        if (answer === null) deps.log.warn({ link }, 'the other gateway is too old to support erasure');
        await noteAnswer(deps.db, asked, answer?.state ?? 'unsupported', answer?.text ?? null);
      } catch (error) {
        // The courier's own attempts report that a peer is unreachable.
        if (!(error instanceof HelpdeskError)) throw error;
      }
    }
  };
}
