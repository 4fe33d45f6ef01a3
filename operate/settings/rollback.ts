/**
 * Brings settings back to an earlier version: as if somebody applied a file that says so, with the same checks, and as a
 * new version. What another subject sets, as the profile of a side, stays as it is.
 */
import { stringify } from 'yaml';
import { sideSchema } from '#core/rules/settings.ts';
import { latestVersion, type SavedVersion } from '#db/settings/history.ts';
import { loadFederation, type StoredFederation } from '#db/settings/settings.ts';
import { bringTo, type ApplyOptions, type ApplyResult, type Preview } from '#operate/apply/apply.ts';
import { readSource } from '#operate/apply/document.ts';
import type { Change } from '#operate/apply/difference.ts';
import { mergeSide } from '#operate/apply/merge.ts';
import type { HelpdeskOperator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, everywhere } from '#operate/rights.ts';
import { fileOf } from './as-file.ts';
import { versionOf } from './diff.ts';
import { changesBetween } from './shown.ts';
import { neverSaved, subjectOf, subjectText } from './subject.ts';

export type RollbackOptions = Pick<ApplyOptions, 'dryRun' | 'unchecked' | 'consider'> & {
  /** Asked before anything is stored; absent: yes. */
  readonly confirm?: (preview: Preview, otherwise: readonly Change[]) => Promise<boolean>;
};

export type RolledBack = ApplyResult & {
  readonly subject: string;
  readonly version: number;
  /** How the side will differ from that version all the same, because its profile is another one by now. */
  readonly otherwise: readonly Change[];
};

/** @throws Refused not-a-subject, unknown-settings, unknown-version, link-gone */
export async function rollbackSettings(
  operator: HelpdeskOperator,
  what: string,
  version: number,
  options: RollbackOptions = {},
): Promise<RolledBack> {
  allow(operator, 'settings-rollback', everywhere);
  const { db } = operator;
  const named = subjectOf(what);
  const subject = subjectText(named);
  const latest = await latestVersion(db, subject);
  if (latest === 0) throw await neverSaved(operator, subject);
  const saved = await versionOf(operator, subject, version, latest);
  const federation = await loadFederation(db);
  const file = fileOf(named, saved, federation);
  if (file === null) throw new Refused('link-gone', 'state', `the link of ${subject} is no longer there`);
  const otherwise = named.kind === 'side' ? differsByProfile(subject, saved, federation) : [];
  const { dryRun, unchecked, consider, confirm } = options;
  const result = await bringTo(
    operator,
    readSource(stringify(file)),
    { env: {}, readSecretFile: () => Promise.reject(new Error('no file is read')) },
    {
      ...(dryRun === undefined ? {} : { dryRun }),
      ...(unchecked === undefined ? {} : { unchecked }),
      ...(consider === undefined ? {} : { consider }),
      ...(confirm === undefined ? {} : { confirm: (preview: Preview) => confirm(preview, otherwise) }),
    },
    { what: 'rollback', detail: { of: subject, to: version } },
  );
  return { ...withoutLines(result), subject, version, otherwise };
}

/** The side's own keys of then over its profile of now, against what both were then. */
function differsByProfile(subject: string, saved: SavedVersion, { profiles }: StoredFederation): readonly Change[] {
  const { profile, own } = saved;
  if (profile === null || own === null) return [];
  const now = sideSchema.safeParse(mergeSide(profiles.get(profile) ?? {}, own));
  return now.success ? changesBetween(subject, saved, { settings: now.data, profile }) : [];
}

/** No line of a file is meant: nobody has written one. */
function withoutLines(result: ApplyResult): ApplyResult {
  if (result.outcome !== 'wrong') return result;
  return { ...result, faults: result.faults.map((fault) => ({ ...fault, line: 0, column: 0 })) };
}
