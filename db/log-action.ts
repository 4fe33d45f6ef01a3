/**
 * Inserts an action into the log, asks `route` whom it concerns, and gives each delivery the next seq of its lane.
 * Takes a transaction and returns the instances to wake after its commit; it never notifies and never touches a
 * courier's row itself, because either makes commits wait for each other.
 */
import { sql } from 'drizzle-orm';
import { constantHash } from '#core/constant.ts';
import { reason } from '#core/reasons.ts';
import { route } from '#core/route.ts';
import type { Outbound } from '#core/settings.ts';
import type { Attachment, ConstantPart, Person, SendTo, TicketSnapshot, Visibility, Words } from '#core/vocabulary.ts';
import { rememberStaged } from './attachments.ts';
import type { Tx } from './client.ts';
import { insertActions, type NewAction } from './insert-actions.ts';
import { otherInstance, sideOf, viewOf, type MirrorRow } from './mirrors.ts';
import { noteTurn } from './note-turn.ts';
import type { OpeningRow } from './openings.ts';
import type { VersionCache } from './settings-in-force.ts';
import { textArray } from './text-array.ts';
import { sendGathered } from './transaction.ts';

/** An action as a connector observed it, its note sanitised. */
export type Observed = {
  readonly externalId: string;
  /** Instant, UTC. */
  readonly at: string;
  readonly author: Person;
  readonly marker?: string;
  readonly fingerprint: string;
  readonly fingerprintBefore?: string;
  readonly visibility: Visibility;
  readonly sendTo?: SendTo;
  readonly mailed?: boolean;
  readonly note: string | null;
  readonly words: Words;
  readonly attachments: readonly Attachment[];
};

export type LogActionInput = {
  /** For the action, minted by the database. */
  readonly id: string;
  readonly instance: string;
  readonly ticketId: string;
  readonly snapshot: TicketSnapshot;
  readonly action: Observed;
  /** Locked by the caller; a mirror that this action opens is appended. */
  readonly mirrors: MirrorRow[];
  readonly openings: readonly OpeningRow[];
};

export type LoggedAction = { readonly logged: boolean; readonly wake: readonly string[] };

export async function logAction(tx: Tx, cache: VersionCache, input: LogActionInput): Promise<LoggedAction> {
  const { id, instance, ticketId, action, mirrors, openings } = input;
  const views = mirrors.map((row) => viewOf(row, sideOf(row, instance, ticketId)));
  const outboundOf: Record<string, Outbound> = {};
  for (const row of mirrors) {
    const side = sideOf(row, instance, ticketId);
    const version = side === 'customer' ? row.customer_settings : row.supplier_settings;
    outboundOf[row.id] = (await cache.side(tx, `${row.link}/${side}`, version)).outbound;
  }
  const openable = [];
  for (const row of openings) {
    const { outbound } = await cache.side(tx, `${row.link}/customer`, row.settings_version);
    openable.push({
      link: row.link,
      linkName: row.supplier_name,
      supplierInstance: row.supplier_instance,
      outbound,
      mode: row.mode,
    });
  }
  const found = route({
    action,
    instance,
    mirrors: views,
    openings: openable,
    outboundOf,
    now: new Date().toISOString(),
  });

  const carried = found.deliveries.length > 0 || found.opens !== null;
  const hash = constantHash({
    id,
    origin: instance,
    author: action.author,
    at: action.at,
    audience: found.audience,
    note: action.note,
    attachments: action.attachments,
  });
  // A ticket without a mirror leaves ids, hash, time and reason, never content.
  const content = carried || mirrors.length > 0;
  const targets = found.deliveries.flatMap(({ mirror, again }) => {
    const row = mirrors.find((one) => one.id === mirror);
    return row === undefined
      ? []
      : [{ row, to: otherInstance(row, sideOf(row, instance, ticketId)), again: again === true }];
  });
  const [first] = targets;
  const inserting: NewAction = {
    id,
    instance,
    ticketId,
    externalId: action.externalId,
    at: action.at,
    audience: found.audience,
    visibility: action.visibility,
    sendTo: action.sendTo ?? null,
    mailed: action.mailed ?? null,
    content: content ? action : null,
    hash,
    reason: found.reason?.code ?? null,
    delivery: first === undefined ? null : { mirror: first.row.id, to: first.to, again: first.again },
  };
  const files = (content ? action.attachments : []).filter((file) => file.sha256 !== null);
  if (found.opens === null && targets.length <= 1 && files.length === 0) {
    await sendGathered(tx, insertActions, inserting);
  } else {
    const [isNew] = await insertActions.send(tx, [inserting]);
    if (isNew !== true) return { logged: false, wake: [] };
  }
  // Pictures that stood in the note itself are staged already; their files live as long as the action's content.
  for (const file of files) {
    await rememberStaged(tx, id, file.id, {
      file: { sha256: file.sha256 ?? '', sizeBytes: file.sizeBytes ?? 0, type: file.type },
      failure: null,
    });
  }

  const wake: string[] = [];
  if (found.opens !== null) {
    const opening = openings.find((row) => row.link === found.opens?.link);
    if (opening !== undefined) {
      mirrors.push(await openMirror(tx, id, input, opening));
      wake.push(await deliver(tx, { mirror: id, to: opening.supplier_instance, action: id, escalation: true }));
    }
  }
  for (const [index, { row, to, again }] of targets.entries()) {
    if (index > 0) await deliver(tx, { mirror: row.id, to, action: id, escalation: again });
    wake.push(to);
    await noteTurn(tx, row, to, action.at);
  }
  return { logged: true, wake };
}

export type NewDelivery = {
  readonly mirror: string;
  readonly to: string;
  readonly action: string;
  readonly escalation?: boolean;
  /** A relay's words and via; absent, the action's own. */
  readonly words?: Words;
  readonly via?: readonly string[];
  /** The constant part as it left the desk before, where that is not as it was logged. */
  readonly constant?: ConstantPart;
};

/** Gives the action the lane's next seq; where it had come by another way already, it ends there, visibly. Returns the instance to wake. */
export async function deliver(tx: Tx, delivery: NewDelivery): Promise<string> {
  const { mirror, to, action } = delivery;
  const already = reason('already-there', { desk: to });
  await tx.execute(
    sql`with lane as (
        update lanes set last_seq = last_seq + 1, due_at = coalesce(due_at, now())
        where mirror = ${mirror} and to_instance = ${to} returning last_seq
      ), there as (
        select exists (select 1 from deliveries where action = ${action} and to_instance = ${to} and kind = 'action') as yes
      )
      insert into deliveries (mirror, to_instance, seq, kind, action, escalation, words, via, constant, outcome, reason, ended_at)
      select ${mirror}, ${to}, lane.last_seq, case when there.yes then 'copy' else 'action' end, ${action},
        ${delivery.escalation ?? false}, ${delivery.words === undefined ? null : JSON.stringify(delivery.words)}::jsonb,
        ${delivery.via === undefined ? null : textArray(delivery.via)},
        ${delivery.constant === undefined ? null : JSON.stringify(delivery.constant)}::jsonb,
        case when there.yes then 'skipped' end,
        case when there.yes then ${JSON.stringify(already)}::jsonb end, case when there.yes then now() end
      from lane, there`,
  );
  return to;
}

async function openMirror(tx: Tx, id: string, input: LogActionInput, opening: OpeningRow): Promise<MirrorRow> {
  const { instance, ticketId, snapshot } = input;
  const shadow = opening.mode === 'shadow';
  await tx.execute(
    sql`insert into mirrors (id, link, shadow, customer_instance, customer_ticket, customer_number, customer_url, supplier_instance)
      values (${id}, ${opening.link}, ${shadow}, ${instance}, ${ticketId}, ${snapshot.number}, ${snapshot.url}, ${opening.supplier_instance})`,
  );
  await tx.execute(
    sql`insert into lanes (mirror, to_instance, link) values
      (${id}, ${opening.supplier_instance}, ${opening.link}), (${id}, ${instance}, ${opening.link})`,
  );
  return {
    id,
    link: opening.link,
    state: 'opening',
    shadow,
    close_reason: null,
    closed_at: null,
    paused: false,
    pause_reason: null,
    customer_instance: instance,
    customer_ticket: ticketId,
    customer_number: snapshot.number,
    customer_url: snapshot.url,
    supplier_instance: opening.supplier_instance,
    supplier_ticket: null,
    supplier_number: null,
    supplier_url: null,
    turns: [],
    mode: opening.mode,
    link_state: 'active',
    customer_name: instance,
    supplier_name: opening.supplier_name,
    customer_type: opening.customer_type,
    supplier_type: opening.supplier_type,
    customer_settings: opening.settings_version,
    supplier_settings: 0,
    superseded: false,
    resumed_at: null,
  };
}
