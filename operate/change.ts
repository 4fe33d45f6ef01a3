/** Runs a verb's change and its audit row in one transaction, so that neither exists without the other. */
import { writeAudit, type AuditEntry } from '#db/base/audit.ts';
import type { Tx } from '#db/base/client.ts';
import type { Operator } from './operator.ts';

/** The result of a verb's work, made by `changed` and `unchanged`. */
export type Change<Result> = {
  readonly result: Result;
  /** Empty only if nothing was changed. */
  readonly audit: readonly AuditEntry[];
};

export function changed<Result>(result: Result, ...audit: readonly [AuditEntry, ...AuditEntry[]]): Change<Result> {
  return { result, audit };
}

/** Nothing to do: everything was already as requested. */
export function unchanged<Result>(result: Result): Change<Result> {
  return { result, audit: [] };
}

/** Runs `work`. If it throws, nothing is changed and the audit has no row. */
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
