/**
 * What trials of `ferry check` that have not cleaned up store about their tickets. For a trial that has ended, the
 * words are erased and the row stays, so that what it wrote can still be deleted; what it changed can then no longer be
 * restored.
 */
import { isDeepStrictEqual } from 'node:util';
import { sql } from 'drizzle-orm';
import { ticketEntity } from '#core/words/ref.ts';
import type { Ref, TicketSnapshot } from '#core/words/vocabulary.ts';
import { rows, type Db, type Tx } from '#db/base/client.ts';
import { content } from '#db/base/content.ts';
import { holds, isEnd, isPerson, type ErasureOf } from './erase-find.ts';

export type TrialHeld = Pick<Ref, 'instance'> & {
  readonly ticket: string;
  /** Its record is needed until it has cleaned up or counts as killed. */
  readonly underWay: boolean;
};

type Kept = TrialHeld & { readonly before: TicketSnapshot };

export async function trialsOf(db: Db, of: ErasureOf): Promise<readonly TrialHeld[]> {
  const concerned = of.kind === 'ticket' ? ofTicket(of.ref) : sql`true`;
  // There are only as many as are running or were killed.
  const found = await rows<Kept>(
    db,
    sql`select t.instance, t.ticket, t.before, t.over_at > now() as "underWay" from trials t
      where ${concerned} order by 1, 2`,
  );
  return found
    .filter(({ before }) => hasWords(before) && (of.kind === 'ticket' || isMeant(before, of)))
    .map(({ instance, ticket, underWay }) => ({ instance, ticket, underWay }));
}

/** Erases those that have ended. Returns how many were erased. */
export async function eraseTrials(tx: Tx, trials: readonly TrialHeld[]): Promise<number> {
  let done = 0;
  for (const { instance, ticket } of trials) {
    const [kept] = await rows<Pick<Kept, 'before'>>(
      tx,
      sql`select before from trials where instance = ${instance} and ticket = ${ticket} and over_at <= now() for update`,
    );
    if (kept === undefined || !hasWords(kept.before)) continue;
    await tx.execute(
      sql`update trials set before = ${content('snapshot', withoutWords(kept.before))}::jsonb, statuses = '{}', fields = '{}',
        summary = false where instance = ${instance} and ticket = ${ticket}`,
    );
    done += 1;
  }
  return done;
}

/** The ticket itself, and those that it is mirrored with. */
function ofTicket(ref: Ref): ReturnType<typeof sql> {
  return sql`((t.instance = ${ref.instance} and t.ticket = ${ref.externalId} and ${ref.entity} = ${ticketEntity})
    or exists (select 1 from mirrors m where ${isEnd(ref)}
      and ((m.first_instance = t.instance and m.first_entity = ${ticketEntity} and m.first_ticket = t.ticket)
        or (m.second_instance = t.instance and m.second_entity = ${ticketEntity} and m.second_ticket = t.ticket))))`;
}

function isMeant(before: TicketSnapshot, { name, mentions }: Extract<ErasureOf, { kind: 'person' }>): boolean {
  return isPerson(before.requester, name) || (mentions && holds(before, name));
}

function hasWords(before: TicketSnapshot): boolean {
  return !isDeepStrictEqual(before, withoutWords(before));
}

function withoutWords({ ticketId, number, url, closed }: TicketSnapshot): TicketSnapshot {
  return {
    ...{ ticketId, number, url, closed },
    ...{ summary: '', description: '', status: '', category: null, type: null, priority: null },
    ...{ fields: {}, account: null, requester: null },
  };
}
