/** What differs between two versions of the same settings. */
import { latestVersion, savedVersion, type SavedVersion } from '#db/settings/history.ts';
import type { Change } from '#operate/apply/difference.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, everywhere, inReach } from '#operate/rights.ts';
import { changesBetween } from './shown.ts';
import { neverSaved, subjectOf, subjectText } from './subject.ts';

export type DiffedSettings = {
  readonly subject: string;
  readonly from: Pick<SavedVersion, 'version' | 'by' | 'at'>;
  readonly to: Pick<SavedVersion, 'version' | 'by' | 'at'>;
  readonly changes: readonly Change[];
};

/**
 * @param from if absent, the version preceding `to`
 * @param to absent: the one in force
 * @throws Refused not-a-subject, unknown-settings, unknown-version, first-version
 */
export async function diffSettings(
  operator: Operator,
  what: string,
  { from, to }: { readonly from?: number | undefined; readonly to?: number | undefined } = {},
): Promise<DiffedSettings> {
  allow(operator, 'settings-log');
  const named = subjectOf(what);
  if (named.kind === 'profile') allow(operator, 'settings-log', everywhere);
  else inReach(operator, named.link);
  const subject = subjectText(named);
  const latest = await latestVersion(operator.db, subject);
  if (latest === 0) throw await neverSaved(operator, subject);
  const later = to ?? latest;
  const earlier = from ?? later - 1;
  if (from === undefined && later === 1)
    throw new Refused(
      'first-version',
      'state',
      `${subject} has only one version up to there; there is nothing before it`,
    );
  const before = await versionOf(operator, subject, earlier, latest);
  const after = await versionOf(operator, subject, later, latest);
  return { subject, from: head(before), to: head(after), changes: changesBetween(subject, before, after) };
}

function head({ version, by, at }: SavedVersion): DiffedSettings['from'] {
  return { version, by, at };
}

/** @throws Refused unknown-version */
export async function versionOf(
  { db }: Pick<Operator, 'db'>,
  subject: string,
  version: number,
  latest: number,
): Promise<SavedVersion> {
  const found = await savedVersion(db, subject, version);
  if (found !== null) return found;
  throw new Refused(
    'unknown-version',
    'unknown',
    `${subject} has no version ${version}; it has ${latest === 1 ? 'version 1 only' : `versions 1 to ${latest}`}, see ferry settings log ${subject}`,
  );
}
