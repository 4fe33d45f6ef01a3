/** What a check, or a connector by the way, has found out about a helpdesk; the connectors of running processes are made with it within a second. */
import { eq, sql } from 'drizzle-orm';
import type { Db, Tx } from '#db/base/client.ts';
import { instances } from '#db/schema/instances.ts';

type Learned = Readonly<Record<string, string | number | boolean>>;

/** @param learned gets what is kept now, under lock, and gives what is to be kept; null leaves all as it is */
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

/** Keeps what a connector found out by the way; what was known is written over. */
export async function learnMore(db: Db, instance: string, facts: Learned): Promise<void> {
  await db.transaction((tx) =>
    relearn(tx, instance, (before) => {
      const isNew = Object.entries(facts).some(([name, value]) => before[name] !== value);
      return isNew ? { ...before, ...facts } : null;
    }),
  );
}
