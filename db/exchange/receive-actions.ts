/**
 * Accepts actions from another gateway or an API client: checks order, gaps and duplicates, and logs them in the
 * caller's transaction. Locks tickets, then mirrors, then their lanes, then actions, then deliveries. The receiving
 * desk's courier decides each action later, when it carries it.
 */
import { sql, type SQL } from 'drizzle-orm';
import { instanceOf, issuerOf, type Directory } from '#core/words/directory.ts';
import { sanitise } from '#core/text/html.ts';
import { otherSide } from '#core/words/ends.ts';
import { must } from '#core/words/must.ts';
import { signOf } from '#core/log/breaker.ts';
import { constantHash } from '#core/log/constant.ts';
import { insideId } from '#core/log/inside-id.ts';
import { reachOf } from '#core/words/reach.ts';
import { reason } from '#core/words/reasons.ts';
import type {
  ConstantPart,
  InstanceType,
  LinkMode,
  Reason,
  SideName,
  TicketSnapshot,
  Words,
} from '#core/words/vocabulary.ts';
import { wireRef, type LinkState, type WireAction, type WireAnswer } from '#core/wire.ts';
import { refKey } from '#core/words/ref.ts';
import { rows, type Db, type Tx } from '#db/base/client.ts';
import { content, contentJson } from '#db/base/content.ts';
import { noteTurn } from '#db/log/note-turn.ts';
import { moveMirrorsOn } from '#db/log/mirror-life.ts';
import { lockMirrorWith, type Mirror, type Turn } from '#db/log/mirrors.ts';
import { openMirror } from '#db/log/open-mirror.ts';
import { lockKnown, placeDeliveries } from '#db/log/place-deliveries.ts';
import { mirrorNamed } from './mirror-here.ts';
import { raiseNotice } from '#db/base/notices.ts';
import { setLinkState } from '#db/links/link-life.ts';
import { ownWordWins, waitingElsewhere } from './own-word.ts';
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
  /** The action's id if it opens the mirror. */
  readonly mirror: string;
  readonly actions: readonly WireAction[];
  readonly directory: Directory;
  /** A mirror is to be opened: one action, an escalation by the customer. */
  readonly open: boolean;
  /** Faults of signatures, by position in the batch. */
  readonly faults?: ReadonlyMap<number, Reason>;
  /** Keys that verified the signatures, by position in the batch. */
  readonly keys?: ReadonlyMap<number, UsedKey>;
  /** How many more actions of the link may wait here. Absent: any number. */
  readonly room?: number;
  /**
   * Notes sanitised before the transaction, by position in the batch, since each origin mints its own ids. Absent: they
   * are sanitised here, which is only allowed for short ones.
   */
  readonly notes?: ReadonlyMap<number, string>;
};

export type Received = { readonly answer: WireAnswer; readonly wake: string[] };

/** Local names of the mirror and its actions. */
export type Here = { readonly mirror: string; readonly idOf: (action: WireAction) => string };

/** Returns null if there is no such mirror on this link. */
export async function receiveActions(
  tx: Tx,
  said: ReceiveActions,
): Promise<(Received & { readonly here: Here }) | null> {
  const ends = await linkEnds(tx, said.link, said.from);
  if (ends === null) return null;
  if (said.open) await lockOpening(tx, said);
  const input = { ...said, mirror: await mirrorNamed(tx, said.link, said.mirror) };
  const tickets = input.actions.map(({ ticket }) => wireRef(ends.sender, ticket));
  const digests = input.actions.flatMap(({ constant }) => constant.attachments.map(({ sha256 }) => sha256));
  // Sent together; the connection preserves their order, so the later statements run under the locks.
  const others = waitingElsewhere(input.actions, ends.receiver);
  const [snapshots, { mirror, locked }, lane, { known, idOf }, files] = await Promise.all([
    lockSnapshots(tx, ends.sender, tickets),
    lockMirrorWith(tx, input.mirror, input.link, others),
    lockLanes(tx, input.mirror, ends.receiver, others),
    knownActions(tx, input, ends.receiver),
    visibleFiles(tx, input.link, digests),
  ]);
  if (mirror === null && !input.open) return null;
  const [opening] = input.actions;
  // While the link is not active, the action is deferred, whatever exists here.
  const opens = mirror === null && ends.state === 'active';
  if (opens && opening !== undefined && (input.faults?.size ?? 0) === 0) {
    const here = { mirror: input.mirror, opening: idOf(opening) };
    if (await pairAgain(tx, input.link, opening, here)) return receiveActions(tx, said);
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
  const here = { mirror: input.mirror, idOf };
  if (judged.taken.length === 0) return { answer: answerOf(judged), wake: [], here };

  await rememberKeys(tx, input, judged);
  const row =
    mirror ?? (await openFor(tx, input, ends, { said: said.mirror, openedBy: idOf(openingOf(input.actions)) }));
  const [first] = judged.taken;
  await Promise.all([
    store(tx, input, ends, judged, { mirror: row, locked, idOf }),
    first === undefined ? null : noteTurn(tx, row, turnOf(first.action, ends.receiver)),
  ]);
  const told = await tellEnded(tx, input.mirror, judged.taken, idOf, ends);
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
  return { answer: answerOf(judged), wake: [ends.receiver, ...told], here };
}

/** Only the sender knows when the action it follows had arrived there. */
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

/** Describes both ends of the link, seen from the sender. */
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

/** Serialises two escalations of one ticket, or one escalation sent twice. */
async function lockOpening(tx: Tx, { link, mirror, actions }: ReceiveActions): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`open/${mirror}`}, 0))`);
  const ticket = refKey(wireRef('', openingOf(actions).ticket));
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`open/${link}/${ticket}`}, 0))`);
}

/**
 * Locks both lanes of the mirror, and those of the mirrors that `others` selects. Returns the highest seq accepted on
 * the mirror's lane to `to`; null if there is none.
 */
export async function lockLanes(tx: Tx, mirror: string, to: string, others?: SQL): Promise<number | null> {
  const found = await rows<{ mirror: string; to: string; accepted: number }>(
    tx,
    sql`select mirror, to_instance as "to", accepted_seq::float8 as accepted from lanes
      where mirror = any(${mirror}::uuid || array(${others ?? sql`select null::uuid where false`}))
      order by mirror, to_instance for update`,
  );
  return found.find((lane) => lane.mirror === mirror && lane.to === to)?.accepted ?? null;
}

type Candidate = KnownAction & {
  readonly id: string;
  readonly said: string;
  readonly origin: string;
  readonly vouchedBy: string | null;
};

/**
 * Finds the known actions of a batch and their local ids. Each origin mints its own ids: two actions are the same only
 * if the same origin says so, itself or through the same link. One with identical content is the same, whichever
 * gateway vouched for it.
 */
async function knownActions(
  tx: Tx,
  input: ReceiveActions,
  to: string,
): Promise<{ readonly known: Map<string, KnownAction>; readonly idOf: Here['idOf'] }> {
  const wanted = uuidArray(input.actions.map(({ constant }) => constant.id));
  const found = await rows<Candidate>(
    tx,
    // An action we sent comes back with the hash we sent (issuer URLs), not the one we logged (local ids).
    sql`select a.id, coalesce(a.said_id, a.id) as said, a.origin, a.vouched_by as "vouchedBy",
        case when a.signed is not null then array[a.hash] else array(
          select distinct d.sent_hash from deliveries d where d.action = a.id and d.sent_hash is not null
        ) end as hashes, exists (
          select 1 from deliveries d where d.action = a.id and d.mirror = ${input.mirror} and d.to_instance = ${to}
            and d.kind in ('action', 'copy')
        ) as here
      from actions a where a.id = any(${wanted}) or a.said_id = any(${wanted})`,
  );
  const known = new Map<string, KnownAction>();
  const ids = new Map<WireAction, string>();
  for (const [place, action] of input.actions.entries()) {
    const { id, origin } = action.constant;
    const vouchedBy = input.keys?.get(place)?.vouchedBy ?? null;
    const same = found.filter((one) => one.said === id && one.origin === instanceOf(input.directory, origin));
    // A sender that can't prove to be the origin learns only of ids that came on this lane.
    const one = input.faults?.has(place)
      ? same.find(({ here }) => here)
      : (same.find((other) => other.vouchedBy === vouchedBy) ??
        same.find(({ hashes }) => hashes.includes(constantHash(action.constant as ConstantPart))));
    if (one !== undefined && !known.has(id)) known.set(id, one);
    const isTaken = found.some((other) => other.id === id);
    ids.set(action, one?.id ?? (isTaken ? insideId(id, `action ${origin} ${vouchedBy ?? ''}`) : id));
  }
  return { known, idOf: (action) => must(ids.get(action), 'how the action is called here') };
}

/** Allows one live mirror per ticket and link. */
async function openAlready(tx: Tx, { link, actions }: ReceiveActions, desk: string): Promise<Reason | null> {
  const { entity, externalId } = wireRef('', openingOf(actions).ticket);
  const [live] = await rows<{ number: string | null }>(
    tx,
    sql`select second_number as number from mirrors
      where link = ${link} and first_entity = ${entity} and first_ticket = ${externalId} and state in ('opening', 'open')`,
  );
  return live === undefined ? null : reason('already-escalated', { desk, number: live.number ?? undefined });
}

/**
 * The origin guard. The action may well have passed another instance of ours: this gateway may be the hub of several.
 */
function hasPassedUs({ constant, via }: WireAction, directory: Directory, { receiver }: LinkEnds): boolean {
  const itself = issuerOf(directory, receiver);
  return [constant.origin, ...via].includes(itself);
}

/** Raises notices for refusals that indicate a fault or an attack. */
async function tellFaults(tx: Tx, link: string, { results }: Judged): Promise<void> {
  const told = new Set<string>();
  for (const { reason: why } of results) {
    if (why === undefined || told.has(why.code)) continue;
    if (why.code !== 'bad-signature' && why.code !== 'constant-differs' && why.code !== 'seq-taken') continue;
    told.add(why.code);
    await raiseNotice(tx, { link, cause: `receive/${why.code}`, text: why.text });
  }
}

/** Stores the keys of accepted actions only: a key that proved nothing here is not remembered. */
async function rememberKeys(tx: Tx, { keys, actions }: ReceiveActions, { taken }: Judged): Promise<void> {
  const used = new Map<string, UsedKey>();
  for (const { action } of taken) {
    const one = keys?.get(actions.indexOf(action));
    if (one?.isConfirmed === true) used.set(JSON.stringify([one.origin, one.kid, one.vouchedBy]), one);
  }
  // In a fixed order, so that two batches don't wait for each other.
  for (const [, { origin, kid, key, vouchedBy }] of [...used].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    if (!(await rememberKey(tx, origin, kid, key, vouchedBy)))
      throw new Error(`another key of ${origin} became known under the name ${kid}`);
}

function openFor(
  tx: Tx,
  { mirror, link, actions }: ReceiveActions,
  ends: LinkEnds,
  names: { readonly said: string; readonly openedBy: string },
): Promise<Mirror> {
  const { ticket } = openingOf(actions);
  return openMirror(tx, {
    ...names,
    id: mirror,
    link,
    shadow: ends.mode === 'shadow',
    customer: { ref: wireRef(ends.sender, ticket), number: ticket.number, url: ticket.url },
    supplier: ends.receiver,
  });
}

/** An action that opens a mirror arrives alone. */
function openingOf(actions: readonly WireAction[]): WireAction {
  return must(actions[0], 'the action that opens a mirror');
}

/** Stores the whole batch in three statements: the actions, the deliveries, and the files that they refer to. */
async function store(
  tx: Tx,
  input: ReceiveActions,
  ends: LinkEnds,
  judged: Judged,
  {
    mirror,
    locked,
    idOf,
  }: { readonly mirror: Mirror; readonly locked: ReadonlySet<string>; readonly idOf: Here['idOf'] },
): Promise<void> {
  const fresh = judged.taken.filter(({ logged }) => !logged);
  const records = fresh.map((taken) => recordOf(taken, input, ends, idOf));
  await lockKnown(
    tx,
    judged.taken.filter(({ logged }) => logged).map(({ action }) => idOf(action)),
  );
  const own = judged.taken.filter(
    ({ action, logged }) => logged && instanceOf(input.directory, action.constant.origin) === ends.sender,
  );
  const words = own.map(({ action }) => ({ id: idOf(action), signature: action.signature ?? null }));
  await ownWordWins(tx, { mirror: input.mirror, locked, words, to: ends.receiver, desk: ends.receiverName });
  // Its ticket exists from before its sender was restored.
  const isOpened = input.open && mirror.ends.supplier.ticketId !== null;
  const deliveries = judged.taken.map(({ action, logged, again }) => ({
    action: idOf(action),
    escalation: action.escalation !== undefined && input.from === 'customer',
    // An action that was logged another way is there in other words.
    ...(logged ? { words: action.words as Words, via: viaOf(action, input, ends) } : {}),
    late: action.late,
    ...(again ? { ended: isOpened ? ('applied' as const) : ('there' as const) } : {}),
  }));
  // Sent together, as above.
  const logging = rows(
    tx,
    sql`with input as materialized (
        select * from jsonb_to_recordset(${contentJson(records)}::jsonb) as x (id uuid, said uuid, entity text, ticket text, origin text,
          at timestamptz, author jsonb, audience text, mailed boolean, note text, words jsonb, attachments jsonb, hash text,
          via jsonb, trace text, signed text, signature text, vouched_by text, opening jsonb, drops jsonb)
      )
        insert into actions (id, said_id, instance, entity, ticket, external_id, origin, at, author, audience, visibility, mailed, note, words,
          attachments, hash, via, trace, signed, signature, vouched_by, opening, drops)
        select id, said, ${ends.sender}, entity, ticket, id::text, origin, at, author, audience, 'visible', mailed, note, words, attachments,
          hash, array(select jsonb_array_elements_text(via)), trace, signed, signature, vouched_by, opening, drops from input
        on conflict do nothing returning id`,
  );
  const lane = { mirror: input.mirror, to: ends.receiver };
  const placing = { desk: ends.receiverName, accepted: judged.accepted };
  const [logged] = await Promise.all([logging, placeDeliveries(tx, lane, deliveries, placing)]);
  // Somebody else has just taken the id; repeated, it gets another one.
  if (logged.length < records.length) throw Object.assign(new Error('an id was taken meanwhile'), { code: '40001' });
  const files = judged.taken.flatMap(({ action }) =>
    action.constant.attachments.map((file) => ({ ...file, action: idOf(action) })),
  );
  if (files.length === 0) return;
  await tx.execute(
    sql`insert into attachments (action, id, sha256, size_bytes, type)
      select action, id, sha256, "sizeBytes", type
      from jsonb_to_recordset(${JSON.stringify(files)}::jsonb) as f (action uuid, id text, sha256 text, "sizeBytes" bigint, type text)
      on conflict (action, id) do nothing`,
  );
}

/** Returns the via in ids of this gateway, including the sender. */
function viaOf({ via }: WireAction, { directory }: ReceiveActions, { sender }: LinkEnds): string[] {
  return [...new Set([...via.map((issuer) => instanceOf(directory, issuer)), sender])];
}

function recordOf({ action, text, hash }: Taken, input: ReceiveActions, ends: LinkEnds, idOf: Here['idOf']): object {
  const { constant, words, ticket, escalation } = action;
  const { directory } = input;
  const images = new Set(constant.attachments.map(({ id }) => id));
  const place = input.actions.indexOf(action);
  const id = idOf(action);
  return {
    id,
    said: id === constant.id ? null : constant.id,
    entity: wireRef(ends.sender, ticket).entity,
    ticket: ticket.id,
    origin: instanceOf(directory, constant.origin),
    at: constant.at,
    author: content('author', constant.author),
    audience: constant.audience,
    mailed: action.mailed,
    note: content(
      'note',
      constant.note === null ? null : (input.notes?.get(place) ?? sanitise(constant.note, { images })),
    ),
    words: content('words', words),
    attachments: content('attachments', constant.attachments),
    hash,
    via: viaOf(action, input, ends),
    trace: action.trace,
    signed: content('signed', text),
    signature: action.signature ?? null,
    vouched_by: input.keys?.get(place)?.vouchedBy ?? null,
    opening: content('opening', escalation),
    drops: content('drops', action.drops),
  };
}
