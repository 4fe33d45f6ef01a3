/**
 * Ends a link. Waiting deliveries are refused, every open mirror closes, and its local tickets get a final note that
 * also clears the supplier reference, so that another supplier can be asked. `closing` lasts until those notes are
 * written; then the link is `closed`.
 */
import { sql } from 'drizzle-orm';
import { reason } from '#core/words/reasons.ts';
import { otherSide } from '#core/words/ends.ts';
import { isRemote } from '#core/words/reach.ts';
import { sideNames } from '#core/words/vocabulary.ts';
import type { LinkState } from '#core/wire.ts';
import { rows, type Db, type Tx } from '#db/base/client.ts';
import { content } from '#db/base/content.ts';
import { tryCopiesOfAll, type EndedWay } from '#db/carry/try-copies.ts';
import { lockLink, moveLink, setLinkState } from './link-life.ts';
import { lockMirrorsOfLink, type Mirror } from '#db/log/mirrors.ts';
import { putReceipt } from '#db/log/receipts.ts';

export type Closed = {
  /** False if it had already ended, or begun to. */
  readonly done: boolean;
  readonly from: LinkState;
  readonly state: LinkState;
  readonly mirrors: number;
  readonly refused: number;
  /** Instances that have a final note to write, or something that another link delivers in place of this one. */
  readonly wake: readonly string[];
};

/**
 * Closes the link; null if there is none; the caller audits it. @param text added to the final notes at both desks, for
 * instance the reason
 */
export async function closeLink(tx: Tx, link: string, text?: string): Promise<Closed | null> {
  const from = await lockLink(tx, link);
  if (from === null) return null;
  if (from === 'closing' || from === 'closed')
    return { done: false, from, state: from, mirrors: 0, refused: 0, wake: [] };
  const mirrors = await lockMirrorsOfLink(tx, link);
  await tx.execute(sql`select mirror from lanes where link = ${link} order by mirror, to_instance for update`);
  const ended = await endWaiting(tx, link);
  await tx.execute(
    sql`update mirrors set state = 'closed', close_reason = 'link-closed', closed_at = coalesce(closed_at, now())
      where link = ${link} and (state in ('opening', 'open') or (state = 'closed' and close_reason = 'done'))`,
  );
  await tx.execute(
    sql`update notices set cleared_at = now() where link = ${link} and cleared_at is null and cause not like 'link/%'`,
  );
  const wake = new Set<string>();
  for (const mirror of mirrors) if (!mirror.shadow) for (const to of await sayFarewell(tx, mirror, text)) wake.add(to);
  await moveLink(tx, link, 'closing', reason('link-closed'));
  if (wake.size === 0) await moveLink(tx, link, 'closed', reason('link-closed'));
  const elsewhere = await tryCopiesOfAll(
    tx,
    ended.filter(({ kind }) => kind === 'action'),
  );
  return {
    done: true,
    from,
    state: wake.size === 0 ? 'closed' : 'closing',
    mirrors: mirrors.length,
    refused: ended.length,
    wake: [...new Set([...wake, ...elsewhere])],
  };
}

type Ended = EndedWay & { readonly kind: 'action' | 'receipt' | 'copy' };

/** Returns what was waiting; the authors learn that the link has ended, not about each delivery. */
async function endWaiting(tx: Tx, link: string): Promise<readonly Ended[]> {
  const why = reason('link-closed');
  const ended = await rows<Omit<Ended, 'reason' | 'byHand'>>(
    tx,
    sql`update deliveries d set ended_at = now(), held_at = null, set_aside_at = null, reason = ${content('reason', why)}::jsonb,
        outcome = case when d.accepted_at is null then 'refused' else 'skipped' end
      from mirrors m, instances i where m.id = d.mirror and m.link = ${link} and i.id = d.to_instance and d.outcome is null
      returning d.id as delivery, d.action, d.mirror, d.to_instance as "to", i.name as desk, d.outcome, d.kind`,
  );
  await tx.execute(
    sql`update writes w set state = 'settled', settled_at = now()
      from deliveries d join mirrors m on m.id = d.mirror
      where w.delivery = d.id and m.link = ${link} and w.state in ('open', 'made')`,
  );
  await tx.execute(sql`update lanes set head_seq = last_seq + 1, due_at = null where link = ${link}`);
  return ended.map((one) => ({ ...one, reason: why, byHand: true }));
}

async function sayFarewell(tx: Tx, { id, openedBy, ends }: Mirror, text: string | undefined): Promise<string[]> {
  const told: string[] = [];
  for (const side of sideNames) {
    const to = ends[side];
    const far = ends[otherSide(side)];
    if (isRemote(to.type) || to.ticketId === null) continue;
    const [known] = await rows(tx, sql`select 1 as one from actions where id = ${openedBy}`);
    if (known === undefined) continue;
    await putReceipt(tx, {
      mirror: id,
      to: to.instance,
      action: openedBy,
      receipt: {
        outcome: 'refused',
        reason: reason('link-ended', { desk: far.name, number: far.number ?? undefined, detail: text }),
        farNumber: null,
        farUrl: null,
        farName: far.name,
        // At the customer this clears the supplier reference.
        escalation: side === 'customer',
        action: { author: { name: '', role: 'automation' }, at: new Date().toISOString(), kind: null },
      },
    });
    told.push(to.instance);
  }
  return told;
}

/** Closes links whose final notes are written. Returns their ids. */
export async function finishClosing(db: Db): Promise<string[]> {
  const ready = await rows<{ id: string }>(
    db,
    sql`select l.id from links l where l.state = 'closing' and not exists (
      select 1 from lanes where link = l.id and due_at is not null)`,
  );
  const closed: string[] = [];
  for (const { id } of ready) {
    const done = await db.transaction((tx) => setLinkState(tx, id, 'closed', reason('link-closed')));
    if (done) closed.push(id);
  }
  return closed;
}
