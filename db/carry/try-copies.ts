/**
 * What has reached a ticket by another way ends there as a copy while that way is still under way. Where that way then ends
 * and nothing has arrived by it, the first copy is tried after all; where nobody knows whether it has, the copies end so too.
 */
import { sql, type SQL } from 'drizzle-orm';
import { reason } from '#core/words/reasons.ts';
import type { Outcome, Reason } from '#core/words/vocabulary.ts';
import { rows, type Tx } from '#db/base/client.ts';
import { content } from '#db/base/content.ts';
import { uuidArray } from '#db/base/text-array.ts';
import { lockKnown, sameTicket } from '#db/log/place-deliveries.ts';
import { tellRemote } from '#db/log/receipts.ts';
import { requeueRefused } from './requeue.ts';

/** A delivery of an action that has ended by a statement before. */
export type EndedWay = {
  readonly delivery: string;
  readonly action: string;
  readonly mirror: string;
  readonly to: string;
  /** How `to` is called in reasons. */
  readonly desk: string;
  readonly outcome: Outcome;
  readonly reason: Reason | null;
  /** Somebody ended it: what was begun of it may have arrived. Else it is the desk's own word. */
  readonly byHand: boolean;
};

/** It is so at the ticket, whatever this way did. */
const arrivedCodes: readonly string[] = ['no-op', 'overtaken', 'already-there'];

/** Whether copies of it have to be looked for. */
export function leavesCopies({ outcome, reason: why }: Pick<EndedWay, 'outcome' | 'reason'>): boolean {
  return outcome !== 'applied' && !arrivedCodes.includes(why?.code ?? '');
}

/** The caller holds the locks of its mirror and lanes. Returns the instances to wake. */
export async function tryCopies(tx: Tx, ended: EndedWay): Promise<string[]> {
  const { action, mirror, to } = ended;
  if (!leavesCopies(ended)) return [];
  // A transaction that is placing a copy holds this lock. Either its copy is visible to the next statement, or it sees this end.
  await lockKnown(tx, [action]);
  const others = await rows<{ id: string }>(
    tx,
    sql`select distinct other.id from deliveries d join mirrors other on other.id = d.mirror join mirrors here on here.id = ${mirror}
      where d.action = ${action} and d.to_instance = ${to} and d.mirror <> here.id and ${sameTicket(to)}`,
  );
  if (others.length === 0) return [];
  const ids = uuidArray(others.map(({ id }) => id));
  await tx.execute(sql`select mirror from lanes where mirror = any(${ids}) order by mirror, to_instance for update`);
  const copies = await rows<{ id: string; mirror: string }>(tx, copiesOf(ended, ids));
  const [first] = copies;
  if (first === undefined) return [];
  if (ended.byHand && (await hasBegun(tx, ended.delivery))) {
    const wake = await Promise.all(
      copies.map(({ id }) => endInDoubt(tx, id, reason('in-doubt', { desk: ended.desk }))),
    );
    return wake.flat();
  }
  await tx.execute(sql`update deliveries set kind = 'action' where id = ${first.id}`);
  await requeueRefused(tx, first.id, { mirror: first.mirror, to });
  return [to];
}

/** The same for many that a person's word has ended. */
export async function tryCopiesOfAll(tx: Tx, ended: readonly EndedWay[]): Promise<string[]> {
  const found = await rows<{ action: string }>(
    tx,
    sql`select distinct action from deliveries
      where action = any(${uuidArray(ended.map(({ action }) => action))}) and kind = 'copy' and outcome = 'skipped'`,
  );
  const copied = new Set(found.map(({ action }) => action));
  const wake = new Set<string>();
  for (const one of ended) {
    if (!copied.has(one.action)) continue;
    for (const instance of await tryCopies(tx, one)) wake.add(instance);
  }
  return [...wake];
}

/** In the order in which they came; none where a third way has brought it or may still. */
function copiesOf({ action, to }: EndedWay, mirrors: SQL): SQL {
  return sql`select d.id, d.mirror from deliveries d join mirrors m on m.id = d.mirror join links l on l.id = m.link
    where d.action = ${action} and d.to_instance = ${to} and d.mirror = any(${mirrors}) and d.kind = 'copy'
      and d.outcome = 'skipped' and d.reason->>'code' = 'already-there'
      and m.state <> 'refused' and l.state not in ('closing', 'closed')
      and not exists (
        select 1 from deliveries way where way.action = d.action and way.to_instance = d.to_instance and way.kind = 'action'
          and (way.mirror = d.mirror or way.mirror = any(${mirrors}) and (way.outcome is null or way.outcome = 'applied'))
      )
    order by d.created_at, d.id`;
}

async function hasBegun(tx: Tx, delivery: string): Promise<boolean> {
  const begun = await rows(
    tx,
    sql`select 1 as one from deliveries d where d.id = ${delivery}
      and (d.accepted_at is not null or exists (select 1 from writes w where w.delivery = d.id))`,
  );
  return begun.length > 0;
}

/** Not tried: it may be there. Returns the instances to wake. */
async function endInDoubt(tx: Tx, id: string, why: Reason): Promise<string[]> {
  await tx.execute(
    sql`update deliveries set kind = 'action', outcome = 'refused', reason = ${content('reason', why)}::jsonb, ended_at = now()
      where id = ${id}`,
  );
  return tellRemote(tx, id, 'refused', why);
}
