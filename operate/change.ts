/** One transaction for what a verb changes and its row in the audit: neither is there without the other. */
import { writeAudit, type AuditEntry } from '#db/base/audit.ts';
import type { Tx } from '#db/base/client.ts';
import type { Operator } from './operator.ts';

/** What a verb's work ends with; made by `changed` and `unchanged`. */
export type Change<Result> = {
  readonly result: Result;
  /** Empty only where nothing was changed. */
  readonly audit: readonly AuditEntry[];
};

export function changed<Result>(result: Result, ...audit: readonly [AuditEntry, ...AuditEntry[]]): Change<Result> {
  return { result, audit };
}

/** There was nothing to do: as it was wanted, it was already. */
export function unchanged<Result>(result: Result): Change<Result> {
  return { result, audit: [] };
}

/** Where `work` throws, nothing is changed and nothing is in the audit. */
export async function change<Result>(
  { db, actor }: Pick<Operator, 'db' | 'actor'>,
  work: (tx: Tx) => Promise<Change<Result>>,
): Promise<Result> {
  return db.transaction(async (tx) => {
    const { result, audit } = await work(tx);
    await writeAudit(tx, actor, audit);
    return result;
  });
}
