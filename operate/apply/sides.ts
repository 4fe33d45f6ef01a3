/** One side of a link: its own keys merged with its profile's, and the mapping from the result back to the file. */
import { z } from 'zod';
import { accountSchema, inboundSchema, outboundSchema, sideSchema } from '#core/rules/settings.ts';
import type { SideSettings } from '#core/rules/settings.ts';
import type { SideName } from '#core/words/vocabulary.ts';
import type { Path } from './fault.ts';
import { mergeSide, originOf } from './merge.ts';
import type { Raw } from './merge.ts';
import { repair } from './repair.ts';

export type JoinedSide = {
  readonly own: Raw;
  readonly settings: SideSettings;
  /** Maps a path of `settings` to the file. */
  original(path: Path): Path;
  /** Paths in the file of faulty parts that were removed; lint need not report them again. */
  readonly removed: readonly Path[];
};

export type Part = {
  readonly value: Raw;
  readonly removed: readonly Path[];
  /** Absolute. */
  original(path: Path): Path;
};

const partSchema = z.strictObject({
  account: accountSchema.optional(),
  inbound: inboundSchema.optional(),
  outbound: outboundSchema.optional(),
});

/** Returns the usable keys of a side or profile. @param under its path in the file */
export function partOf(raw: unknown, under: Path): Part {
  const { account, inbound, outbound } = asMap(raw);
  const kept = repair(partSchema, dropAbsent({ account, inbound, outbound }));
  if (kept === null) return { value: {}, removed: [under], original: (path) => [...under, ...path] };
  return {
    value: asMap(kept.value),
    removed: kept.removed.map((path) => [...under, ...path]),
    original: (path) => [...under, ...kept.original(path)],
  };
}

export const noPart: Part = { value: {}, removed: [], original: (path) => path };

export function joinSide(own: Part, profile: Part, under: Path): JoinedSide {
  const hasAccount = own.value['account'] !== undefined;
  const merged = mergeSide(profile.value, own.value);
  return {
    own: own.value,
    // A missing account is already reported; check the rest anyway.
    settings: sideSchema.parse(hasAccount ? merged : { ...merged, account: { name: '?' } }),
    removed: [...own.removed, ...profile.removed, ...(hasAccount ? [] : [[...under, 'account']])],
    original: (path) =>
      originOf(path, profile.value, own.value) === 'own' ? own.original(path) : profile.original(path),
  };
}

export function asMap(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function dropAbsent(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined));
}

/** Returns a side from the file, or from the database if the file changes only its profile. */
export type SideInFile = {
  readonly link: string;
  readonly name: SideName;
  readonly instance: string | null;
  readonly profile: string | null;
  readonly joined: JoinedSide;
};

/** Returns null if the file has no map for it. */
export function sideOf(
  link: string,
  name: SideName,
  raw: unknown,
  profiles: ReadonlyMap<string, Part>,
): SideInFile | null {
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
