/** What each helpdesk offers: asked now, else as last stored, else unknown. */
import type { Catalogue } from '#core/vocabulary.ts';
import type { StoredCatalogue } from '#db/settings.ts';
import type { ApplyDeps, CatalogueTarget } from './types.ts';

export type KnownCatalogue =
  | { readonly kind: 'live'; readonly catalogue: Catalogue }
  | { readonly kind: 'stored'; readonly catalogue: Catalogue; readonly why: string; readonly readAt: string }
  | { readonly kind: 'unknown'; readonly why: string };

const patienceMs = 30_000;

export async function readCatalogues(
  targets: readonly CatalogueTarget[],
  stored: ReadonlyMap<string, StoredCatalogue>,
  deps: Pick<ApplyDeps, 'readCatalogue'>,
): Promise<Map<string, KnownCatalogue>> {
  const known = await Promise.all(
    targets.map(async (target) => [target.id, await readOne(target, stored.get(target.id), deps)] as const),
  );
  return new Map(known);
}

async function readOne(
  target: CatalogueTarget,
  stored: StoredCatalogue | undefined,
  deps: Pick<ApplyDeps, 'readCatalogue'>,
): Promise<KnownCatalogue> {
  try {
    const catalogue = await deps.readCatalogue(target, AbortSignal.timeout(patienceMs));
    return { kind: 'live', catalogue };
  } catch (error) {
    return fallBack(stored, whyOf(error, target));
  }
}

/** For instances that can't even be asked. */
export function fallBack(stored: StoredCatalogue | undefined, why: string): KnownCatalogue {
  if (stored === undefined) return { kind: 'unknown', why };
  return { kind: 'stored', catalogue: stored.catalogue, readAt: stored.readAt, why };
}

/** A HelpdeskError's own words; they hold no secrets. Of other errors only the kind. */
function whyOf(error: unknown, target: CatalogueTarget): string {
  if (error instanceof Error && error.name === 'HelpdeskError') {
    const isAuth = 'class' in error && error.class === 'auth';
    return isAuth ? `its helpdesk refused our credentials (${error.message})` : error.message;
  }
  if (error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError'))
    return `${new URL(target.url).host} did not answer within ${patienceMs / 1000} seconds`;
  return `reading it failed unexpectedly (${error instanceof Error ? error.name : 'unknown'})`;
}
