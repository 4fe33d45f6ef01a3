/** Regularly asks peers for the state of the link and their catalogue for it, so that trouble there is visible here. */
import { isDeepStrictEqual } from 'node:util';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { reason } from '#core/words/reasons.ts';
import type { WireLink } from '#core/wire.ts';
import { saveCatalogue } from '#db/settings/apply-links.ts';
import { noteRot } from '#db/settings/rot.ts';
import { endRest } from '#db/carry/couriers.ts';
import { claimPeers, type PeerToAsk } from '#db/links/claim-peers.ts';
import { clearNotices, raiseNotice } from '#db/base/notices.ts';
import { savePeerSaid } from '#db/links/peers.ts';
import type { WorkDeps } from '#activities/deps.ts';

/** How often each peer is asked. Milliseconds. */
export const askEveryMs = 60_000;
/** A larger difference between the clocks is reported: it affects tokens and the times of actions. Milliseconds. */
const skewMs = 30_000;
const timeoutMs = 15_000;

export type RefreshDeps = Pick<WorkDeps, 'db' | 'cache' | 'peers' | 'log' | 'wake'>;

export function createRefreshPeers(deps: RefreshDeps, everyMs: number = askEveryMs): () => Promise<void> {
  return async () => {
    for (const peer of await claimPeers(deps.db, everyMs)) {
      try {
        await refresh(deps, peer);
      } catch (error) {
        // The courier's own attempts report that a peer is unreachable.
        if (!(error instanceof HelpdeskError)) throw error;
      }
    }
  };
}

async function refresh(deps: RefreshDeps, asked: PeerToAsk): Promise<void> {
  const { client } = await deps.peers.of(asked.link);
  const signal = AbortSignal.timeout(timeoutMs);
  const said = await client.link(signal);
  const offsetMs = Date.parse(said.now) - Date.now();
  const before = await savePeerSaid(deps.db, asked.link, said);
  await clearNotices(deps.db, asked.link, 'peer/auth');
  await tellStanding(deps, asked, said, before, offsetMs);
  if (asked.state !== 'active') return;
  // It has just accepted our token, so its courier need not wait for the next attempt; any failure there will be
  // reported by the courier.
  if (await endRest(deps.db, asked.far)) deps.wake([asked.far]);
  const catalogue = await client.catalogue(signal);
  const known = await deps.cache.catalogue(deps.db, asked.far, asked.catalogueVersion);
  if (asked.catalogueVersion > 0 && isDeepStrictEqual(plain(catalogue), plain(known))) return;
  const offered = asked.catalogueVersion > 0 ? known : null;
  const count = await noteRot(deps.db, asked.far, { before: offered, after: catalogue });
  if (count > 0) deps.log.warn({ link: asked.link, count }, 'settings no longer fit what the other side offers');
  await deps.db.transaction((tx) => saveCatalogue(tx, asked.far, asked.catalogueVersion + 1, catalogue));
}

/** Stored catalogues are JSON, where absent and undefined keys are the same. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

async function tellStanding(
  { db, log }: RefreshDeps,
  { link, desk, state }: PeerToAsk,
  said: WireLink,
  before: WireLink | null,
  offsetMs: number,
): Promise<void> {
  const rests = said.state === 'suspended' || said.state === 'quarantined';
  // If the link is also stopped here, that has been reported.
  if (rests && state === 'active') {
    const text = `${link}: ${desk} says that the link is ${said.state} there. ${said.reason?.text ?? ''}`.trim();
    if (before?.state !== said.state) log.warn({ link }, text);
    await raiseNotice(db, { link, cause: `peer/${said.state}`, text });
  }
  for (const other of ['suspended', 'quarantined']) {
    if (said.state !== other) await clearNotices(db, link, `peer/${other}`);
  }
  if (before !== null && before.fingerprint !== said.fingerprint) {
    const detail = "The other side's database was restored, cloned or moved.";
    await raiseNotice(db, {
      link,
      cause: `peer/fingerprint/${said.fingerprint}`,
      text: `${link}: ${reason('trouble', { desk, detail }).text}`,
    });
  }
  if (Math.abs(offsetMs) > skewMs) {
    const text = `${link}: the clock of ${desk} is ${Math.round(Math.abs(offsetMs) / 1000)} seconds ${offsetMs > 0 ? 'ahead of' : 'behind'} ours. Let both sides set their clocks by NTP.`;
    await raiseNotice(db, { link, cause: 'peer/clock', text });
  } else {
    await clearNotices(db, link, 'peer/clock');
  }
}
