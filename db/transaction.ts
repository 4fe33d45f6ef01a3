/**
 * Transactions whose last statements go out together with their commit. A round trip to the database costs more than
 * most statements; where nothing depends on a statement's answer, the transaction need not wait for it. The connection
 * keeps the order, a statement that fails turns the commit into a rollback, and its error is thrown all the same. What
 * is done alike for many tickets of one transaction is gathered into one of these statements.
 */
import type { Client, Tx } from './client.ts';

/** Sends one statement for all of its items. */
type Send<Item> = (tx: Tx, items: readonly Item[]) => Promise<unknown>;

type Open = { readonly last: Promise<unknown>[]; readonly gathered: Map<Send<never>, unknown[]> };

const open = new WeakMap<object, Open>();

/** As `db.transaction`, for work that uses `sendLast` or `sendGathered`. */
export async function inTransaction<Result>(db: Client, work: (tx: Tx) => Promise<Result>): Promise<Result> {
  const own: Open = { last: [], gathered: new Map() };
  const result = await db.transaction(async (tx) => {
    open.set(tx, own);
    const done = await work(tx);
    for (const [send, items] of own.gathered) await sendLast(tx, (send as Send<unknown>)(tx, items));
    return done;
  });
  await Promise.all(own.last);
  return result;
}

/**
 * Sends a statement without waiting for its answer, where the transaction allows that; else waits. What is sent after
 * it sees what it has done. `statement` is the promise of a statement that is on its way already.
 */
export async function sendLast(tx: Tx, statement: Promise<unknown>): Promise<void> {
  const own = open.get(tx);
  if (own === undefined) {
    await statement;
    return;
  }
  // Until the transaction's end nobody looks at it; a failure is not unheard, only heard later.
  statement.catch(() => {});
  own.last.push(statement);
}

/**
 * Sends one statement for all items that the transaction's work gives, at its end, where the transaction allows that;
 * else at once. Nothing in the transaction may depend on it. `send` is the same function for all of them.
 */
export async function sendGathered<Item>(tx: Tx, send: Send<Item>, item: Item): Promise<void> {
  const own = open.get(tx);
  if (own === undefined) {
    await send(tx, [item]);
    return;
  }
  const items = own.gathered.get(send as Send<never>);
  if (items === undefined) own.gathered.set(send as Send<never>, [item]);
  else items.push(item);
}
