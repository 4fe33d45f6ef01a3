/** Applies a links file to the database, or reports the file's faults. */
import { createHash } from 'node:crypto';
import {
  endShadow,
  lockSettings,
  saveCatalogue,
  saveInstance,
  saveLink,
  saveProfile,
  saveSide,
} from '#db/settings/apply-links.ts';
import {
  mirroredInstances,
  mirroredTickets,
  moveDesk,
  replaceDesk,
  type MirroredTicket,
} from '#db/settings/which-desk.ts';
import type { AuditEntry } from '#db/base/audit.ts';
import type { Db, Tx } from '#db/base/client.ts';
import { ticketEntity } from '#core/words/ref.ts';
import { startFeed, type FirstPosition } from '#db/log/feeds.ts';
import { clearMended, noteRot } from '#db/settings/rot.ts';
import { latestCatalogues, loadFederation } from '#db/settings/settings.ts';
import { change, changed, unchanged } from '#operate/change.ts';
import type { AsIf, HelpdeskOperator, Operator } from '#operate/operator.ts';
import { allow, everywhere } from '#operate/rights.ts';
import { canonical } from './canonical.ts';
import { checkLinks } from './check.ts';
import type { Change } from './difference.ts';
import { readSource, type Source } from './document.ts';
import type { Fault } from './fault.ts';
import { planOf } from './plan.ts';
import type { Opened, Plan } from './plan.ts';
import type { ApplyDeps, SecretSource, Stored, Wanted } from './types.ts';
import { credentialsContext } from './types.ts';

/** The parts of an operator that it needs. */
type Bringing = Pick<HelpdeskOperator, 'db' | 'actor' | 'seal' | 'open' | 'wake' | 'helpdesks'>;

/** Time limit for one helpdesk, milliseconds. */
const patienceMs = 30_000;

export type ApplyOptions = {
  readonly dryRun?: boolean;
  /** Continues even if a helpdesk can't be asked what it offers and has never been asked. */
  readonly unchecked?: boolean;
  /** Instances whose helpdesk moved to another address: Ferry reads their mirrored tickets one by one. */
  readonly moved?: readonly string[];
  /** Instances that now are a different helpdesk: mirrors with the earlier one end. */
  readonly replaced?: readonly string[];
  /** Receives the settings that would be in force, before confirmation; not called if nothing changes. */
  readonly consider?: (asIf: AsIf) => Promise<void>;
  /** Confirms before anything is stored; if absent, yes. */
  readonly confirm?: (preview: Preview) => Promise<boolean>;
};

export type Preview = {
  readonly changes: readonly Change[];
  readonly warnings: readonly string[];
  /** What lint found that can be saved all the same. */
  readonly advice: readonly Fault[];
};

export type ApplyResult = Preview &
  (
    | { readonly outcome: 'wrong'; readonly faults: readonly Fault[] }
    | { readonly outcome: 'unchanged' | 'dry-run' | 'declined' | 'applied' }
    /** Somebody changed settings while the user reviewed the difference. */
    | { readonly outcome: 'overtaken' }
  );

/**
 * Applies the whole file in one transaction, or nothing. Throws only errors of the database, and Refused not-allowed.
 * @param secrets reads the secrets that the file names
 */
export async function applyLinks(
  operator: HelpdeskOperator,
  yamlText: string,
  secrets: SecretSource,
  options: ApplyOptions = {},
): Promise<ApplyResult> {
  allow(operator, 'apply', everywhere);
  return bringTo(operator, readSource(yamlText), secrets, options, { what: 'apply', detail: {} });
}

/** For verbs that have asked for their own right. @param as what the audit says of it */
export async function bringTo(
  operator: Bringing,
  source: Source,
  secrets: SecretSource,
  options: ApplyOptions,
  as: Pick<AuditEntry, 'what' | 'detail'>,
): Promise<ApplyResult> {
  const { db, helpdesks, open } = operator;
  const deps: ApplyDeps = { ...helpdesks, ...secrets, open };
  const said = { moved: options.moved ?? [], replaced: options.replaced ?? [] };
  const stored = await loadStored(db, said.moved);
  const { faults, warnings, advice, wanted } = await checkLinks(source, stored, deps, {
    unchecked: options.unchecked ?? false,
    said,
  });
  if (faults.length > 0) return { outcome: 'wrong', faults, changes: [], warnings, advice };

  const opened = await openAll(stored, wanted, operator);
  const plan = planOf(stored, wanted, opened, sha256);
  const preview: Preview = { changes: plan.changes, warnings, advice };
  if (plan.changes.length === 0) return { outcome: 'unchanged', ...preview };
  await options.consider?.(asIfStored(plan));
  if (options.dryRun === true) return { outcome: 'dry-run', ...preview };
  if (options.confirm !== undefined && !(await options.confirm(preview))) return { outcome: 'declined', ...preview };

  const sealed = await sealAll(plan, operator);
  // Ask last: Ferry carries everything after this position, whichever process reads it first.
  const { begins, unasked } = await whereAllBegin(plan, stored, deps);
  const isStored = await change(operator, async (tx) => {
    await lockSettings(tx);
    const again = planOf(await loadStored(tx, said.moved), wanted, opened, sha256);
    if (canonical(again.changes) !== canonical(plan.changes)) return unchanged(false);
    await tellRot(tx, plan, stored);
    await store(tx, plan, sealed, operator.actor.name);
    for (const link of linksOf(plan)) await clearMended(tx, link);
    for (const [instance, first] of begins) await startFeed(tx, { instance, entity: ticketEntity }, first);
    const [first, ...others] = auditOf(plan, as);
    return first === undefined ? unchanged(true) : changed(true, first, ...others);
  });
  if (!isStored) return { outcome: 'overtaken', ...preview };
  await operator.wake([]);
  return { outcome: 'applied', ...preview, warnings: [...warnings, ...unasked] };
}

/** Links that the file does not touch, of desks that were found to offer something else. */
async function tellRot(tx: Tx, plan: Plan, { catalogues }: Stored): Promise<void> {
  for (const { instance, catalogue } of plan.catalogues) {
    const before = catalogues.get(instance)?.catalogue;
    if (before !== undefined) await noteRot(tx, instance, { before, after: catalogue }, linksOf(plan));
  }
}

/** Whose settings are saved. */
function linksOf({ links, sides }: Plan): ReadonlySet<string> {
  return new Set([...links.keys(), ...sides.map(({ link }) => link)]);
}

function asIfStored({ sides, catalogues }: Plan): AsIf {
  return {
    sides: new Map(sides.map(({ link, name, settings }) => [`${link}/${name}`, settings])),
    catalogues: new Map(catalogues.map(({ instance, catalogue }) => [instance, catalogue])),
  };
}

/** Returns the current position of each new instance's desk. If a desk can't be asked, its first worker sets the position. */
async function whereAllBegin(
  plan: Plan,
  stored: Stored,
  { liveFrom }: Pick<ApplyDeps, 'liveFrom'>,
): Promise<{ readonly begins: ReadonlyMap<string, FirstPosition>; readonly unasked: readonly string[] }> {
  const begins = new Map<string, FirstPosition>();
  const unasked: string[] = [];
  if (liveFrom === undefined) return { begins, unasked };
  const fresh = plan.instances.filter(({ id }) => stored.federation.instances.get(id)?.liveSince == null);
  await Promise.all(
    fresh.map(async (target) => {
      try {
        begins.set(target.id, await liveFrom(target, AbortSignal.timeout(patienceMs)));
      } catch {
        unasked.push(
          `${target.id} could not be asked for its current position, so Ferry starts when a worker first reaches it; earlier actions are not carried.`,
        );
      }
    }),
  );
  return { begins, unasked };
}

async function loadStored(db: Db, moved: readonly string[]): Promise<Stored> {
  const federation = await loadFederation(db);
  const mirroredTicketsOf = new Map<string, readonly MirroredTicket[]>();
  for (const id of moved) mirroredTicketsOf.set(id, await mirroredTickets(db, id));
  return {
    federation,
    catalogues: await latestCatalogues(db, [...federation.instances.keys()]),
    mirrored: await mirroredInstances(db),
    mirroredTickets: mirroredTicketsOf,
  };
}

async function openAll(stored: Stored, wanted: Wanted, deps: Pick<Operator, 'open'>): Promise<Opened> {
  const opened = new Map<string, Readonly<Record<string, string>>>();
  for (const { id } of wanted.instances) {
    const sealed = stored.federation.instances.get(id)?.credentials;
    if (sealed === undefined) continue;
    try {
      const text = await deps.open(sealed, credentialsContext(id));
      opened.set(id, JSON.parse(text) as Record<string, string>);
    } catch {
      // The key was lost, but the file has the secrets, so store them again.
    }
  }
  return opened;
}

async function sealAll(plan: Plan, { seal }: Pick<Operator, 'seal'>): Promise<Map<string, string>> {
  const sealed = new Map<string, string>();
  for (const { id, credentials } of plan.instances)
    sealed.set(id, await seal(JSON.stringify(credentials), credentialsContext(id)));
  return sealed;
}

async function store(tx: Tx, plan: Plan, sealed: ReadonlyMap<string, string>, by: string): Promise<void> {
  for (const { id, type, name, url, options, hookSecret } of plan.instances)
    await saveInstance(tx, {
      id,
      type,
      name,
      url,
      options,
      credentials: sealed.get(id) ?? '',
      hookSecretHash: hookSecret === null ? null : sha256(hookSecret),
    });
  for (const { id, name, kind, identity, lost } of plan.desks) {
    if (kind === 'moved') await moveDesk(tx, id, identity, lost);
    else await replaceDesk(tx, id, name, identity);
  }
  for (const { instance, version, catalogue } of plan.catalogues) await saveCatalogue(tx, instance, version, catalogue);
  for (const [id, profile] of plan.profiles) await saveProfile(tx, id, profile, by);
  for (const [id, settings] of plan.links) await saveLink(tx, id, settings, by);
  for (const side of plan.sides) await saveSide(tx, { ...side, by });
  for (const link of plan.goingLive) await endShadow(tx, link);
}

/** Lists each changed thing with its lines of the difference; secrets only by name. */
function auditOf(plan: Plan, { what, detail }: Pick<AuditEntry, 'what' | 'detail'>): AuditEntry[] {
  const bySubject = new Map<string, Change[]>();
  for (const change of plan.changes) {
    const [kind = '', id = ''] = change.path.split('.');
    const subject = `${kind}/${id}`;
    bySubject.set(subject, [...(bySubject.get(subject) ?? []), change]);
  }
  return [...bySubject].map(([subject, changes]) => ({ what, subject, detail: { ...detail, changes } }));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
