/**
 * Logs what a read of a ticket showed: one transaction that locks the ticket, tells echoes and consequences from what
 * people did, and gives every new action to `logAction`. Two readers at once are harmless: the later finds all known.
 */
import { sql } from 'drizzle-orm';
import { recognise, type Recognised, type WriteView } from '#core/recognise.ts';
import type { TicketSnapshot } from '#core/vocabulary.ts';
import { rows, type Db, type Tx } from './client.ts';
import { logAction, type LoggedAction, type Observed } from './log-action.ts';
import { lockMirrorsOfTicket } from './mirrors.ts';
import { openingsOf } from './openings.ts';
import type { VersionCache } from './settings-in-force.ts';
import { textArray } from './text-array.ts';
import { moveMirrorsOn } from './mirror-life.ts';

export type LogReadingInput = {
  readonly instance: string;
  readonly ticketId: string;
  readonly snapshot: TicketSnapshot;
  /** In the helpdesk's order; notes already sanitised. */
  readonly actions: readonly Observed[];
  readonly settleMs: number;
  /** We have just created this ticket ourselves, so that an open create says nothing about it. */
  readonly created?: boolean;
  /** Done right behind the ticket's lock, before anything is compared: what is known of our own write. */
  readonly first?: () => Promise<void>;
};

export type LogReadingResult = {
  readonly wake: readonly string[];
  readonly logged: number;
  /** Somebody of our identity acted while a write is open: read again once that has settled. */
  readonly readAgain: boolean;
  /** Writes of which this read showed an action, as `<delivery>/<step>`. */
  readonly seen: ReadonlySet<string>;
  /** What people changed by these actions, newest last; for telling whose a status is. */
  readonly people: readonly Observed[];
  readonly consequences: readonly Observed[];
};

const nothing: LogReadingResult = {
  wake: [],
  logged: 0,
  readAgain: false,
  seen: new Set(),
  people: [],
  consequences: [],
};

/** Runs inside the caller's transaction. */
export async function logReading(tx: Tx, cache: VersionCache, input: LogReadingInput): Promise<LogReadingResult> {
  const { instance, ticketId, snapshot, actions } = input;
  const ids = actions.map((action) => action.externalId);
  // Sent together: the connection keeps their order, and the lock comes first.
  const locking = lockTicket(tx, instance, ticketId);
  if (input.first !== undefined) {
    await locking;
    await input.first();
  }
  const [ticket, known, writes, mirrors, openings, creating] = await Promise.all([
    locking,
    knownIds(tx, instance, ticketId, ids),
    recentWrites(tx, instance, ticketId),
    lockMirrorsOfTicket(tx, instance, ticketId),
    openingsOf(tx, instance),
    openCreates(tx, instance),
  ]);
  // A ticket that nobody has read yet may be the one we are creating right now.
  if (ticket.isNew && creating && input.created !== true) {
    await forgetTicket(tx, instance, ticketId);
    return { ...nothing, readAgain: true };
  }
  const recognition = recognise({
    actions: actions.map((action) => ({ ...action, bare: action.note === null && action.attachments.length === 0 })),
    known,
    writes,
    liveSince: ticket.liveSince,
    settleMs: input.settleMs,
  });

  const wake = new Set<string>();
  const people: Observed[] = [];
  const consequences: Observed[] = [];
  const seen = new Set<string>();
  const ours: { id: string; as: 'echo' | 'consequence'; write: WriteView | null; at: string }[] = [];
  let logged = 0;
  for (const found of recognition.actions) {
    const action = actions[found.index];
    if (action === undefined) continue;
    if (found.as === 'echo' || found.as === 'consequence') {
      ours.push({ id: action.externalId, as: found.as, write: writeOf(found), at: action.at });
      if (found.as === 'echo') seen.add(`${found.write.delivery}/${found.write.step}`);
      else consequences.push(action);
    }
    if (found.as !== 'new') continue;
    people.push(action);
    const result: LoggedAction = await logAction(tx, cache, { instance, ticketId, snapshot, action, mirrors, openings });
    if (result.logged) logged += 1;
    for (const to of result.wake) wake.add(to);
  }
  const cursor = newestInstant(recognition.actions.map((found) => actions[found.index]?.at));
  await Promise.all([
    rememberOurs(tx, instance, ticketId, ours),
    settleWrites(tx, seen),
    rememberTicket(tx, instance, ticketId, snapshot, cursor, mirrors.length > 0 || wake.size > 0),
  ]);
  if (mirrors.length > 0 && ticket.closed !== snapshot.closed) {
    await moveMirrorsOn(tx, mirrors.map((mirror) => mirror.id));
  }
  return { wake: [...wake], logged, readAgain: recognition.stoppedAt !== null, seen, people, consequences };
}

/** True where every action of the reading is known and the snapshot says nothing new: no transaction is needed. */
export async function nothingNew(
  db: Db,
  instance: string,
  ticketId: string,
  ids: readonly string[],
  snapshot: TicketSnapshot,
): Promise<boolean> {
  const [row] = await rows<{ known: number; same: boolean; unsettled: boolean }>(
    db,
    sql`select
      (select count(*)::int from unnest(${textArray(ids)}) as seen(id) where
        exists (select 1 from actions where instance = ${instance} and ticket = ${ticketId} and external_id = seen.id)
        or exists (select 1 from written_ids where instance = ${instance} and ticket = ${ticketId} and external_id = seen.id)
      ) as known,
      exists (select 1 from tickets where instance = ${instance} and kind = 'ticket' and external_id = ${ticketId}
        and (snapshot is null or snapshot = ${JSON.stringify(snapshot)}::jsonb)) as same,
      exists (select 1 from writes where instance = ${instance} and ticket = ${ticketId} and state in ('open', 'made')) as unsettled`,
  );
  return row !== undefined && row.known === ids.length && row.same && !row.unsettled;
}

/** Where a read of this ticket has to start: its cursor, or go-live for one never read. */
export async function readFrom(db: Db, instance: string, ticketId: string): Promise<string | null> {
  const [row] = await rows<{ since: string | null }>(
    db,
    sql`select to_json(coalesce(
      (select cursor from tickets where instance = ${instance} and kind = 'ticket' and external_id = ${ticketId}),
      (select live_since from instances where id = ${instance})))#>>'{}' as since`,
  );
  return row?.since ?? null;
}

type LockedTicket = { readonly isNew: boolean; readonly closed: boolean | null; readonly liveSince: string | null };

async function lockTicket(tx: Tx, instance: string, ticketId: string): Promise<LockedTicket> {
  const [row] = await rows<{ is_new: boolean; closed: boolean | null; live_since: string | null }>(
    tx,
    sql`insert into tickets (instance, kind, external_id) values (${instance}, 'ticket', ${ticketId})
      on conflict (instance, kind, external_id) do update set read_at = now()
      returning (xmax = 0) as is_new, (snapshot->>'closed')::boolean as closed,
        (select to_json(live_since)#>>'{}' from instances where id = ${instance}) as live_since`,
  );
  return { isNew: row?.is_new ?? true, closed: row?.closed ?? null, liveSince: row?.live_since ?? null };
}

async function forgetTicket(tx: Tx, instance: string, ticketId: string): Promise<void> {
  await tx.execute(
    sql`delete from tickets where instance = ${instance} and kind = 'ticket' and external_id = ${ticketId}`,
  );
}

async function knownIds(
  tx: Tx,
  instance: string,
  ticketId: string,
  ids: readonly string[],
): Promise<Map<string, 'action' | 'echo' | 'consequence'>> {
  const found = await rows<{ id: string; as: 'action' | 'echo' | 'consequence' }>(
    tx,
    sql`select external_id as id, 'action' as as from actions
        where instance = ${instance} and ticket = ${ticketId} and external_id = any(${textArray(ids)})
      union all
      select external_id, "as" from written_ids
        where instance = ${instance} and ticket = ${ticketId} and external_id = any(${textArray(ids)})`,
  );
  return new Map(found.map((row) => [row.id, row.as]));
}

/** Unsettled writes to the ticket, and those settled so lately that their automations may still trail. */
async function recentWrites(tx: Tx, instance: string, ticketId: string): Promise<WriteView[]> {
  const found = await rows<{
    delivery: string;
    step: number;
    marker: string;
    fingerprints: string[];
    state: WriteView['state'];
    written: { actionIds: readonly string[] } | null;
    promised_at: string;
    deadline: string;
  }>(
    tx,
    sql`select delivery, step, marker, fingerprints, state, written,
        to_json(promised_at)#>>'{}' as promised_at, to_json(deadline)#>>'{}' as deadline
      from writes where instance = ${instance} and ticket = ${ticketId}
        and (state in ('open', 'made') or promised_at > now() - interval '5 minutes')
      order by promised_at`,
  );
  return found.map((row) => ({
    delivery: row.delivery,
    step: row.step,
    marker: row.marker,
    fingerprints: row.fingerprints,
    state: row.state,
    actionIds: row.written?.actionIds ?? [],
    promisedAt: row.promised_at,
    deadline: row.deadline,
  }));
}

async function openCreates(tx: Tx, instance: string): Promise<boolean> {
  const found = await rows<{ there: boolean }>(
    tx,
    sql`select exists (select 1 from writes where instance = ${instance} and ticket is null and state = 'open') as there`,
  );
  return found[0]?.there ?? false;
}

function writeOf(found: Recognised): WriteView | null {
  return found.as === 'echo' || found.as === 'consequence' ? found.write : null;
}

async function rememberOurs(
  tx: Tx,
  instance: string,
  ticketId: string,
  ours: readonly { id: string; as: 'echo' | 'consequence'; write: WriteView | null; at: string }[],
): Promise<void> {
  if (ours.length === 0) return;
  const values = ours.map(
    (one) =>
      sql`(${instance}, ${ticketId}, ${one.id}, ${one.as}, ${one.write?.delivery ?? null}::uuid, ${one.write?.step ?? null}::int, ${one.at}::timestamptz)`,
  );
  await tx.execute(
    sql`insert into written_ids (instance, ticket, external_id, "as", delivery, step, at)
      values ${sql.join(values, sql`, `)} on conflict do nothing`,
  );
}

/** Seen writes are settled; those still open stay so, because only their own courier may judge them. */
async function settleWrites(tx: Tx, seen: ReadonlySet<string>): Promise<void> {
  if (seen.size === 0) return;
  const keys = [...seen].map((key) => {
    const cut = key.lastIndexOf('/');
    return sql`(${key.slice(0, cut)}::uuid, ${Number(key.slice(cut + 1))}::int)`;
  });
  await tx.execute(
    sql`update writes set state = 'settled', settled_at = now()
      where (delivery, step) in (${sql.join(keys, sql`, `)}) and state in ('open', 'made')`,
  );
}

async function rememberTicket(
  tx: Tx,
  instance: string,
  ticketId: string,
  snapshot: TicketSnapshot,
  cursor: string | null,
  mirrored: boolean,
): Promise<void> {
  await tx.execute(
    sql`update tickets set
        cursor = greatest(cursor, ${cursor}::timestamptz),
        snapshot = case when ${mirrored} then ${JSON.stringify(snapshot)}::jsonb else null end
      where instance = ${instance} and kind = 'ticket' and external_id = ${ticketId}`,
  );
}

function newestInstant(instants: readonly (string | undefined)[]): string | null {
  let newest: string | null = null;
  for (const instant of instants) {
    if (instant !== undefined && (newest === null || Date.parse(instant) > Date.parse(newest))) newest = instant;
  }
  return newest;
}
