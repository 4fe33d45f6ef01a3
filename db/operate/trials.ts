/** What trials of `ferry check` will write, stored before they write it. */
import { sql } from 'drizzle-orm';
import type { TicketSnapshot } from '#core/words/vocabulary.ts';
import { rows, type Db, type Tx } from '#db/base/client.ts';
import { content } from '#db/base/content.ts';
import { textArray } from '#db/base/text-array.ts';

/** The same as in connectors/contract/check.ts. */
type Wrote = {
  readonly before: TicketSnapshot;
  readonly known: readonly string[];
  readonly statuses: readonly string[];
  readonly fields: readonly string[];
  readonly summary: boolean;
};

export type KeptTrial = {
  readonly ticket: string;
  readonly marker: string;
  readonly record: Wrote;
  /** How long it may still be running, milliseconds; 0 or less: it was killed, or could not clean up. */
  readonly leftMs: number;
};

/**
 * Returns the prefix of the markers of a trial's writes. It has the form of Ferry's own, so that every desk stores it
 * in the same way.
 */
export async function trialMarker(db: Db): Promise<string> {
  const [made] = await rows<{ marker: string }>(db, sql`select uuidv7()::text as marker`);
  if (made === undefined) throw new Error('a query without an answer');
  return made.marker;
}

/** @param mayTakeMs from now on */
export async function keepTrial(
  tx: Tx,
  instance: string,
  { ticket, marker, record }: Omit<KeptTrial, 'leftMs'>,
  mayTakeMs: number,
): Promise<void> {
  await tx.execute(
    sql`insert into trials (instance, ticket, marker, before, known, statuses, fields, summary, over_at)
      values (${instance}, ${ticket}, ${marker}, ${content('snapshot', record.before)}::jsonb, ${textArray(record.known)},
        ${textArray(record.statuses)}, ${textArray(record.fields)}, ${record.summary},
        now() + ${mayTakeMs} * interval '1 millisecond')
      on conflict (instance, ticket) do update set marker = excluded.marker, before = excluded.before,
        known = excluded.known, statuses = excluded.statuses, fields = excluded.fields, summary = excluded.summary,
        over_at = excluded.over_at`,
  );
}

export async function keptTrials(db: Db, instance: string): Promise<readonly KeptTrial[]> {
  const found = await rows<Wrote & Omit<KeptTrial, 'record'>>(
    db,
    sql`select ticket, marker, before, known, statuses, fields, summary,
        (extract(epoch from over_at - now()) * 1000)::float8 as "leftMs"
      from trials where instance = ${instance} order by ticket`,
  );
  return found.map(({ ticket, marker, leftMs, ...record }) => ({ ticket, marker, leftMs, record }));
}

/** Deletes a trial's row: nothing of it is left, or nothing that anybody could delete. */
export async function forgetTrial(
  tx: Tx,
  instance: string,
  { ticket, marker }: Pick<KeptTrial, 'ticket' | 'marker'>,
): Promise<void> {
  await tx.execute(sql`delete from trials where instance = ${instance} and ticket = ${ticket} and marker = ${marker}`);
}

/** Ends a trial that left something. */
export async function endTrial(
  tx: Tx,
  instance: string,
  { ticket, marker }: Pick<KeptTrial, 'ticket' | 'marker'>,
): Promise<void> {
  await tx.execute(
    sql`update trials set over_at = now() where instance = ${instance} and ticket = ${ticket} and marker = ${marker}`,
  );
}
