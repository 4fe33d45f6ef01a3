/** Who did what, when: the audit, newest first, as far as its reader is in charge of it. */
import { auditRows, type AuditRow } from '#db/operate/audit-entries.ts';
import { isUuid, linkOf } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, inReach } from '#operate/rights.ts';

export type { AuditRow } from '#db/operate/audit-entries.ts';

export type AuditQuestion = {
  readonly link?: string | undefined;
  /** The name that `by` shows. */
  readonly by?: string | undefined;
  /** The verb. */
  readonly what?: string | undefined;
  /** The subject, or what it begins with up to a slash. */
  readonly on?: string | undefined;
  /** Instants. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** The id of the last entry of the page before. */
  readonly before?: string | undefined;
  /** 100 unless told, 1,000 at most. */
  readonly limit?: number | undefined;
};

export type AuditPage = {
  readonly entries: readonly AuditRow[];
  /** For `before`; null: that was all. */
  readonly next: string | null;
};

const usual = 100;
const most = 1_000;

/** @throws Refused unknown-link, wrong-page, wrong-limit */
export async function listAudit(operator: Operator, question: AuditQuestion = {}): Promise<AuditPage> {
  allow(operator, 'audit');
  const { db, actor } = operator;
  const { link, limit = usual, before, ...asked } = question;
  if (link !== undefined) {
    inReach(operator, link);
    await linkOf(operator, link);
  }
  if (before !== undefined && !isUuid(before))
    throw new Refused(
      'wrong-page',
      'wrong',
      `"${before}" is no id of an entry; take the one that the last page ends with`,
    );
  if (!Number.isInteger(limit) || limit < 1 || limit > most)
    throw new Refused('wrong-limit', 'wrong', `a page has from 1 to ${most} entries, not ${limit}`);
  const links = link === undefined ? (actor.reach === 'all' ? undefined : actor.reach) : [link];
  const found = await auditRows(db, {
    ...Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined)),
    ...(before === undefined ? {} : { before }),
    ...(links === undefined ? {} : { links }),
    limit: limit + 1,
  });
  const entries = found.slice(0, limit);
  return { entries, next: found.length > limit ? (entries.at(-1)?.id ?? null) : null };
}
