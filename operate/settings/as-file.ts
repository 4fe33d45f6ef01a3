/** A saved version as the links file that brings it back: with what the link has besides, as it is now. Pure. */
import { linkSettingsSchema } from '#core/rules/settings.ts';
import { isRemote } from '#core/words/reach.ts';
import { sideNames } from '#core/words/vocabulary.ts';
import type { SavedVersion } from '#db/settings/history.ts';
import type { StoredFederation, StoredSide } from '#db/settings/settings.ts';
import type { Subject } from './subject.ts';

type Raw = Readonly<Record<string, unknown>>;

/** Null where the link is no longer there. */
export function fileOf(subject: Subject, saved: SavedVersion, federation: StoredFederation): Raw | null {
  if (subject.kind === 'profile') return { profiles: { [subject.profile]: saved.settings } };
  const { link } = subject;
  const own = federation.links.get(link);
  if (own === undefined) return null;
  const sides = sideNames.flatMap((name) => {
    const now = federation.sides.get(`${link}/${name}`);
    // Who is on the other side sets its own.
    if (now === undefined || isRemote(federation.instances.get(now.instance)?.type ?? '')) return [];
    return [[name, sideOf(subject.kind === 'side' && subject.side === name ? { ...now, ...saved } : now)] as const];
  });
  const settings = subject.kind === 'link' ? saved.settings : linkSettingsSchema.parse(own);
  return { links: { [link]: { ...settings, ...Object.fromEntries(sides) } } };
}

/** Where it was not kept what the side sets itself, it sets all of it, and extends nothing. */
function sideOf({
  instance,
  profile,
  own,
  settings,
}: Pick<StoredSide, 'instance' | 'profile' | 'own'> & { readonly settings: unknown }): Raw {
  if (own === null) return { instance, ...(settings as Raw) };
  return { instance, ...(profile === null ? {} : { extends: profile }), ...own };
}
