/** What has versions, as people name it: a profile, a link's own settings, or one of its sides. */
import { suggestion } from '#core/words/nearest.ts';
import { sideNames, type SideName } from '#core/words/vocabulary.ts';
import { savedSubjects } from '#db/settings/history.ts';
import { reaches } from '#operate/rights.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';

export type Subject =
  | { readonly kind: 'profile'; readonly profile: string }
  | { readonly kind: 'link'; readonly link: string }
  | { readonly kind: 'side'; readonly link: string; readonly side: SideName };

/** The form that is stored, also in the audit. */
export function subjectText(subject: Subject): string {
  if (subject.kind === 'profile') return `profiles/${subject.profile}`;
  return subject.kind === 'link' ? `links/${subject.link}` : `links/${subject.link}/${subject.side}`;
}

/**
 * `profiles/msp`, `links/acme-north`, `links/acme-north/supplier`; of links also without `links/`.
 * @throws Refused not-a-subject
 */
export function subjectOf(text: string): Subject {
  const [first = '', second, third, ...more] = text.split('/');
  const parts = first === 'links' && second !== undefined ? [second, third] : [first, second];
  const [link = '', side] = parts;
  const isLong = more.length > 0 || (first !== 'links' && third !== undefined);
  if (first === 'profiles' && second !== undefined && second !== '' && third === undefined)
    return { kind: 'profile', profile: second };
  if (!isLong && link !== '' && side === undefined) return { kind: 'link', link };
  const found = sideNames.find((name) => name === side);
  if (!isLong && link !== '' && found !== undefined) return { kind: 'side', link, side: found };
  throw new Refused(
    'not-a-subject',
    'wrong',
    `"${text}" names no settings; write a link (acme-north), one of its sides (acme-north/supplier) or a profile (profiles/msp)`,
  );
}

/** The refusal unknown-settings, which names nothing that is out of the actor's reach */
export async function neverSaved({ db, actor }: Pick<Operator, 'db' | 'actor'>, subject: string): Promise<Refused> {
  const known = (await savedSubjects(db)).filter((one) => {
    const [kind, id = ''] = one.split('/');
    return kind === 'links' ? reaches(actor, id) : actor.reach === 'all';
  });
  return new Refused(
    'unknown-settings',
    'unknown',
    `nothing was ever saved as ${subject}. ${known.length === 0 ? 'No settings are there yet, see ferry apply.' : suggestion(subject, known)}`,
  );
}
