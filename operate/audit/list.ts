/** Lists the audit, newest first, limited to the links that its reader may see. */
import { auditRows, type AuditRow } from '#db/operate/audit-entries.ts';
import { isUuid, linkOf } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, inReach } from '#operate/rights.ts';

export type { AuditRow } from '#db/operate/audit-entries.ts';

export type AuditQuestion = {
  readonly link?: string | undefined;
  /** The person's name, as in `by`. */
  readonly by?: string | undefined;
  /** The verb. */
  readonly what?: string | undefined;
  /** The subject, or its beginning up to a slash. */
  readonly on?: string | undefined;
  /** Instants. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** The id of the last entry on the previous page. */
  readonly before?: string | undefined;
  /** By default 100, at most 1,000. */
  readonly limit?: number | undefined;
};

export type AuditPage = {
  readonly entries: readonly AuditRow[];
  /** The value of `before` for the next page; null on the last page. */
  readonly next: string | null;
};

const usual = 100;
const most = 1_000;

/** Lists entries. @throws Refused unknown-link, wrong-page, wrong-limit */
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
      `"${before}" is not the id of an entry; use the last id of the previous page`,
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
