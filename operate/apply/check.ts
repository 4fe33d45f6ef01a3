/** Checks a links file against itself, the database and the helpdesks, and reports all faults together. */
import { linkSettingsSchema } from '#core/rules/settings.ts';
import type { LinkSettings } from '#core/rules/settings.ts';
import { sideNames } from '#core/words/vocabulary.ts';
import { cataloguesOf, changedTargets, usableCatalogues } from './catalogues.ts';
import type { CheckOptions } from './catalogues.ts';
import type { Source } from './document.ts';
import { sortFaults } from './fault.ts';
import type { Fault, Finding, Path } from './fault.ts';
import { likelyFindings } from './likely.ts';
import { checkInstance } from './instances.ts';
import type { CheckedInstance } from './instances.ts';
import { findingsOf } from './issues.ts';
import { checkDesks, type Said } from './which-desk.ts';
import { lintAll } from './lint.ts';
import { overlapFindings } from './overlaps.ts';
import type { Raw } from './merge.ts';
import { referenceFindings } from './references.ts';
import { remoteSides } from './remote.ts';
import { repair } from './repair.ts';
import { fileSchemaOf } from './schema.ts';
import { asMap, joinSide, noPart, partOf, sideOf } from './sides.ts';
import type { Part, SideInFile } from './sides.ts';
import type { ApplyDeps, Stored, Wanted, WantedSide } from './types.ts';

export type Checked = {
  readonly faults: readonly Fault[];
  readonly warnings: readonly string[];
  /** Other findings of lint: the settings can be saved, but deserve a look. */
  readonly advice: readonly Fault[];
  /** Valid only if there are no faults. */
  readonly wanted: Wanted;
};

export async function checkLinks(
  source: Source,
  stored: Stored,
  deps: ApplyDeps,
  options: CheckOptions & { readonly said: Said },
): Promise<Checked> {
  const remote = remoteSides(source.value, stored);
  const file = asMap(remote.value);
  const findings: Finding[] =
    source.value === undefined && source.isBroken ? [] : findingsOf(fileSchemaOf(deps.types), remote.value ?? {});
  findings.push(...remote.findings);
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
      const side = remote.has(`${id}/${name}`) ? null : sideOf(id, name, raw[name], profiles);
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
  const changed = await changedTargets(instances, stored, deps);
  const usable = usableCatalogues({ catalogues, instances, changed, options }, findings, warnings);
  const names = new Map([
    ...[...stored.federation.instances].map(([id, { name }]) => [id, name] as const),
    ...[...instances].map(([id, { wanted }]) => [id, wanted?.name ?? id] as const),
  ]);
  const desks = await checkDesks(instances, stored, deps, options.said);
  findings.push(...desks.findings);
  warnings.push(...desks.warnings);
  const linted = lintAll(sides, links, { usable, names, stored, isRemote: remote.has });
  findings.push(...linted.findings);
  warnings.push(...linted.warnings);
  const overlaps = overlapFindings(sides, stored, remote.has);
  findings.push(...overlaps.findings);
  warnings.push(...overlaps.warnings);

  const place = (finding: Finding): Fault =>
    finding.path.length > 0 && !source.has(finding.path.slice(0, 2))
      ? { ...source.place(finding), line: 0, column: 0 }
      : source.place(finding);
  return {
    faults: sortFaults([...source.faults, ...likelyFindings(findings, source).map(place)]),
    warnings,
    // Of a file that breaks off half of what is meant is missing.
    advice: source.isBroken ? [] : sortFaults(linted.advice.map(place)),
    wanted: {
      instances: [...instances.values()].flatMap(({ wanted }) => wanted ?? []),
      profiles: new Map(ids.profiles.map((id) => [id, profiles.get(id)?.value ?? {}])),
      links,
      sides: [...sides.values()].flatMap((side) => wantedSide(side)),
      desks: desks.changes,
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

/** Leaves out names that can't be ids, because they are already reported. */
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

function linkSettingsOf(raw: Raw): LinkSettings {
  const { customer: _customer, supplier: _supplier, ...rest } = raw;
  return linkSettingsSchema.parse(repair(linkSettingsSchema, rest)?.value ?? {});
}

/** Returns sides that the file does not contain, but whose profile it changes. */
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

function wantedSide(side: SideInFile): WantedSide[] {
  const { link, name, instance, profile, joined } = side;
  if (instance === null) return [];
  return [{ link, name, instance, profile, own: joined.own, settings: joined.settings }];
}
