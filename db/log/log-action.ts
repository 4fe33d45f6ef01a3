/**
 * Inserts an action into the log, asks `route` which mirrors it concerns, and gives each delivery the next seq of its
 * lane. Takes a transaction and returns the instances to wake after its commit. It never notifies and never touches a
 * courier's row, because either would make commits wait for each other.
 */
import type { ObservedAction } from '#core/words/desk.ts';
import { signOf } from '#core/log/breaker.ts';
import { constantHash } from '#core/log/constant.ts';
import { markOf } from '#core/log/mark.ts';
import { must } from '#core/words/must.ts';
import { route, type Route } from '#core/log/route.ts';
import type { Outbound } from '#core/rules/settings.ts';
import type { Ref, TicketSnapshot } from '#core/words/vocabulary.ts';
import { rememberStaged } from './attachments.ts';
import type { Tx } from '#db/base/client.ts';
import { insertActions, type NewAction } from './insert-actions.ts';
import { endOf, farEnd, viewOf, type Mirror, type MirrorEnd } from './mirrors.ts';
import { noteTurn } from './note-turn.ts';
import { openMirror } from './open-mirror.ts';
import type { OpeningRow } from './openings.ts';
import { placeDeliveries, type NewDelivery } from './place-deliveries.ts';
import type { VersionCache } from '#db/settings/settings-in-force.ts';
import type { UnitOfWork } from '#db/base/unit-of-work.ts';

export type LogActionInput = {
  /** The action's id, minted by the database. */
  readonly id: string;
  /** The record on which it was recorded. */
  readonly ref: Ref;
  readonly snapshot: TicketSnapshot;
  readonly action: ObservedAction;
  /** The signed instant; the desk's own instant is used to measure reaction times. */
  readonly originAt: string;
  /** Locked by the caller; a mirror that this action opens is appended. */
  readonly mirrors: Mirror[];
  readonly openings: readonly OpeningRow[];
  /** Returns our action on this ticket that it follows, among those that arrived on this mirror. */
  follows(mirror: string): Followed | null;
};

export type Followed = {
  readonly id: string;
  /** Instant, UTC, by the desk's clock. */
  readonly at: string;
};

export type LoggedAction = { readonly logged: boolean; readonly wake: readonly string[] };

export async function logAction(unit: UnitOfWork, cache: VersionCache, input: LogActionInput): Promise<LoggedAction> {
  const { id, action, mirrors } = input;
  const found = await routed(unit, cache, input);
  const carried = found.deliveries.length > 0 || found.opens !== null;
  // A ticket without a mirror leaves ids, hash, time and reason, never content.
  const content = carried || mirrors.length > 0;
  const targets = targetsOf(found, input);
  const inserting = newAction(input, found, { content, first: targets[0] });
  const files = (content ? action.attachments : []).filter((file) => file.sha256 !== null);
  if (found.opens === null && targets.length <= 1 && files.length === 0) {
    unit.later(insertActions, inserting);
  } else {
    const [isNew] = await insertActions.send(unit.tx, [inserting]);
    if (isNew !== true) return { logged: false, wake: [] };
  }
  // Images embedded in the note are already staged; their files live as long as the action's content.
  for (const file of files) {
    await rememberStaged(unit.tx, id, file.id, {
      file: { sha256: must(file.sha256, 'digest of a staged file'), sizeBytes: file.sizeBytes ?? 0, type: file.type },
      failure: null,
    });
  }

  const wake: string[] = [];
  if (found.opens !== null) {
    const mirror = await openOn(unit.tx, found.opens.link, input);
    mirrors.push(mirror);
    wake.push(await deliver(unit.tx, mirror, mirror.ends.supplier, { action: id, escalation: true }));
  }
  for (const [index, { mirror, to, again }] of targets.entries()) {
    if (index > 0) await deliver(unit.tx, mirror, to, { action: id, escalation: again });
    wake.push(to.instance);
    const after = input.follows(mirror.id);
    if (after !== null) {
      const sign = signOf(action, after.at);
      await noteTurn(unit, mirror, { at: action.at, to: to.instance, after: after.id, sign });
    }
  }
  return { logged: true, wake };
}

/** Whom the action concerns, by the settings of each mirror and of each link on which it may open one. */
async function routed(
  unit: UnitOfWork,
  cache: VersionCache,
  { ref, action, mirrors, openings }: LogActionInput,
): Promise<Route> {
  const outboundOf: Record<string, Outbound> = {};
  for (const mirror of mirrors) {
    const { side, settings } = endOf(mirror, ref);
    outboundOf[mirror.id] = (await cache.side(unit, `${mirror.link}/${side}`, settings)).outbound;
  }
  const openable = [];
  for (const row of openings) {
    const { outbound } = await cache.side(unit, `${row.link}/customer`, row.settings_version);
    openable.push({
      link: row.link,
      linkName: row.supplier_name,
      supplierInstance: row.supplier_instance,
      outbound,
      mode: row.mode,
    });
  }
  return route({
    action,
    instance: ref.instance,
    mirrors: mirrors.map((mirror) => viewOf(mirror, endOf(mirror, ref).side)),
    openings: openable,
    outboundOf,
    now: new Date().toISOString(),
  });
}

type Target = { readonly mirror: Mirror; readonly to: MirrorEnd; readonly again: boolean };

function targetsOf({ deliveries }: Route, { mirrors, ref }: LogActionInput): readonly Target[] {
  return deliveries.map(({ mirror: of, again }) => {
    const mirror = must(
      mirrors.find(({ id }) => id === of),
      'the mirror of a delivery',
    );
    return { mirror, to: farEnd(mirror, endOf(mirror, ref)), again: again === true };
  });
}

function newAction(
  { id, ref, action, originAt }: LogActionInput,
  { audience, reason }: Route,
  { content, first }: { readonly content: boolean; readonly first: Target | undefined },
): NewAction {
  const { author, note, attachments } = action;
  return {
    id,
    on: ref,
    externalId: action.externalId,
    at: originAt,
    made: action.made ?? action.at,
    audience,
    visibility: action.visibility,
    sendTo: action.sendTo ?? null,
    mailed: action.mailed ?? null,
    content: content ? action : null,
    hash: constantHash({ id, origin: ref.instance, author, at: originAt, audience, note, attachments }),
    // By the desk's own instant: the one that is signed depends on what we know besides.
    mark: markOf({
      ...ref,
      origin: ref.instance,
      ticket: ref.externalId,
      externalId: action.externalId,
      at: action.at,
    }),
    reason: reason?.code ?? null,
    delivery: first === undefined ? null : { mirror: first.mirror.id, to: first.to.instance, again: first.again },
  };
}

/** Returns the instance to wake. */
async function deliver(tx: Tx, mirror: Mirror, to: MirrorEnd, delivery: NewDelivery): Promise<string> {
  await placeDeliveries(tx, { mirror: mirror.id, to: to.instance }, [delivery], { desk: to.instance });
  return to.instance;
}

function openOn(tx: Tx, link: string, { id, ref, snapshot, openings }: LogActionInput): Promise<Mirror> {
  const opening = must(
    openings.find((one) => one.link === link),
    'the link that an escalation opens a mirror on',
  );
  return openMirror(tx, {
    id,
    link,
    shadow: opening.mode === 'shadow',
    customer: { ref, number: snapshot.number, url: snapshot.url },
    supplier: opening.supplier_instance,
  });
}
