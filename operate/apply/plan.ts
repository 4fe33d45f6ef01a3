/** Plans the changes that bring the database to the state in the file. Pure. */
import { linkSettingsSchema, sideSchema } from '#core/rules/settings.ts';
import type { LinkSettings } from '#core/rules/settings.ts';
import type { Catalogue } from '#core/words/vocabulary.ts';
import type { StoredFederation, StoredInstance, StoredSide } from '#db/settings/settings.ts';
import { isSame } from './canonical.ts';
import { additions, differences } from './difference.ts';
import type { Change } from './difference.ts';
import type { Raw } from './merge.ts';
import type { DeskChange, Stored, Wanted, WantedInstance, WantedSide } from './types.ts';

export type Plan = {
  readonly changes: readonly Change[];
  readonly instances: readonly WantedInstance[];
  readonly catalogues: readonly NewCatalogue[];
  readonly desks: readonly (DeskChange & { readonly name: string })[];
  readonly profiles: ReadonlyMap<string, Raw>;
  readonly links: ReadonlyMap<string, LinkSettings>;
  readonly sides: readonly WantedSide[];
  /** Links that leave shadow mode. */
  readonly goingLive: readonly string[];
};

export type NewCatalogue = {
  readonly instance: string;
  readonly version: number;
  readonly catalogue: Catalogue;
};

/** The opened secrets of the stored instances, without instances whose secrets could not be opened. */
export type Opened = ReadonlyMap<string, Readonly<Record<string, string>>>;

export function planOf(stored: Stored, wanted: Wanted, opened: Opened, hashOf: (hookSecret: string) => string): Plan {
  const { federation } = stored;
  const changes: Change[] = [];
  /** Keeps the items with changes, and records the changes. */
  const changed = <Item>(item: Item, more: readonly Change[]): Item[] => {
    changes.push(...more);
    return more.length > 0 ? [item] : [];
  };

  const instances = wanted.instances.flatMap((instance) => {
    const before = federation.instances.get(instance.id);
    return changed(instance, instanceChanges(before, instance, opened.get(instance.id), hashOf));
  });
  const desks = wanted.desks.flatMap((desk) => {
    const name = wanted.instances.find(({ id }) => id === desk.id)?.name ?? desk.id;
    return changed({ ...desk, name }, deskChanges(desk));
  });
  const catalogues = [...wanted.catalogues].flatMap(([instance, catalogue]) => {
    const before = stored.catalogues.get(instance);
    if (before !== undefined && isSame(before.catalogue, catalogue)) return [];
    const version = (before?.version ?? 0) + 1;
    return changed({ instance, version, catalogue }, [catalogueChange(instance, version)]);
  });
  const profiles = [...wanted.profiles].flatMap((entry) => {
    const [id, profile] = entry;
    const before = federation.profiles.get(id);
    const path = ['profiles', id];
    if (before !== undefined) return changed(entry, differences(before, profile, path));
    const more = additions({}, profile, path);
    return changed(entry, more.length > 0 ? more : [{ op: 'add', path: path.join('.'), after: {} }]);
  });
  const links = [...wanted.links].flatMap((entry) => {
    const [id, settings] = entry;
    return changed(entry, linkChanges(federation, id, settings));
  });
  const sides = wanted.sides.flatMap((side) =>
    changed(side, sideChanges(federation.sides.get(`${side.link}/${side.name}`), side)),
  );
  return {
    changes,
    instances,
    desks,
    catalogues,
    profiles: new Map(profiles),
    links: new Map(links),
    sides,
    goingLive: [...wanted.links].flatMap(([id, { mode }]) =>
      mode === 'live' && federation.links.get(id)?.mode === 'shadow' ? [id] : [],
    ),
  };
}

function instanceChanges(
  before: StoredInstance | undefined,
  after: WantedInstance,
  opened: Readonly<Record<string, string>> | undefined,
  hashOf: (hookSecret: string) => string,
): Change[] {
  const path = ['instances', after.id];
  const shown = ({ type, name, url, options }: WantedInstance | StoredInstance): unknown => ({
    type,
    name,
    url,
    options,
  });
  const open =
    before === undefined
      ? additions({ options: {} }, shown(after), path)
      : differences(shown(before), shown(after), path);
  const names = new Set([...Object.keys(opened ?? {}), ...Object.keys(after.credentials)]);
  const secrets = [...names].flatMap((name) =>
    secretChange(`${path.join('.')}.credentials.${name}`, opened?.[name], after.credentials[name]),
  );
  // Store secrets again if the stored ones can't be opened, even if nothing else differs.
  if (before !== undefined && opened === undefined && names.size === 0)
    secrets.push({ op: 'change', path: `${path.join('.')}.credentials`, secret: true });
  const hash = after.hookSecret === null ? undefined : hashOf(after.hookSecret);
  const hook = secretChange(`${path.join('.')}.hookSecret`, before?.hookSecretHash ?? undefined, hash);
  return [...open, ...secrets, ...hook];
}

function secretChange(path: string, before: string | undefined, after: string | undefined): Change[] {
  if (before === after) return [];
  const op = before === undefined ? 'add' : after === undefined ? 'remove' : 'change';
  return [{ op, path, secret: true }];
}

function deskChanges({ id, kind, before, identity, lost }: DeskChange): Change[] {
  const path = `instances.${id}.identity`;
  const after = `${identity ?? 'not told'} (${kind === 'moved' ? 'moved' : 'another helpdesk'})`;
  return [
    { op: 'change', path, before: before ?? 'not told', after },
    ...lost.map(({ mirror, number, ticket }): Change => ({
      ...{ op: 'change', path: `instances.${id}.mirrors.${mirror}`, before: number ?? ticket, after: 'paused' },
    })),
  ];
}

function catalogueChange(instance: string, version: number): Change {
  const path = `instances.${instance}.catalogue`;
  return version === 1
    ? { op: 'add', path, after: 'version 1' }
    : { op: 'change', path, before: `version ${version - 1}`, after: `version ${version}` };
}

function linkChanges(federation: StoredFederation, id: string, settings: LinkSettings): Change[] {
  const path = ['links', id];
  const before = federation.links.get(id);
  if (before !== undefined) return differences(linkSettingsSchema.parse(before), settings, path);
  return [
    { op: 'add', path: `links.${id}.mode`, after: settings.mode },
    ...additions(linkSettingsSchema.parse({ mode: settings.mode }), settings, path),
  ];
}

function sideChanges(before: StoredSide | undefined, after: WantedSide): Change[] {
  const path = ['links', after.link, after.name];
  const shown = { instance: after.instance, ...extending(after.profile), ...after.settings };
  if (before === undefined) {
    const { inbound, outbound } = sideSchema.parse({ account: { name: '?' } });
    return additions({ inbound, outbound }, shown, path);
  }
  const stored = sideSchema.safeParse(before.settings);
  const changes = differences(
    {
      instance: before.instance,
      ...extending(before.profile),
      ...(stored.success ? stored.data : before.settings),
    },
    shown,
    path,
  );
  if (changes.length > 0 || isSame(before.own, after.own)) return changes;
  // The result is the same, but other keys are now the side's own.
  const [was, is] = [ownKeys(before.own), ownKeys(after.own)];
  return [{ op: 'change', path: `${path.join('.')} (its own keys)`, before: was, after: is }];
}

function extending(profile: string | null): { readonly extends?: string } {
  return profile === null ? {} : { extends: profile };
}

function ownKeys(own: Raw | null): string[] {
  return ['account', 'inbound', 'outbound'].flatMap((part) => {
    const value = own?.[part];
    return typeof value === 'object' && value !== null ? Object.keys(value).map((key) => `${part}.${key}`) : [];
  });
}
