/**
 * Handles an origin that sends an action itself after somebody else has sent it to the same ticket in their words. If
 * applying that has not begun, the origin's own version is applied instead; and its proof replaces the other.
 */
import { sql, type SQL } from 'drizzle-orm';
import { reason } from '#core/words/reasons.ts';
import type { WireAction } from '#core/wire.ts';
import { rows, type Tx } from '#db/base/client.ts';
import { content } from '#db/base/content.ts';
import { uuidArray } from '#db/base/text-array.ts';
import { settleLane } from '#db/carry/lanes.ts';
import { sameTicket } from '#db/log/place-deliveries.ts';
import { tellRemote } from '#db/log/receipts.ts';

/**
 * Selects the mirrors on which one of these actions waits to be written at `to`: they are locked together with the one
 * it arrives on now.
 */
export function waitingElsewhere(actions: readonly WireAction[], to: string): SQL {
  const ids = uuidArray(actions.map(({ constant }) => constant.id));
  return sql`select d.mirror from actions a join deliveries d on d.action = a.id
    where (a.id = any(${ids}) or a.said_id = any(${ids})) and d.to_instance = ${to} and d.kind = 'action'
      and d.outcome is null and d.accepted_at is null`;
}

export type OwnWord = {
  /** The mirror it arrives on now. */
  readonly mirror: string;
  /** Mirrors whose locks are held. */
  readonly locked: ReadonlySet<string>;
  /** Known actions that their origin now sends itself; their rows are locked. */
  readonly words: readonly { readonly id: string; readonly signature: string | null }[];
  readonly to: string;
  /** Display name of `to` in the reason. */
  readonly desk: string;
};

/** @throws an error that makes the caller repeat the transaction, if it waits on a mirror that is not locked */
export async function ownWordWins(tx: Tx, { mirror: here, locked, words, to, desk }: OwnWord): Promise<void> {
  if (words.length === 0) return;
  const ids = uuidArray(words.map(({ id }) => id));
  await tx.execute(
    sql`update actions a set signature = p.signature, vouched_by = null
      from jsonb_to_recordset(${JSON.stringify(words)}::jsonb) as p (id uuid, signature text)
      where a.id = p.id and a.vouched_by is not null and p.signature is not null`,
  );
  const waiting = await rows<{ id: string; mirror: string }>(
    tx,
    sql`select d.id, d.mirror from deliveries d join mirrors other on other.id = d.mirror join mirrors here on here.id = ${here}
      where d.action = any(${ids}) and d.to_instance = ${to} and d.kind = 'action' and d.mirror <> here.id
        and d.outcome is null and d.accepted_at is null and ${sameTicket(to)}
      order by d.id for update of d`,
  );
  if (waiting.length === 0) return;
  if (waiting.some(({ mirror }) => !locked.has(mirror)))
    throw Object.assign(new Error('it has just arrived another way'), { code: '40001' });
  // This statement sees a promise that was being made while those rows were being locked; the previous one does not.
  const notBegun = await rows<{ id: string; mirror: string }>(
    tx,
    sql`select d.id, d.mirror from deliveries d
      where d.id = any(${uuidArray(waiting.map(({ id }) => id))})
        and not exists (select 1 from writes w where w.delivery = d.id)
      order by d.mirror, d.id`,
  );
  const why = reason('already-there', { desk });
  for (const { id, mirror } of notBegun) {
    await tellRemote(tx, id, 'skipped', why);
    await tx.execute(
      sql`update deliveries set kind = 'copy', outcome = 'skipped', reason = ${content('reason', why)}::jsonb, ended_at = now(),
          held_at = null, set_aside_at = null where id = ${id}`,
    );
    await tx.execute(settleLane(mirror, to));
  }
}
