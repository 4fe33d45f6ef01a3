/**
 * Takes actions in from another gateway or an in-house tool: order, gaps, duplicates, and into the log, in the caller's
 * transaction. Locks tickets, then the mirror, then both its lanes, as the outcome does. What the receiving desk makes
 * of an action is decided later, when its courier carries it.
 */
import { sql } from 'drizzle-orm';
import { instanceOf, issuerOf, type Directory } from '#core/words/directory.ts';
import { sanitise } from '#core/text/html.ts';
import { otherSide } from '#core/words/ends.ts';
import { must } from '#core/words/must.ts';
import { signOf } from '#core/log/breaker.ts';
import { reachOf } from '#core/words/reach.ts';
import { reason } from '#core/words/reasons.ts';
import type { InstanceType, LinkMode, Reason, SideName, TicketSnapshot, Words } from '#core/words/vocabulary.ts';
import { wireRef, type LinkState, type WireAction, type WireAnswer } from '#core/wire.ts';
import { refKey } from '#core/words/ref.ts';
import { rows, type Db, type Tx } from '#db/base/client.ts';
import { content, contentJson } from '#db/base/content.ts';
import { noteTurn } from '#db/log/note-turn.ts';
import { moveMirrorsOn } from '#db/log/mirror-life.ts';
import { lockMirror, type Mirror, type Turn } from '#db/log/mirrors.ts';
import { openMirror } from '#db/log/open-mirror.ts';
import { placeDeliveries } from '#db/log/place-deliveries.ts';
import { raiseNotice } from '#db/base/notices.ts';
import { setLinkState } from '#db/links/link-life.ts';
import { pairAgain, readAgain, sendBehindReceipt, tellEnded } from './receive-again.ts';
import { judgeBatch, type Judged, type KnownAction, type Taken } from '#core/log/judge-batch.ts';
import { lockSnapshots, rememberStanding, snapshotWith } from './receive-standing.ts';
import { uuidArray } from '#db/base/text-array.ts';
import { rememberKey, type UsedKey } from './origin-keys.ts';
import { visibleFiles } from './uploads.ts';

export type ReceiveActions = {
  readonly link: string;
  /** The sender's side. */
  readonly from: SideName;
  /** The action's id where it opens the mirror. */
  readonly mirror: string;
  readonly actions: readonly WireAction[];
  readonly directory: Directory;
  /** A mirror is to be opened: one action, an escalation by the customer. */
  readonly open: boolean;
  /** What is wrong with signatures, by place in the batch. */
  readonly faults?: ReadonlyMap<number, Reason>;
  /** What signatures were checked with, by place in the batch. */
  readonly keys?: ReadonlyMap<number, UsedKey>;
  /** How many more of the link may wait here. Absent: any number. */
  readonly room?: number;
  /** Notes made safe before the transaction, by the action's id. Absent: they are made safe here, which short ones may. */
  readonly notes?: ReadonlyMap<string, string>;
};

export type Received = { readonly answer: WireAnswer; readonly wake: string[] };

/** Null: there is no such mirror on this link. */
export async function receiveActions(tx: Tx, input: ReceiveActions): Promise<Received | null> {
  const ends = await linkEnds(tx, input.link, input.from);
  if (ends === null) return null;
  if (input.open) await lockOpening(tx, input);
  const tickets = input.actions.map(({ ticket }) => wireRef(ends.sender, ticket));
  const digests = input.actions.flatMap(({ constant }) => constant.attachments.map(({ sha256 }) => sha256));
  // Sent together; the connection keeps their order, so what comes behind the locks sees what they protect.
  const [snapshots, mirror, lane, known, files] = await Promise.all([
    lockSnapshots(tx, ends.sender, tickets),
    lockMirror(tx, input.mirror, input.link),
    lockLanes(tx, input.mirror, ends.receiver),
    knownActions(tx, input, ends.receiver),
    visibleFiles(tx, input.link, digests),
  ]);
  if (mirror === null && !input.open) return null;
  const [opening] = input.actions;
  // While the link rests it is deferred, whatever is there.
  const opens = mirror === null && ends.state === 'active';
  if (opens && opening !== undefined && (input.faults?.size ?? 0) === 0) {
    if (await pairAgain(tx, input.link, opening)) return receiveActions(tx, input);
  }
  const again = mirror === null ? new Set<string>() : await readAgain(tx, input.actions, ends.sender, ends.receiver);
  const accepted = mirror === null ? 0 : lane;
  if (accepted === null) return null;

  const judged = judgeBatch(input.actions, {
    linkState: ends.state,
    desk: ends.receiverName,
    senderIsGateway: reachOf(ends.senderType) === 'peer',
    accepted,
    known,
    files,
    faults: input.faults ?? new Map(),
    mayNotOpen: opens ? await openAlready(tx, input, ends.receiverName) : null,
    again,
    room: input.room ?? Number.POSITIVE_INFINITY,
    passedUs: (action) => hasPassedUs(action, input.directory, ends),
  });
  await tellFaults(tx, input.link, judged);
  if (judged.senderWentBack) {
    await setLinkState(tx, input.link, 'quarantined', reason('link-quarantined', { desk: ends.senderName }));
  }
  if (judged.taken.length === 0) return { answer: answerOf(judged), wake: [] };

  await rememberKeys(tx, input, judged);
  const row = mirror ?? (await openFor(tx, input, ends));
  const [first] = judged.taken;
  await Promise.all([
    store(tx, input, ends, judged, row),
    first === undefined ? null : noteTurn(tx, row, turnOf(first.action, ends.receiver)),
  ]);
  const told = await tellEnded(tx, input.mirror, judged.taken, ends);
  if (input.open && judged.taken.some((taken) => taken.again)) await sendBehindReceipt(tx, input.mirror, ends.sender);
  const last = judged.taken.at(-1)?.action;
  if (last !== undefined) {
    const before = snapshots.get(refKey(wireRef(ends.sender, last.ticket))) ?? null;
    const standing = judged.taken.reduce<TicketSnapshot | null>(
      (known, { action }) => snapshotWith(known, action.ticket, action),
      before,
    );
    if (standing !== null)
      await rememberStanding(tx, row, input.from, wireRef(ends.sender, last.ticket), { standing, before });
    if (before?.closed !== last.ticket.closed || row.state === 'closed') await moveMirrorsOn(tx, [row.id]);
  }
  return { answer: answerOf(judged), wake: [ends.receiver, ...told] };
}

/** When what it follows had arrived there is known there alone. */
function turnOf({ constant }: WireAction, to: string): Turn {
  return { at: constant.at, to, sign: signOf(constant, null) };
}

function answerOf({ results, accepted }: Judged): WireAnswer {
  return { results: [...results], accepted };
}

export type LinkEnds = {
  readonly state: LinkState;
  readonly mode: LinkMode;
  readonly sender: string;
  readonly senderName: string;
  readonly senderType: InstanceType;
  readonly receiver: string;
  readonly receiverName: string;
};

/** Whose the two ends are, seen from who sends. */
export async function linkEnds(db: Db, link: string, from: SideName): Promise<LinkEnds | null> {
  const to = otherSide(from);
  const [row] = await rows<LinkEnds>(
    db,
    sql`select l.state, l.settings->>'mode' as mode, f.id as sender, f.name as "senderName", f.type as "senderType",
        t.id as receiver, t.name as "receiverName"
      from links l
      join sides fs on fs.link = l.id and fs.side = ${from} join instances f on f.id = fs.instance
      join sides ts on ts.link = l.id and ts.side = ${to} join instances t on t.id = ts.instance
      where l.id = ${link}`,
  );
  return row ?? null;
}

/** Two escalations of one ticket, or one sent twice, come one after the other. */
async function lockOpening(tx: Tx, { link, mirror, actions }: ReceiveActions): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`open/${mirror}`}, 0))`);
  const ticket = refKey(wireRef('', openingOf(actions).ticket));
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`open/${link}/${ticket}`}, 0))`);
}

/** Both lanes of the mirror. Returns the highest seq taken in on the one to `to`; null where there is none. */
export async function lockLanes(tx: Tx, mirror: string, to: string): Promise<number | null> {
  const found = await rows<{ to: string; accepted: number }>(
    tx,
    sql`select to_instance as "to", accepted_seq::float8 as accepted from lanes where mirror = ${mirror}
      order by to_instance for update`,
  );
  return found.find((lane) => lane.to === to)?.accepted ?? null;
}

async function knownActions(tx: Tx, input: ReceiveActions, to: string): Promise<Map<string, KnownAction>> {
  const found = await rows<KnownAction & { id: string }>(
    tx,
    // One of ours that comes back was hashed by other names here: it has to be as it was sent.
    sql`select a.id, case when a.signed is not null then array[a.hash] else array(
        select distinct d.sent_hash from deliveries d where d.action = a.id and d.sent_hash is not null
      ) end as hashes, exists (
        select 1 from deliveries d where d.action = a.id and d.mirror = ${input.mirror} and d.to_instance = ${to}
          and d.kind in ('action', 'copy')
      ) as here
      from actions a where a.id = any(${uuidArray(input.actions.map(({ constant }) => constant.id))})`,
  );
  return new Map(found.map(({ id, hashes, here }) => [id, { hashes, here }]));
}

/** One live mirror per ticket and link. */
async function openAlready(tx: Tx, { link, actions }: ReceiveActions, desk: string): Promise<Reason | null> {
  const { entity, externalId } = wireRef('', openingOf(actions).ticket);
  const [live] = await rows<{ number: string | null }>(
    tx,
    sql`select second_number as number from mirrors
      where link = ${link} and first_entity = ${entity} and first_ticket = ${externalId} and state in ('opening', 'open')`,
  );
  return live === undefined ? null : reason('already-escalated', { desk, number: live.number ?? undefined });
}

/** The origin guard. Another instance of ours may well have been passed: this gateway may be the hub of several. */
function hasPassedUs({ constant, via }: WireAction, directory: Directory, { receiver }: LinkEnds): boolean {
  const itself = issuerOf(directory, receiver);
  return [constant.origin, ...via].includes(itself);
}

/** Refusals that speak of a fault or an attack are told to somebody here too. */
async function tellFaults(tx: Tx, link: string, { results }: Judged): Promise<void> {
  const told = new Set<string>();
  for (const { reason: why } of results) {
    if (why === undefined || told.has(why.code)) continue;
    if (why.code !== 'bad-signature' && why.code !== 'constant-differs' && why.code !== 'seq-taken') continue;
    told.add(why.code);
    await raiseNotice(tx, { link, cause: `receive/${why.code}`, text: why.text });
  }
}

/** Of what is taken in, and of nothing else: a key that proved nothing here is not known. */
async function rememberKeys(tx: Tx, { keys, actions }: ReceiveActions, { taken }: Judged): Promise<void> {
  const used = new Map<string, UsedKey>();
  for (const { action } of taken) {
    const one = keys?.get(actions.indexOf(action));
    if (one?.isConfirmed === true) used.set(JSON.stringify([one.origin, one.kid, one.vouchedBy]), one);
  }
  // In one order, so that two batches don't wait for each other.
  for (const [, { origin, kid, key, vouchedBy }] of [...used].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    if (!(await rememberKey(tx, origin, kid, key, vouchedBy)))
      throw new Error(`another key of ${origin} became known under the name ${kid}`);
}

function openFor(tx: Tx, { mirror, link, actions }: ReceiveActions, ends: LinkEnds): Promise<Mirror> {
  const { ticket } = openingOf(actions);
  return openMirror(tx, {
    id: mirror,
    link,
    shadow: ends.mode === 'shadow',
    customer: { ref: wireRef(ends.sender, ticket), number: ticket.number, url: ticket.url },
    supplier: ends.receiver,
  });
}

/** What opens a mirror comes alone. */
function openingOf(actions: readonly WireAction[]): WireAction {
  return must(actions[0], 'the action that opens a mirror');
}

/** All of a batch in three statements: the log, the deliveries, and the files that they refer to. */
async function store(tx: Tx, input: ReceiveActions, ends: LinkEnds, judged: Judged, mirror: Mirror): Promise<void> {
  const records = judged.taken.map((taken) => recordOf(taken, input, ends));
  // Its ticket is there since before its sender was restored.
  const isOpened = input.open && mirror.ends.supplier.ticketId !== null;
  const deliveries = judged.taken.map(({ action, logged, again }) => ({
    action: action.constant.id,
    escalation: action.escalation !== undefined && input.from === 'customer',
    // In the log by another way it stands in other words.
    ...(logged ? { words: action.words as Words, via: viaOf(action, input, ends) } : {}),
    late: action.late,
    ...(again ? { ended: isOpened ? ('applied' as const) : ('there' as const) } : {}),
  }));
  // Sent together, as above.
  const logging = rows(
    tx,
    sql`with input as materialized (
        select * from jsonb_to_recordset(${contentJson(records)}::jsonb) as x (id uuid, entity text, ticket text, origin text,
          at timestamptz, author jsonb, audience text, mailed boolean, note text, words jsonb, attachments jsonb, hash text,
          via jsonb, trace text, signed text, signature text, opening jsonb, drops jsonb)
      )
        insert into actions (id, instance, entity, ticket, external_id, origin, at, author, audience, visibility, mailed, note, words,
          attachments, hash, via, trace, signed, signature, opening, drops)
        select id, ${ends.sender}, entity, ticket, id::text, origin, at, author, audience, 'visible', mailed, note, words, attachments,
          hash, array(select jsonb_array_elements_text(via)), trace, signed, signature, opening, drops from input
        on conflict do nothing`,
  );
  const lane = { mirror: input.mirror, to: ends.receiver };
  const placing = { desk: ends.receiverName, accepted: judged.accepted };
  await Promise.all([logging, placeDeliveries(tx, lane, deliveries, placing)]);
  const files = judged.taken.flatMap(({ action: { constant } }) =>
    constant.attachments.map((file) => ({ ...file, action: constant.id })),
  );
  if (files.length === 0) return;
  await tx.execute(
    sql`insert into attachments (action, id, sha256, size_bytes, type)
      select action, id, sha256, "sizeBytes", type
      from jsonb_to_recordset(${JSON.stringify(files)}::jsonb) as f (action uuid, id text, sha256 text, "sizeBytes" bigint, type text)
      on conflict (action, id) do nothing`,
  );
}

/** By ids of this gateway, with the sender. */
function viaOf({ via }: WireAction, { directory }: ReceiveActions, { sender }: LinkEnds): string[] {
  return [...new Set([...via.map((issuer) => instanceOf(directory, issuer)), sender])];
}

function recordOf({ action, text, hash }: Taken, input: ReceiveActions, ends: LinkEnds): object {
  const { constant, words, ticket, escalation } = action;
  const { directory } = input;
  const images = new Set(constant.attachments.map(({ id }) => id));
  return {
    id: constant.id,
    entity: wireRef(ends.sender, ticket).entity,
    ticket: ticket.id,
    origin: instanceOf(directory, constant.origin),
    at: constant.at,
    author: content('author', constant.author),
    audience: constant.audience,
    mailed: action.mailed,
    note: content(
      'note',
      constant.note === null ? null : (input.notes?.get(constant.id) ?? sanitise(constant.note, { images })),
    ),
    words: content('words', words),
    attachments: content('attachments', constant.attachments),
    hash,
    via: viaOf(action, input, ends),
    trace: action.trace,
    signed: content('signed', text),
    signature: action.signature ?? null,
    opening: content('opening', escalation),
    drops: content('drops', action.drops),
  };
}
