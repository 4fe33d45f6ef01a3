/** What each helpdesk offers: asked now, else as last stored, else unknown. */
import type { Catalogue } from '#core/words/vocabulary.ts';
import type { StoredCatalogue } from '#db/settings/settings.ts';
import type { Finding } from './fault.ts';
import type { CheckedInstance } from './instances.ts';
import { credentialsContext } from './types.ts';
import type { ApplyDeps, CatalogueTarget, Stored, WantedInstance } from './types.ts';

export type KnownCatalogue =
  | { readonly kind: 'live'; readonly catalogue: Catalogue }
  | { readonly kind: 'stored'; readonly catalogue: Catalogue; readonly why: string; readonly readAt: string }
  | { readonly kind: 'unknown'; readonly why: string };

export type CheckOptions = {
  /** Goes on where a helpdesk's catalogue is unknown. */
  readonly unchecked: boolean;
};

const patienceMs = 30_000;

async function readCatalogues(
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
function fallBack(stored: StoredCatalogue | undefined, why: string): KnownCatalogue {
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

/** Asks every helpdesk that is used, all at once. */
export async function cataloguesOf(
  used: ReadonlySet<string>,
  instances: ReadonlyMap<string, CheckedInstance>,
  stored: Stored,
  deps: ApplyDeps,
): Promise<Map<string, KnownCatalogue>> {
  const targets: CatalogueTarget[] = [];
  const unasked = new Map<string, KnownCatalogue>();
  for (const id of used) {
    const checked = instances.get(id);
    if (checked === undefined && !stored.federation.instances.has(id)) continue;
    const target = checked === undefined ? await storedTarget(id, stored, deps) : askable(checked);
    if (target !== null) targets.push(target);
    else unasked.set(id, fallBack(stored.catalogues.get(id), "it can't be asked as it is set up"));
  }
  return new Map([...unasked, ...(await readCatalogues(targets, stored.catalogues, deps))]);
}

function askable({ wanted, isReachable }: CheckedInstance): WantedInstance | null {
  return isReachable ? wanted : null;
}

async function storedTarget(id: string, stored: Stored, deps: ApplyDeps): Promise<CatalogueTarget | null> {
  const instance = stored.federation.instances.get(id);
  if (instance === undefined || deps.rulesOf(instance.type) === null) return null;
  try {
    const opened = await deps.open(instance.credentials, credentialsContext(id));
    return { ...instance, credentials: JSON.parse(opened) as Record<string, string> };
  } catch {
    return null;
  }
}

/** What lint may use; whatever else is to be said about catalogues is said here. */
export function usableCatalogues(
  catalogues: ReadonlyMap<string, KnownCatalogue>,
  instances: ReadonlyMap<string, CheckedInstance>,
  options: CheckOptions,
  findings: Finding[],
  warnings: string[],
): Map<string, Catalogue> {
  const usable = new Map<string, Catalogue>();
  for (const [id, known] of catalogues) {
    if (known.kind !== 'unknown') usable.set(id, known.catalogue);
    // An instance that is wrong is told as that.
    const isTold = instances.get(id)?.isReachable === false;
    if (known.kind === 'stored')
      warnings.push(`${id}: ${known.why}; checked against what it offered at ${known.readAt} instead.`);
    else if (known.kind === 'unknown' && !isTold && options.unchecked)
      warnings.push(`${id}: ${known.why}; its names were not checked (--unchecked).`);
    else if (known.kind === 'unknown' && !isTold)
      findings.push({
        code: "can't-be-checked",
        path: ['instances', id],
        at: 'key',
        message: `What ${id} offers is unknown, so its names can't be checked: ${known.why}.`,
        fix: 'Bring the helpdesk up and apply again, or apply with --unchecked.',
      });
  }
  return usable;
}
