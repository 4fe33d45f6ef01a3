/**
 * Starts of gateways and workers, and how long each has been running: this is how a database reset to an earlier state
 * is detected.
 */
import { sql } from 'drizzle-orm';
import { rows, type Db, type Tx } from '#db/base/client.ts';
import { arrayLiteral } from '#db/base/text-array.ts';

export type Generation = { readonly generation: number; readonly nonce: string; readonly beats: number };

/** Rows kept before the newest. */
const kept = 1_000;

/**
 * Begins a generation. The caller holds the lock that every start takes. Not a sequence: after a restore one might lag
 * behind its rows.
 */
export async function beginGeneration(tx: Tx): Promise<Generation> {
  const [begun] = await rows<Generation>(
    tx,
    sql`insert into generations (generation) select coalesce(max(generation), 0) + 1 from generations
      returning generation::float8 as generation, nonce, beats::float8 as beats`,
  );
  if (begun === undefined) throw new Error('a generation could not be begun');
  await tx.execute(sql`delete from generations where generation < ${begun.generation - kept}`);
  return begun;
}

/** Adds one beat and returns the result; null if the database no longer has this generation as it was. */
export async function beat(db: Db, { generation, nonce, beats }: Generation): Promise<Generation | null> {
  const [row] = await rows<{ beats: number }>(
    db,
    sql`update generations set beats = beats + 1, at = now()
      where generation = ${generation} and nonce = ${nonce} and beats >= ${beats} returning beats::float8 as beats`,
  );
  return row === undefined ? null : { generation, nonce, beats: row.beats };
}

/**
 * Returns the generations that the database had and has lost. One older than all the rows that it keeps proves nothing.
 */
export async function forgotten<One extends Generation>(db: Db, testimonies: readonly One[]): Promise<One[]> {
  if (testimonies.length === 0) return [];
  const known = await rows<Generation>(
    db,
    sql`select generation::float8 as generation, nonce, beats::float8 as beats from generations
      where generation = any(${arrayLiteral(testimonies.map(({ generation }) => String(generation)))}::bigint[])`,
  );
  const [oldest] = await rows<{ generation: number | null }>(
    db,
    sql`select min(generation)::float8 as generation from generations`,
  );
  const since = oldest?.generation ?? 0;
  return testimonies.filter(
    (one) =>
      one.generation >= since &&
      !known.some((row) => row.generation === one.generation && row.nonce === one.nonce && row.beats >= one.beats),
  );
}
