/**
 * Transactions whose last statements go out together with their commit. A round trip to the database costs more than
 * most statements; where nothing depends on a statement's answer, the transaction need not wait for it. The connection
 * keeps the order, a statement that fails turns the commit into a rollback, and its error is thrown all the same.
 */
import type { Client, Tx } from './client.ts';

const open = new WeakMap<object, Promise<unknown>[]>();

/** As `db.transaction`, for work that uses `sendLast`. */
export async function inTransaction<Result>(db: Client, work: (tx: Tx) => Promise<Result>): Promise<Result> {
  const last: Promise<unknown>[] = [];
  const result = await db.transaction((tx) => {
    open.set(tx, last);
    return work(tx);
  });
  await Promise.all(last);
  return result;
}

/**
 * Sends a statement without waiting for its answer, where the transaction allows that; else waits. What is sent after
 * it sees what it has done. `statement` is the promise of a statement that is on its way already.
 */
export async function sendLast(tx: Tx, statement: Promise<unknown>): Promise<void> {
  const last = open.get(tx);
  if (last === undefined) {
    await statement;
    return;
  }
  // Until the transaction's end nobody looks at it; a failure is not unheard, only heard later.
  statement.catch(() => {});
  last.push(statement);
}
