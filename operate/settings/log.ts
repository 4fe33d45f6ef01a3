/** Which versions of settings there were: who saved them, when, and what they changed. */
import { loadFederation } from '#db/settings/settings.ts';
import { savedVersions, type SavedVersion } from '#db/settings/history.ts';
import { sideNames } from '#core/words/vocabulary.ts';
import type { Change } from '#operate/apply/difference.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, everywhere, inReach } from '#operate/rights.ts';
import { changesBetween } from './shown.ts';
import { neverSaved, subjectOf, subjectText, type Subject } from './subject.ts';

export type LoggedSettings = Pick<SavedVersion, 'subject' | 'version' | 'by' | 'at' | 'inForce'> & {
  /** Against the version before it; of the first one all that it sets. */
  readonly changes: readonly Change[];
};

const usual = 50;
const most = 500;

/**
 * Newest first; of a link with its sides and the profiles that these extend now.
 * @param what as subjectOf has it; absent: everything within reach
 * @param limit 50 unless given, 500 at most
 * @throws Refused not-a-subject, unknown-settings, wrong-limit
 */
export async function logSettings(
  operator: Operator,
  { what, limit = usual }: { readonly what?: string | undefined; readonly limit?: number | undefined } = {},
): Promise<readonly LoggedSettings[]> {
  allow(operator, 'settings-log');
  const { db, actor } = operator;
  if (!Number.isInteger(limit) || limit < 1 || limit > most)
    throw new Refused('wrong-limit', 'wrong', `a page has from 1 to ${most} versions, not ${limit}`);
  const subject = what === undefined ? null : subjectOf(what);
  if (subject?.kind === 'profile') allow(operator, 'settings-log', everywhere);
  if (subject !== null && subject.kind !== 'profile') inReach(operator, subject.link);
  const subjects = await subjectsOf(operator, subject);
  const found = await savedVersions(db, subjects, limit);
  if (found.length === 0 && subject !== null) throw await neverSaved({ db, actor }, subjectText(subject));
  return found.map(({ subject: of, version, by, at, inForce, before, settings, profile }) => ({
    ...{ subject: of, version, by, at, inForce },
    changes: changesBetween(of, before, { settings, profile }),
  }));
}

/** Null: of everything. */
async function subjectsOf(
  { db, actor }: Pick<Operator, 'db' | 'actor'>,
  subject: Subject | null,
): Promise<readonly string[] | null> {
  if (subject === null) {
    if (actor.reach === 'all') return null;
    return actor.reach.flatMap(ofLink);
  }
  if (subject.kind !== 'link') return [subjectText(subject)];
  const { sides } = await loadFederation(db);
  const profiles = sideNames.flatMap((name) => sides.get(`${subject.link}/${name}`)?.profile ?? []);
  // A profile concerns other links as well.
  const shared = actor.reach === 'all' ? profiles.map((profile) => `profiles/${profile}`) : [];
  return [...ofLink(subject.link), ...shared];
}

function ofLink(link: string): readonly string[] {
  return [`links/${link}`, ...sideNames.map((side) => `links/${link}/${side}`)];
}
