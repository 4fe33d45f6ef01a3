/**
 * The invariants of design §10, asserted after every run. Reads the database and the desks themselves, not Ferry's own
 * opinion of them. Desks of other products present their tickets in the light desk's shape. Throws one error that names
 * every violation.
 */
import { createHash } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { constantHash } from '#core/log/constant.ts';
import type { Attachment, Audience, Person } from '#core/words/vocabulary.ts';
import { rows, type Connection } from '#db/base/client.ts';
import type { DeskAction, DeskTicket } from '#twins/light/server.ts';

export type CheckedDesk = {
  readonly id: string;
  readonly tickets: ReadonlyMap<string, DeskTicket>;
  /** Tickets that were merged away or deleted: nobody reads them any more, and what was on them may be elsewhere. */
  readonly over?: ReadonlySet<string>;
  /** True if the desk records nothing when a bare change sets the present value. */
  readonly recordsOnlyChanges?: boolean;
};

export type CheckOptions = {
  /** Deliveries that may still be held or set aside. */
  readonly heldAllowed?: boolean;
  /**
   * True if the database was restored to an earlier state: seqs were skipped, and what was done here since is known
   * only by its marker.
   */
  readonly restored?: boolean;
  /** Whether a row lets actions of this kind reach the end user; `true`: any. */
  readonly mayWiden?: boolean | ((kind: string | null) => boolean);
};

type DeliveryRow = {
  readonly id: string;
  readonly mirror: string;
  readonly link: string;
  readonly to: string;
  readonly seq: number;
  readonly kind: 'action' | 'receipt' | 'copy';
  readonly action: string;
  readonly escalation: boolean;
  readonly outcome: 'applied' | 'skipped' | 'refused' | null;
  readonly reason: { readonly code: string } | null;
  readonly held: boolean;
  readonly released: boolean;
  readonly audience: Audience;
  readonly word: string | null;
  /** Each of its writes opens a ticket or leaves an action, so the desk must show its marker. */
  readonly leaves_mark: boolean;
  /** It brought neither note nor file. */
  readonly bare: boolean;
  readonly to_side: 'customer' | 'supplier';
  readonly first_ticket: string;
  readonly second_ticket: string | null;
};

export async function assertInvariants(
  connection: Connection,
  desks: readonly CheckedDesk[],
  options: CheckOptions = {},
): Promise<void> {
  const violations: string[] = [];
  const deliveries = await rows<DeliveryRow>(
    connection.db,
    sql`select d.id, d.mirror, m.link, d.to_instance as "to", d.seq::int, d.kind, d.action, d.escalation, d.outcome, d.reason,
        d.held_at is not null or d.set_aside_at is not null as held, d.released_at is not null as released, a.audience,
        coalesce(d.words, a.words)->>'kind' as word,
        exists (select 1 from writes w where w.delivery = d.id and (w.ticket is null or cardinality(w.fingerprints) > 0)) as leaves_mark,
        not exists (select 1 from writes w where w.delivery = d.id and w.plan is not null
          and (w.plan->'command'->>'note' is not null or w.plan->'command'->'attachments' <> '[]'::jsonb)) as bare,
        case when d.to_instance = m.second_instance then 'supplier' else 'customer' end as to_side,
        m.first_ticket, m.second_ticket
      from deliveries d join mirrors m on m.id = d.mirror join actions a on a.id = d.action
      order by d.mirror, d.to_instance, d.seq`,
  );
  const promised = await rows<Promised>(connection.db, sql`select marker, delivery, step from writes`);
  const markers = markersAt(desks, violations);
  const byDelivery = firstMarks(markers, promised);
  everythingEnded(deliveries, options, violations);
  if (options.restored !== true) lanesWithoutGaps(deliveries, violations);
  appliedOnce(deliveries, byDelivery, desks, violations);
  inOrder(deliveries, byDelivery, violations);
  noWiderAudience(deliveries, byDelivery, options, violations);
  await nothingLost(connection, desks, violations);
  nothingUnsent(markers, promised, violations);
  await hashesHold(connection, violations);
  await everyEndHasAReason(connection, violations);
  await lanesAtRest(connection, options, violations);
  if (violations.length > 0) throw new Error(`invariants broken:\n- ${violations.join('\n- ')}`);
}

type Marked = {
  readonly desk: string;
  readonly ticket: string;
  readonly action: DeskAction | null;
  readonly position: number;
  readonly over: boolean;
};
type Marks = ReadonlyMap<string, Marked>;

/** Every write of ours that a desk has, by marker; a marker that a desk has twice was applied twice. */
function markersAt(desks: readonly CheckedDesk[], violations: string[]): Map<string, Marked> {
  const found = new Map<string, Marked>();
  const add = (marker: string, marked: Marked): void => {
    if (found.has(marker)) violations.push(`applied twice: ${marker} at ${marked.desk} ${marked.ticket}`);
    found.set(marker, marked);
  };
  for (const { id, tickets, over: gone } of desks) {
    for (const ticket of tickets.values()) {
      const at = { desk: id, ticket: ticket.id, over: gone?.has(ticket.id) ?? false };
      if (ticket.marker !== null) add(ticket.marker, { ...at, action: null, position: 0 });
      for (const action of ticket.actions) {
        if (action.marker !== undefined) add(action.marker, { ...at, action, position: action.id });
      }
    }
  }
  return found;
}

type Promised = { readonly marker: string; readonly delivery: string; readonly step: number };

/** By delivery: the mark of its earliest step that left one. */
function firstMarks(markers: Marks, promised: readonly Promised[]): Map<string, Marked> {
  const first = new Map<string, { step: number; marked: Marked }>();
  for (const { marker, delivery, step } of promised) {
    const marked = markers.get(marker);
    if (marked !== undefined && step < (first.get(delivery)?.step ?? Number.POSITIVE_INFINITY))
      first.set(delivery, { step, marked });
  }
  return new Map([...first].map(([delivery, { marked }]) => [delivery, marked]));
}

function everythingEnded(deliveries: readonly DeliveryRow[], options: CheckOptions, violations: string[]): void {
  for (const row of deliveries) {
    if (row.outcome === null && !(options.heldAllowed === true && row.held)) {
      violations.push(`not ended: ${row.kind} ${row.id} to ${row.to}, seq ${row.seq}`);
    }
  }
}

function lanesWithoutGaps(deliveries: readonly DeliveryRow[], violations: string[]): void {
  const last = new Map<string, number>();
  for (const { mirror, to, seq } of deliveries) {
    const lane = `${mirror}/${to}`;
    if (seq !== (last.get(lane) ?? 0) + 1) violations.push(`a gap in lane ${lane} before seq ${seq}`);
    last.set(lane, seq);
  }
}

function appliedOnce(
  deliveries: readonly DeliveryRow[],
  marks: Marks,
  desks: readonly CheckedDesk[],
  violations: string[],
): void {
  const silent = new Set(desks.filter((desk) => desk.recordsOnlyChanges === true).map(({ id }) => id));
  for (const row of deliveries) {
    if (row.kind === 'copy') continue;
    const marked = marks.get(row.id);
    const mustShow = row.leaves_mark && !(row.bare && silent.has(row.to));
    if (row.kind === 'action' && row.outcome === 'applied' && mustShow && marked === undefined) {
      violations.push(`lost: applied says ${row.id} to ${row.to}, and the desk has nothing`);
    }
    if (marked !== undefined && row.outcome !== 'applied' && !row.held) {
      violations.push(`the desk ${marked.desk} has ${row.id}, whose outcome is ${row.outcome ?? 'none'}`);
    }
    if (marked === undefined || marked.action === null || marked.over) continue;
    const ticket = row.to_side === 'supplier' ? row.second_ticket : row.first_ticket;
    if (marked.desk !== row.to || marked.ticket !== ticket) {
      violations.push(
        `${row.id} of link ${row.link} is at ${marked.desk} ${marked.ticket}, not at ${row.to} ${ticket}`,
      );
    }
  }
}

function inOrder(deliveries: readonly DeliveryRow[], marks: Marks, violations: string[]): void {
  const last = new Map<string, number>();
  for (const row of deliveries) {
    if (row.released) continue;
    const marked = marks.get(row.id);
    if (marked === undefined || marked.action === null || marked.over) continue;
    const lane = `${row.mirror}/${row.to}`;
    if (marked.position <= (last.get(lane) ?? 0)) violations.push(`out of order in lane ${lane}: seq ${row.seq}`);
    last.set(lane, marked.position);
  }
}

function noWiderAudience(
  deliveries: readonly DeliveryRow[],
  marks: Marks,
  options: CheckOptions,
  violations: string[],
): void {
  for (const row of deliveries) {
    const marked = marks.get(row.id);
    if (marked?.action == null || marked.action.note === null) continue;
    if (row.kind === 'receipt' && marked.action.visible) violations.push(`a receipt is visible: ${row.id}`);
    if (row.kind !== 'action' || row.escalation) continue;
    if (row.audience === 'team') violations.push(`a team's note left its desk: ${row.id}`);
    const widened = typeof options.mayWiden === 'function' ? options.mayWiden(row.word) : options.mayWiden === true;
    if (row.to_side === 'customer' && row.audience !== 'user' && marked.action.visible && !widened) {
      violations.push(`a note for agents is visible to the end user: ${row.id}`);
    }
  }
}

/** What people did on mirrored tickets is in the log, in their desk's order. */
async function nothingLost(connection: Connection, desks: readonly CheckedDesk[], violations: string[]): Promise<void> {
  const logged = await rows<{ instance: string; ticket: string; external_id: string }>(
    connection.db,
    sql`select instance, ticket, external_id from actions union all select instance, ticket, external_id from written_ids`,
  );
  const known = new Set(logged.map((row) => `${row.instance}/${row.ticket}/${row.external_id}`));
  for (const { id, tickets, over } of desks) {
    for (const ticket of tickets.values()) {
      if (over?.has(ticket.id) === true) continue;
      for (const action of ticket.actions) {
        if (!known.has(`${id}/${ticket.id}/${action.id}`)) {
          violations.push(`lost: ${id} ${ticket.id} action ${action.id} (${action.by}) is not in the log`);
        }
      }
    }
  }
}

function nothingUnsent(markers: Marks, promised: readonly Promised[], violations: string[]): void {
  const known = new Set(promised.map(({ marker }) => marker));
  for (const [marker, { desk, ticket }] of markers) {
    if (!known.has(marker)) violations.push(`never promised: ${marker} at ${desk} ${ticket}`);
  }
}

/** The constant part of what was logged is what was hashed. */
async function hashesHold(connection: Connection, violations: string[]): Promise<void> {
  const found = await rows<{
    id: string;
    origin: string;
    author: Person | null;
    at: string;
    audience: Audience;
    note: string | null;
    attachments: Attachment[];
    hash: string;
    signed: string | null;
  }>(
    connection.db,
    sql`select id, origin, author, to_json(at)#>>'{}' as at, audience, note, attachments, hash, signed from actions where author is not null`,
  );
  for (const { hash, author, at, signed, ...part } of found) {
    if (author === null) continue;
    if (signed !== null) {
      // What came from another gateway is kept as it was signed there; the log has it in the form that is shown here.
      if (createHash('sha256').update(signed).digest('hex') !== hash)
        violations.push(`another hash: action ${part.id}`);
      continue;
    }
    if (constantHash({ ...part, author, at: new Date(at).toISOString() }) !== hash)
      violations.push(`another hash: action ${part.id}`);
  }
}

async function everyEndHasAReason(connection: Connection, violations: string[]): Promise<void> {
  const [silent] = await rows<{ attempts: number; deliveries: number; actions: number }>(
    connection.db,
    sql`select
      (select count(*)::int from attempts where result not in ('applied', 'accepted') and coalesce(reason->>'code', '') = '') as attempts,
      (select count(*)::int from deliveries where outcome in ('skipped', 'refused') and coalesce(reason->>'code', '') = '') as deliveries,
      (select count(*)::int from actions a where reason is null and not exists (select 1 from deliveries d where d.action = a.id)) as actions`,
  );
  if (silent !== undefined && silent.attempts + silent.deliveries + silent.actions > 0) {
    violations.push(`silent ends: ${JSON.stringify(silent)}`);
  }
}

/** Nothing is due, no write is open, and every lane is past its last delivery. */
async function lanesAtRest(connection: Connection, options: CheckOptions, violations: string[]): Promise<void> {
  const [row] = await rows<{ due: number; open: number; behind: number }>(
    connection.db,
    sql`select
      (select count(*)::int from lanes where due_at is not null and due_at < 'infinity') as due,
      (select count(*)::int from writes where state in ('open', 'made')) as open,
      (select count(*)::int from lanes where due_at is null and head_seq <> last_seq + 1) as behind`,
  );
  if (row === undefined) return;
  if (options.heldAllowed !== true && row.due > 0) violations.push(`${row.due} lanes are due`);
  if (options.heldAllowed !== true && row.open > 0) violations.push(`${row.open} writes are open`);
  if (row.behind > 0) violations.push(`${row.behind} lanes stand before their end`);
}
