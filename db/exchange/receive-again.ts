/**
 * Recognises what a peer restored from a backup sends again: it has read its own desk again and assigned new ids.
 * Ticket, instant, author and text identify each action, so that nothing is written twice; mirrors continue under the
 * ids that the peer now uses.
 */
import { sql } from 'drizzle-orm';
import { reason } from '#core/words/reasons.ts';
import type { Outcome, Person, Reason } from '#core/words/vocabulary.ts';
import { withoutTags } from '#core/text/plain.ts';
import { wireRef, type WireAction } from '#core/wire.ts';
import { rows, type Tx } from '#db/base/client.ts';
import { settleLane } from '#db/carry/lanes.ts';
import { putReceipt } from '#db/log/receipts.ts';
import type { Taken } from '#core/log/judge-batch.ts';
import { textArray, uuidArray } from '#db/base/text-array.ts';

type Known = {
  readonly id: string;
  readonly entity: string;
  readonly ticket: string;
  /** Milliseconds. */
  readonly at: number;
  readonly author: string;
  readonly note: string | null;
  /** The canonical constant part as received; absent for actions recorded here. */
  readonly signed: string | null;
};

/** Returns the ids of those actions that `receiver` has under another id. */
export async function readAgain(
  tx: Tx,
  actions: readonly WireAction[],
  sender: string,
  receiver: string,
): Promise<Set<string>> {
  const marked = actions.filter((action) => action.again);
  if (marked.length === 0) return new Set();
  const found = await rows<Known>(
    tx,
    sql`select coalesce(a.said_id, a.id) as id, a.entity, a.ticket, (extract(epoch from a.at) * 1000)::float8 as at, a.author->>'name' as author,
        a.note, a.signed
      from actions a
      where a.instance = ${sender} and a.ticket = any(${textArray(marked.map(({ ticket }) => ticket.id))})
        and a.at = any(${textArray(marked.map(({ constant }) => constant.at))}::timestamptz[]) and a.author is not null
        and exists (select 1 from deliveries d where d.action = a.id and d.to_instance = ${receiver} and d.kind = 'action')`,
  );
  const isKnown = ({ constant, ticket, escalation }: WireAction): boolean =>
    found.some(
      (one) =>
        one.id !== constant.id &&
        one.entity === wireRef(sender, ticket).entity &&
        one.ticket === ticket.id &&
        Math.round(one.at) === Date.parse(constant.at) &&
        one.author === constant.author.name &&
        // The content of an escalation is built again each time.
        (escalation !== undefined || plain(saidIn(one)) === plain(constant.note)),
    );
  return new Set(marked.filter(isKnown).map(({ constant }) => constant.id));
}

function saidIn({ note, signed }: Known): string | null {
  return signed === null ? note : (JSON.parse(signed) as { note: string | null }).note;
}

/** Reduces a note to its text: images get other names when it is read again. */
function plain(note: string | null): string {
  return withoutTags(note ?? '', () => ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/**
 * Reuses the mirror that this escalation opened before: it gets the new id, and both its lanes start again, as they do
 * at the peer. Returns true if there is such a mirror. @param here the local ids for mirror and escalation
 */
export async function pairAgain(
  tx: Tx,
  link: string,
  { constant, ticket, again }: WireAction,
  { mirror: id, opening }: { readonly mirror: string; readonly opening: string },
): Promise<boolean> {
  if (!again) return false;
  const found = await rows<{ id: string; author: string | null }>(
    tx,
    sql`select m.id, a.author->>'name' as author from mirrors m join actions a on a.id = coalesce(m.opened_by, m.id)
      where m.link = ${link} and m.first_entity = ${wireRef('', ticket).entity} and m.first_ticket = ${ticket.id}
        and m.state in ('open', 'closed') and m.second_ticket is not null
        and a.at = ${constant.at}
      order by m.id desc for update of m`,
  );
  const before = found.find(({ author }) => author === constant.author.name);
  if (before === undefined) return false;
  await tx.execute(sql`select mirror from lanes where mirror = ${before.id} order by to_instance for update`);
  await tx.execute(sql`update mirrors set id = ${id}, said_id = nullif(${constant.id}::uuid, ${id}::uuid), opened_by = nullif(${opening}::uuid, ${id}::uuid)
      where id = ${before.id}`);
  await tx.execute(sql`update lanes set mirror = ${id} where mirror = ${before.id}`);
  await tx.execute(sql`update deliveries set mirror = ${id} where mirror = ${before.id}`);
  await tx.execute(sql`update lanes set accepted_seq = 0, sent_seq = 0, acked_seq = 0 where mirror = ${id}`);
  return true;
}

/** Sends everything that the peer had of a renamed mirror again, after the receipt that opens the mirror there. */
export async function sendBehindReceipt(tx: Tx, mirror: string, to: string): Promise<void> {
  const behind = await rows(
    tx,
    sql`update deliveries d set seq = behind.seq, accepted_at = null, outcome = null, ended_at = null, reason = null, far = null,
        asked_at = null, held_at = null, set_aside_at = null
      from (
        select w.id, l.last_seq + row_number() over (order by w.seq) as seq
        from deliveries w join lanes l on l.mirror = w.mirror and l.to_instance = w.to_instance join actions a on a.id = w.action
        where w.mirror = ${mirror} and w.to_instance = ${to} and w.action <> (select coalesce(m.opened_by, m.id) from mirrors m where m.id = ${mirror})
          and (w.outcome is null and w.accepted_at is null or w.kind = 'action' and w.accepted_at is not null and a.words is not null)
      ) behind
      where d.id = behind.id returning d.id`,
  );
  await tx.execute(
    sql`update lanes set last_seq = last_seq + ${behind.length} where mirror = ${mirror} and to_instance = ${to}`,
  );
  await tx.execute(settleLane(mirror, to));
}

/** Sends receipts for the actions that ended as soon as they arrived. Returns the instances to wake. */
export async function tellEnded(
  tx: Tx,
  mirror: string,
  taken: readonly Taken[],
  idOf: (action: WireAction) => string,
  ends: { readonly sender: string; readonly receiver: string; readonly receiverName: string },
): Promise<string[]> {
  const atOnce = taken.filter(({ logged, again }) => logged || again);
  if (atOnce.length === 0) return [];
  const ended = await rows<{
    action: string;
    outcome: Outcome;
    reason: Reason | null;
    escalation: boolean;
    author: Person | null;
    at: string;
    number: string | null;
    url: string | null;
  }>(
    tx,
    sql`select d.action, d.outcome, d.reason, d.escalation, a.author, to_json(a.at)#>>'{}' as at,
        case when m.second_instance = ${ends.receiver} then m.second_number else m.first_number end as number,
        case when m.second_instance = ${ends.receiver} then m.second_url else m.first_url end as url
      from deliveries d join actions a on a.id = d.action join mirrors m on m.id = d.mirror
      where d.mirror = ${mirror} and d.to_instance = ${ends.receiver} and d.outcome is not null
        and d.kind in ('action', 'copy') and d.action = any(${uuidArray(atOnce.map(({ action }) => idOf(action)))})
      order by d.seq`,
  );
  for (const one of ended) {
    await putReceipt(tx, {
      mirror,
      to: ends.sender,
      action: one.action,
      receipt: {
        outcome: one.outcome,
        reason: one.reason ?? reason('applied-as-is', { desk: ends.receiverName }),
        farNumber: one.number,
        farUrl: one.url,
        farName: ends.receiverName,
        escalation: one.escalation,
        action: { author: one.author ?? { name: '', role: 'automation' }, at: one.at, kind: null },
      },
    });
  }
  return ended.length === 0 ? [] : [ends.sender];
}
