/**
 * What a check, or a connector along the way, has learned about a helpdesk; running processes recreate their connectors
 * with it within a second.
 */
import { eq, sql } from 'drizzle-orm';
import type { Db, Tx } from '#db/base/client.ts';
import { instances } from '#db/schema/instances.ts';

type Learned = Readonly<Record<string, string | number | boolean>>;

/** @param learned receives the stored facts under lock and returns the new ones; null leaves them unchanged */
export async function relearn(tx: Tx, instance: string, learned: (before: Learned) => Learned | null): Promise<void> {
  const [row] = await tx
    .select({ learned: instances.learned })
    .from(instances)
    .where(eq(instances.id, instance))
    .for('update');
  const next = row === undefined ? null : learned(row.learned);
  if (next === null) return;
  await tx
    .update(instances)
    .set({ learned: next, version: sql`${instances.version} + 1` })
    .where(eq(instances.id, instance));
}

/** Stores what a connector learned along the way, over earlier values. */
export async function learnMore(db: Db, instance: string, facts: Learned): Promise<void> {
  await db.transaction((tx) =>
    relearn(tx, instance, (before) => {
      const isNew = Object.entries(facts).some(([name, value]) => before[name] !== value);
      return isNew ? { ...before, ...facts } : null;
    }),
  );
}
