/** A transaction that is done again where the database broke it off for another's sake, or only tried and never kept. */
import type { Client } from '#db/base/client.ts';
import { inUnitOfWork, type UnitOfWork } from '#db/base/unit-of-work.ts';

const attempts = 4;

export async function transact<Result>(db: Client, work: (unit: UnitOfWork) => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await inUnitOfWork(db, work);
    } catch (error) {
      if (attempt === attempts || !isCollision(error)) throw error;
    }
  }
}

class NotKept extends Error {}

/** Everything is done and checked, then undone. */
export async function tryOut<Result>(db: Client, work: (unit: UnitOfWork) => Promise<Result>): Promise<Result> {
  const found: { result?: Result } = {};
  try {
    await transact(db, async (unit) => {
      found.result = await work(unit);
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
