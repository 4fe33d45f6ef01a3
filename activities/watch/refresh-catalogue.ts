/** Regularly reads an instance's catalogue again, so that decisions use what the helpdesk offers today. */
import { isDeepStrictEqual } from 'node:util';
import { saveCatalogue } from '#db/settings/apply-links.ts';
import { claimCatalogue } from '#db/settings/catalogue-age.ts';
import { noteRot } from '#db/settings/rot.ts';
import type { DrivenDesk, WorkDeps } from '#activities/deps.ts';

const olderThanMs = 60 * 60_000;

export async function refreshCatalogue(deps: WorkDeps, desk: DrivenDesk, signal: AbortSignal): Promise<void> {
  const stale = await claimCatalogue(deps.db, desk.instance, olderThanMs);
  if (stale === null) return;
  const catalogue = await desk.helpdesk.catalogue(signal);
  const before = await deps.cache.catalogue(deps.db, desk.instance, stale.version);
  // Stored catalogues are JSON, where absent and undefined keys are the same.
  if (isDeepStrictEqual(JSON.parse(JSON.stringify(catalogue)), before)) return;
  const count = await noteRot(deps.db, desk.instance, { before, after: catalogue });
  if (count > 0) deps.log.warn({ instance: desk.instance, count }, 'settings no longer fit what the desk offers');
  await deps.db.transaction((tx) => saveCatalogue(tx, desk.instance, stale.version + 1, catalogue));
}
