/** Runs a transaction, and repeats it if the database aborted it because of another one; or runs it and always rolls back. */
import type { Client, Tx } from '#db/base/client.ts';
import { inTransaction } from '#db/base/transaction.ts';

const attempts = 4;

export async function transact<Result>(db: Client, work: (tx: Tx) => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await inTransaction(db, work);
    } catch (error) {
      if (attempt === attempts || !isCollision(error)) throw error;
    }
  }
}

class NotKept extends Error {}

/** Runs and checks everything, then rolls back. */
export async function tryOut<Result>(db: Client, work: (tx: Tx) => Promise<Result>): Promise<Result> {
  const found: { result?: Result } = {};
  try {
    await transact(db, async (tx) => {
      found.result = await work(tx);
      throw new NotKept();
    });
  } catch (error) {
    if (!(error instanceof NotKept)) throw error;
  }
  return found.result as Result;
}

/** Recognises a deadlock, a serialisation failure, and a row that another transaction has just inserted. */
function isCollision(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if ('code' in at && typeof at.code === 'string' && /^(?:40P01|40001|23505)$/.test(at.code)) return true;
  return false;
}
