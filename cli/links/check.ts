/** Checks a links file against itself, the database and the helpdesks, and finds everything that is wrong in one go. */
import { linkSettingsSchema } from '#core/settings.ts';
import type { LinkSettings } from '#core/settings.ts';
import type { Catalogue, SideName } from '#core/vocabulary.ts';
import { sideNames } from '#core/vocabulary.ts';
import type { StoredCatalogue, StoredFederation } from '#db/settings.ts';
import { fallBack, readCatalogues } from './catalogues.ts';
import type { KnownCatalogue } from './catalogues.ts';
import type { Source } from './document.ts';
import { sortFaults } from './fault.ts';
import type { Fault, Finding, Path } from './fault.ts';
import { checkInstance } from './instances.ts';
import type { CheckedInstance } from './instances.ts';
import { findingsOf } from './issues.ts';
import { lintFindings } from './lint.ts';
import type { LintSide } from './lint.ts';
import type { Raw } from './merge.ts';
import { suggestion } from '#core/nearest.ts';
import { repair } from './repair.ts';
import { fileSchema } from './schema.ts';
import { asMap, joinSide, noPart, partOf } from './sides.ts';
import type { JoinedSide, Part } from './sides.ts';
import type { ApplyDeps, CatalogueTarget, Wanted, WantedInstance, WantedSide } from './types.ts';
import { credentialsContext } from './types.ts';

export type CheckOptions = {
  /** Goes on where a helpdesk's catalogue is unknown. */
  readonly unchecked: boolean;
};

export type Checked = {
  readonly faults: readonly Fault[];
  readonly warnings: readonly string[];
  /** Meaningful only without faults. */
  readonly wanted: Wanted;
};

export type Stored = {
  readonly federation: StoredFederation;
  readonly catalogues: ReadonlyMap<string, StoredCatalogue>;
};

export async function checkLinks(
  source: Source,
  stored: Stored,
  deps: ApplyDeps,
  options: CheckOptions,
): Promise<Checked> {
  const file = asMap(source.value);
  const findings: Finding[] =
    source.value === undefined && source.isBroken ? [] : findingsOf(fileSchema, source.value ?? {});
  if (source.value === null || (source.value === undefined && !source.isBroken)) findings.push(emptyFile);
  const ids = idsOf(file, findings);
  const warnings: string[] = [];

  const instances = await checkInstances(file, ids.instances, stored, deps);
  for (const { findings: more } of instances.values()) findings.push(...more);

  const profiles = new Map<string, Part>(
    [...stored.federation.profiles].map(([id, raw]) => [id, { ...noPart, value: raw }]),
  );
  for (const id of ids.profiles) profiles.set(id, partOf(asMap(file['profiles'])[id], ['profiles', id]));

  const links = new Map<string, LinkSettings>();
  const sides = new Map<string, SideInFile>();
  for (const id of ids.links) {
    const raw = asMap(asMap(file['links'])[id]);
    links.set(id, linkSettingsOf(raw));
    const both = sideNames.flatMap((name) => {
      const side = sideOf(id, name, raw[name], profiles);
      if (side === null) return [];
      sides.set(`${id}/${name}`, side);
      return [side];
    });
    findings.push(...referenceFindings(both, instances, stored, profiles));
  }
  const changedProfiles = new Set(ids.profiles);
  for (const side of inheriting(stored, sides, changedProfiles, profiles)) sides.set(`${side.link}/${side.name}`, side);

  const used = new Set([...sides.values()].flatMap((side) => side.instance ?? []));
  const catalogues = await cataloguesOf(used, instances, stored, deps);
  const usable = usableCatalogues(catalogues, instances, options, findings, warnings);
  const names = new Map([
    ...[...stored.federation.instances].map(([id, { name }]) => [id, name] as const),
    ...[...instances].map(([id, { wanted }]) => [id, wanted?.name ?? id] as const),
  ]);
  findings.push(...lintAll(sides, links, usable, names, stored));

  const place = (finding: Finding): Fault =>
    finding.path.length > 0 && !source.has(finding.path.slice(0, 2))
      ? { ...source.place(finding), line: 0, column: 0 }
      : source.place(finding);
  const shown = source.isBroken ? findings.filter((finding) => finding.code !== 'missing-key') : findings;
  return {
    faults: sortFaults([...source.faults, ...shown.map(place)]),
    warnings,
    wanted: {
      instances: [...instances.values()].flatMap(({ wanted }) => wanted ?? []),
      profiles: new Map(ids.profiles.map((id) => [id, profiles.get(id)?.value ?? {}])),
      links,
      sides: [...sides.values()].flatMap((side) => wantedSide(side)),
      catalogues: new Map(
        [...catalogues].flatMap(([id, known]) => (known.kind === 'live' ? [[id, known.catalogue] as const] : [])),
      ),
    },
  };
}

const emptyFile: Finding = {
  code: 'empty-file',
  path: [],
  message: 'The file is empty.',
  fix: 'Write instances and links; docs/settings.md shows them.',
};

type Ids = {
  readonly instances: readonly string[];
  readonly profiles: readonly string[];
  readonly links: readonly string[];
};

/** What can't be an id is told already, and is left out of everything else. */
function idsOf(file: Raw, findings: readonly Finding[]): Ids {
  const wrong = new Set(
    findings.flatMap(({ code, path }) => (code === 'wrong-id' ? [path.slice(0, 2).join('/')] : [])),
  );
  const of = (key: string): string[] => Object.keys(asMap(file[key])).filter((id) => !wrong.has(`${key}/${id}`));
  return { instances: of('instances'), profiles: of('profiles'), links: of('links') };
}

async function checkInstances(
  file: Raw,
  ids: readonly string[],
  stored: Stored,
  deps: ApplyDeps,
): Promise<Map<string, CheckedInstance>> {
  const checked = await Promise.all(
    ids.map(async (id) => {
      const storedType = stored.federation.instances.get(id)?.type;
      const raw = asMap(file['instances'])[id];
      return [id, await checkInstance(id, raw, storedType, deps)] as const;
    }),
  );
  return new Map(checked);
}

type SideInFile = {
  readonly link: string;
  readonly name: SideName;
  readonly instance: string | null;
  readonly profile: string | null;
  readonly joined: JoinedSide;
};

function sideOf(link: string, name: SideName, raw: unknown, profiles: ReadonlyMap<string, Part>): SideInFile | null {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return null;
  const { instance, extends: profile } = raw as Record<string, unknown>;
  const under: Path = ['links', link, name];
  const base = typeof profile === 'string' ? profiles.get(profile) : undefined;
  return {
    link,
    name,
    instance: typeof instance === 'string' ? instance : null,
    profile: typeof profile === 'string' ? profile : null,
    joined: joinSide(partOf(raw, under), base ?? noPart, under),
  };
}

function linkSettingsOf(raw: Raw): LinkSettings {
  const { customer: _customer, supplier: _supplier, ...rest } = raw;
  return linkSettingsSchema.parse(repair(linkSettingsSchema, rest)?.value ?? {});
}

function referenceFindings(
  both: readonly SideInFile[],
  instances: ReadonlyMap<string, CheckedInstance>,
  stored: Stored,
  profiles: ReadonlyMap<string, Part>,
): Finding[] {
  const findings: Finding[] = [];
  const known = [...new Set([...instances.keys(), ...stored.federation.instances.keys()])];
  for (const { link, name, instance, profile } of both) {
    const path: Path = ['links', link, name];
    if (instance !== null && !known.includes(instance))
      findings.push({
        code: 'unknown-instance',
        path: [...path, 'instance'],
        message: `There is no instance "${instance}".`,
        fix: suggestion(instance, known),
      });
    if (profile !== null && !profiles.has(profile))
      findings.push({
        code: 'unknown-profile',
        path: [...path, 'extends'],
        message: `There is no profile "${profile}".`,
        fix: suggestion(profile, [...profiles.keys()]),
      });
    const before = stored.federation.sides.get(`${link}/${name}`)?.instance;
    if (before !== undefined && instance !== null && before !== instance)
      findings.push({
        code: 'instance-fixed',
        path: [...path, 'instance'],
        message: `The ${name} of this link is ${before}, and its tickets are there.`,
        fix: 'Add a link with an id of its own for the other helpdesk.',
      });
  }
  const [customer, supplier] = both;
  if (customer?.instance && customer.instance === supplier?.instance)
    findings.push({
      code: 'same-instance',
      path: ['links', supplier.link, 'supplier', 'instance'],
      message: 'Customer and supplier are the same instance.',
      fix: 'Name the other helpdesk.',
    });
  return findings;
}

/** Sides that the file does not name, but whose profile it changes. */
function inheriting(
  stored: Stored,
  inFile: ReadonlyMap<string, SideInFile>,
  changed: ReadonlySet<string>,
  profiles: ReadonlyMap<string, Part>,
): SideInFile[] {
  return [...stored.federation.sides.values()].flatMap((side) => {
    if (side.profile === null || side.own === null || !changed.has(side.profile)) return [];
    if (inFile.has(side.side)) return [];
    const under: Path = ['links', side.link, side.name];
    const own: Part = { value: side.own, removed: [], original: (path) => [...under, ...path] };
    const { link, name, instance, profile } = side;
    const joined = joinSide(own, profiles.get(profile) ?? noPart, under);
    return [{ link, name, instance, profile, joined }];
  });
}

async function cataloguesOf(
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
function usableCatalogues(
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

function lintAll(
  sides: ReadonlyMap<string, SideInFile>,
  links: ReadonlyMap<string, LinkSettings>,
  catalogues: ReadonlyMap<string, Catalogue>,
  names: ReadonlyMap<string, string>,
  stored: Stored,
): Finding[] {
  const ids = new Set([...links.keys(), ...[...sides.values()].map((side) => side.link)]);
  return [...ids].flatMap((link) => {
    const [customer, supplier] = sideNames.map((name) => lintSide(link, name, sides, stored));
    if (!customer || !supplier) return [];
    return lintFindings({ customer, supplier, catalogues, names });
  });
}

function lintSide(
  link: string,
  name: SideName,
  sides: ReadonlyMap<string, SideInFile>,
  stored: Stored,
): LintSide | null {
  const inFile = sides.get(`${link}/${name}`);
  if (inFile !== undefined) return inFile;
  const side = stored.federation.sides.get(`${link}/${name}`);
  if (side === undefined) return null;
  const original = (path: Path): Path => ['links', link, name, ...path];
  return {
    instance: side.instance,
    joined: { own: side.own ?? {}, settings: side.settings, removed: [], original },
  };
}

function wantedSide(side: SideInFile): WantedSide[] {
  const { link, name, instance, profile, joined } = side;
  if (instance === null) return [];
  return [{ link, name, instance, profile, own: joined.own, settings: joined.settings }];
}
