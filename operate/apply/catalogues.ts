/** Gets what each helpdesk offers: from the helpdesk, or else as last stored, or else unknown. */
import type { Catalogue } from '#core/words/vocabulary.ts';
import type { StoredCatalogue } from '#db/settings/settings.ts';
import { isSame } from './canonical.ts';
import type { Finding } from './fault.ts';
import type { CheckedInstance } from './instances.ts';
import { credentialsContext } from './types.ts';
import type { ApplyDeps, CatalogueTarget, Stored, WantedInstance } from './types.ts';

export type KnownCatalogue =
  | { readonly kind: 'live'; readonly catalogue: Catalogue }
  | ({ readonly kind: 'stored'; readonly catalogue: Catalogue; readonly readAt: string } & Trouble)
  | ({ readonly kind: 'unknown' } & Trouble);

/** Why a helpdesk could not be asked. */
type Trouble = {
  /** The end of a sentence, without its full stop. */
  readonly why: string;
  /** The setting of the instance that is most probably wrong. */
  readonly at: readonly string[];
  readonly fix: string;
};

export type CheckOptions = {
  /** Continues even if a helpdesk's catalogue is unknown. */
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
    return fallBack(stored, troubleOf(error, target));
  }
}

/** The fault for instances that can't even be asked. */
function fallBack(stored: StoredCatalogue | undefined, trouble: Trouble): KnownCatalogue {
  if (stored === undefined) return { kind: 'unknown', ...trouble };
  return { kind: 'stored', catalogue: stored.catalogue, readAt: stored.readAt, ...trouble };
}

/** Describes a failure: the words of a HelpdeskError, which contain no secrets, or only the type of another error. */
function troubleOf(error: unknown, target: CatalogueTarget): Trouble {
  const { host } = new URL(target.url);
  if (error instanceof Error && error.name === 'HelpdeskError') {
    const { code, class: errorClass } = error as Error & { readonly code?: unknown; readonly class?: unknown };
    return { why: withoutStop(error.message), ...whereIs(String(errorClass), String(code), target) };
  }
  if (error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError'))
    return { why: `${host} did not answer within ${patienceMs / 1000} seconds`, ...unreachable };
  return {
    why: `reading it failed unexpectedly (${error instanceof Error ? error.name : 'unknown'})`,
    at: [],
    fix: 'Check the URL and the credentials.',
  };
}

const unreachable = {
  at: ['url'],
  fix: 'Check the URL, and that the helpdesk is running and reachable from this machine.',
};

function whereIs(errorClass: string, code: string, { credentials }: CatalogueTarget): Omit<Trouble, 'why'> {
  if (errorClass === 'auth')
    return {
      at: ['credentials'],
      fix: `The helpdesk refuses them: renew ${Object.keys(credentials).join(' or ') || 'them'} in the place that the file names.`,
    };
  if (code === 'address-not-allowed' || code === 'url-not-allowed')
    return { at: ['url'], fix: 'Correct the URL, or FERRY_ALLOW_ADDRESSES of this command and the workers.' };
  if (code === 'setup-incomplete' || code === 'not-permitted')
    return { at: [], fix: "Set the helpdesk up as its connector's page describes." };
  // Whether something answers or nothing does, it is not the helpdesk.
  return unreachable;
}

function withoutStop(text: string): string {
  let end = text.length;
  while (end > 0 && /[.;,:\s]/.test(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end).trimStart();
}

/** Asks every helpdesk that the file uses, all at once. */
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
    if (target !== null) targets.push({ ...target, learned: learnedAt(target, stored) });
    else unasked.set(id, fallBack(stored.catalogues.get(id), notAskable));
  }
  return new Map([...unasked, ...(await readCatalogues(targets, stored.catalogues, deps))]);
}

/** Says nothing about another server. */
function learnedAt({ id, url }: CatalogueTarget, { federation }: Stored): CatalogueTarget['learned'] {
  const before = federation.instances.get(id);
  return before?.url === url ? before.learned : undefined;
}

const notAskable: Trouble = {
  why: "its settings don't allow asking it",
  at: [],
  fix: 'Correct its other faults first.',
};

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

/**
 * Returns the instances whose address, credentials or options in the file differ from the stored ones, because their stored
 * catalogue may be another helpdesk's. If stored credentials can't be opened, the instance counts as changed.
 */
export async function changedTargets(
  instances: ReadonlyMap<string, CheckedInstance>,
  stored: Stored,
  deps: Pick<ApplyDeps, 'open'>,
): Promise<Set<string>> {
  const changed = new Set<string>();
  for (const [id, { wanted }] of instances) {
    const before = stored.federation.instances.get(id);
    if (wanted === null || before === undefined) continue;
    const opened = await deps.open(before.credentials, credentialsContext(id)).catch(() => 'null');
    const isSameDesk =
      before.url === wanted.url &&
      isSame(before.options, wanted.options) &&
      isSame(JSON.parse(opened) as unknown, wanted.credentials);
    if (!isSameDesk) changed.add(id);
  }
  return changed;
}

export type UsableInput = {
  readonly catalogues: ReadonlyMap<string, KnownCatalogue>;
  readonly instances: ReadonlyMap<string, CheckedInstance>;
  /** See changedTargets. */
  readonly changed: ReadonlySet<string>;
  readonly options: CheckOptions;
};

/** Returns the catalogues that lint may use, and reports everything else about catalogues. */
export function usableCatalogues(
  { catalogues, instances, changed, options }: UsableInput,
  findings: Finding[],
  warnings: string[],
): Map<string, Catalogue> {
  const usable = new Map<string, Catalogue>();
  for (const [id, known] of catalogues) {
    if (known.kind !== 'unknown') usable.set(id, known.catalogue);
    // An instance with faults is already reported.
    if (known.kind === 'live' || (known.kind === 'unknown' && instances.get(id)?.isReachable === false)) continue;
    const isFault = (known.kind === 'unknown' || changed.has(id)) && !options.unchecked;
    if (isFault)
      findings.push({
        code: "can't-be-checked",
        path: ['instances', id, ...known.at],
        at: 'key',
        message:
          known.kind === 'unknown'
            ? `What ${id} offers is unknown, so its names can't be checked: ${known.why}.`
            : `The settings of ${id} have changed, and it could not be asked: ${known.why}.`,
        fix: `${known.fix} Then apply again, or apply with --unchecked.`,
      });
    else if (known.kind === 'stored')
      warnings.push(`${id}: ${known.why}; checked against what it offered at ${known.readAt} instead.`);
    else warnings.push(`${id}: ${known.why}; its names were not checked (--unchecked).`);
  }
  return usable;
}
