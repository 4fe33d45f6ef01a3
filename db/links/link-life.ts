/**
 * A link's life: a pairing or an API client creates it; it is suspended, quarantined and resumed, and ends. Carrying
 * and receiving check the state itself, so a change takes effect at once.
 */
import { otherSide } from '#core/words/ends.ts';
import { sql } from 'drizzle-orm';
import { isRemote, type RemoteType } from '#core/words/reach.ts';
import { reason } from '#core/words/reasons.ts';
import { linkSettingsSchema, sideSchema } from '#core/rules/settings.ts';
import type { Reason, SideName } from '#core/words/vocabulary.ts';
import type { LinkState, WireContact } from '#core/wire.ts';
import { ferryItself, writeAudit } from '#db/base/audit.ts';
import { rows, type Db, type Tx } from '#db/base/client.ts';
import { placeOf } from '#db/base/places.ts';
import { keepVersion } from '#db/settings/keep-version.ts';
import { unparkLink } from '#db/carry/lanes.ts';
import { clearNotices, raiseNotice } from '#db/base/notices.ts';
import { couriers } from '#db/schema/couriers.ts';
import { instances } from '#db/schema/instances.ts';
import { links } from '#db/schema/links.ts';
import { peers } from '#db/schema/peers.ts';
import { settings } from '#db/schema/settings.ts';
import { sides } from '#db/schema/sides.ts';
import { textArray } from '#db/base/text-array.ts';

export class LinkError extends Error {
  override readonly name = 'LinkError';
  readonly code: 'link-exists' | 'unknown-instance' | 'instance-taken' | 'not-local';

  constructor(code: LinkError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

export type NewRemoteLink = {
  readonly link: string;
  /** Our side, with our instance on it. */
  readonly side: SideName;
  readonly instance: string;
  readonly far: {
    readonly type: RemoteType;
    /** Requested id of the instance that represents the other side here; another one is chosen if it is taken. */
    readonly id: string;
    readonly issuer: string;
    readonly name: string;
  };
  readonly state: 'pairing' | 'active';
  readonly ownContact: WireContact | null;
  readonly farContact: WireContact | null;
  /** Seals a secret for the row that will contain it. */
  readonly seal: (plain: string, context: string) => Promise<string>;
  readonly by: string;
};

/**
 * Creates the instance that represents the other side, the link, and both its sides; the caller audits it. Returns the
 * instance's id; throws LinkError.
 */
export async function createRemoteLink(tx: Tx, input: NewRemoteLink): Promise<string> {
  const { link, side, instance, far, by } = input;
  const farSide = otherSide(side);
  const [own] = await rows<{ type: string }>(tx, sql`select type from instances where id = ${instance}`);
  if (own === undefined) throw new LinkError('unknown-instance', `There is no instance "${instance}".`);
  if (isRemote(own.type))
    throw new LinkError(
      'not-local',
      `${instance} represents somebody else's helpdesk; name one that this gateway drives.`,
    );
  const made = await rows(
    tx,
    sql`insert into links (id, state, state_reason, settings, far_contact, own_contact)
      values (${link}, ${input.state}, ${input.state === 'active' ? null : JSON.stringify(reason('link-pairing', { desk: far.name }))}::jsonb,
        ${JSON.stringify(linkSettingsSchema.parse({}))}::jsonb, ${jsonOrNull(input.farContact)}::jsonb, ${jsonOrNull(input.ownContact)}::jsonb)
      on conflict (id) do nothing returning id`,
  );
  if (made.length === 0)
    throw new LinkError('link-exists', `There is already a link "${link}"; choose another id with --link.`);
  await keepVersion(tx, `links/${link}`, linkSettingsSchema.parse({}), by);
  const remote = await remoteInstance(tx, input);
  for (const [name, at] of [
    [side, instance],
    [farSide, remote],
  ] as const) {
    const id = `${link}/${name}`;
    const account = { account: { name: name === side ? far.name : '-' } };
    await tx.insert(settings).values({
      side: id,
      version: 1,
      settings: sideSchema.parse(account),
      profile: null,
      own: name === side ? account : {},
      changedBy: by,
    });
    await tx.insert(sides).values({ id, link, side: name, place: placeOf(name), instance: at, settingsVersion: 1 });
  }
  return remote;
}

/** Finds or creates one instance per issuer, however many links it is on. */
async function remoteInstance(tx: Tx, { far, seal }: NewRemoteLink): Promise<string> {
  const taken = await rows<{ id: string; type: string; url: string }>(
    tx,
    sql`select id, type, url from instances where type = ${far.type} and url = ${far.issuer} or starts_with(id, ${far.id}) for update`,
  );
  const known = taken.find(({ type, url }) => type === far.type && url === far.issuer);
  if (known !== undefined) return known.id;
  const ids = new Set(taken.map(({ id }) => id));
  let id = far.id;
  for (let number = 2; ids.has(id); number += 1) id = `${far.id}-${number}`;
  await tx.insert(instances).values({
    id,
    type: far.type,
    name: far.name,
    url: far.issuer,
    credentials: await seal('{}', `instances/${id}/credentials`),
    liveSince: sql`now()`,
    state: 'up',
  });
  await tx.insert(couriers).values({ instance: id }).onConflictDoNothing();
  // Actions that others relayed from it earlier get the id that it has from now on.
  await tx.execute(sql`update actions set origin = ${id} where origin = ${far.issuer}`);
  await tx.execute(
    sql`update actions set via = array_replace(via, ${far.issuer}, ${id}) where via @> array[${far.issuer}]`,
  );
  return id;
}

export type NewPeerLink = Omit<NewRemoteLink, 'far' | 'state'> & {
  readonly far: Omit<NewRemoteLink['far'], 'type'>;
  readonly peer: {
    /** Our client id at the peer. */
    readonly clientId: string;
    /** Base URL of its API, without a trailing slash. */
    readonly api: string;
    /** The peer's own name for the link. */
    readonly farLink: string;
  };
  /** The peer as our client: its id, and its public keys as just read from its issuer. */
  readonly client: {
    readonly id: string;
    readonly jwksUri: string;
    readonly jwks: { readonly keys: readonly Record<string, unknown>[] };
  };
};

/**
 * Creates a link with a peer in the state `pairing`, and the credentials with which both call each other; audited.
 * Returns the peer instance's id.
 */
export async function createPeerLink(tx: Tx, input: NewPeerLink): Promise<string> {
  const id = await createRemoteLink(tx, { ...input, far: { ...input.far, type: 'peer' }, state: 'pairing' });
  const { link, instance, peer, client, far } = input;
  // Tokens between gateways are bound to keys, both ways: a stolen one is useless.
  await tx.insert(peers).values({ link, instance, issuer: far.issuer, dpop: 'required', ...peer });
  await tx.execute(
    sql`insert into clients (id, link, role, instance, jwks_uri, jwks, dpop)
      values (${client.id}, ${link}, ${otherSide(input.side)}, ${instance}, ${client.jwksUri},
        ${JSON.stringify(client.jwks)}::jsonb, 'required')`,
  );
  await writeAudit(tx, ferryItself(input.by), [
    {
      what: 'link',
      subject: `links/${link}`,
      detail: { side: input.side, instance, far: far.issuer, state: 'pairing' },
    },
  ]);
  return id;
}

/** Which states may follow which; others are unchanged. */
const after: Readonly<Record<LinkState, readonly LinkState[]>> = {
  pairing: ['active', 'closing', 'closed'],
  active: ['suspended', 'quarantined', 'closing', 'closed'],
  suspended: ['active', 'quarantined', 'closing', 'closed'],
  quarantined: ['active', 'suspended', 'closing', 'closed'],
  closing: ['closed'],
  closed: [],
};

/**
 * Changes a link's state on behalf of Ferry itself: like `moveLink`, and audited. Returns false if nothing changed.
 * @param by on whose behalf, if a person began what this finishes
 */
export async function setLinkState(
  db: Db,
  link: string,
  state: LinkState,
  why: Reason | null,
  by = 'ferry',
): Promise<boolean> {
  return db.transaction(async (tx) => {
    const from = await moveLink(tx, link, state, why);
    if (from === null) return false;
    await writeAudit(tx, ferryItself(by), [
      { what: `link-${state}`, subject: `links/${link}`, detail: { from, reason: why?.code ?? null } },
    ]);
    return true;
  });
}

/** Of a link that is suspended for a while: by whom, and until which instant. */
export type Suspending = { readonly by?: string | null; readonly until?: string | null };

/**
 * Changes a link's state and raises or clears its notices; the caller audits it. What waited for the link to be active
 * is then due; the caller wakes its couriers. Returns the previous state; null if the link does not exist, is already
 * in that state, or has ended.
 */
export async function moveLink(
  tx: Tx,
  link: string,
  state: LinkState,
  why: Reason | null,
  { by = null, until = null }: Suspending = {},
): Promise<LinkState | null> {
  const before = Object.entries(after).flatMap(([from, to]) => (to.includes(state) ? [from] : []));
  const [changed] = await rows<{ from: LinkState }>(
    tx,
    sql`update links l set state = ${state}, state_reason = ${jsonOrNull(why)}::jsonb,
        suspended_by = ${by}, suspended_until = ${until}::timestamptz,
        resumed_at = case when l.state = 'quarantined' and ${state} = 'active' then now() else l.resumed_at end
      from (select id, state from links where id = ${link} and state = any(${textArray(before)}) for update) before
      where l.id = before.id returning before.state as from`,
  );
  if (changed === undefined) return null;
  // What the other side said of it before is no news; it is asked again at once.
  await tx.execute(
    sql`update peers set said = said || '{"stale": true}'::jsonb, said_at = null where link = ${link} and said is not null`,
  );
  if (state === 'active' || state === 'closing') await unparkLink(tx, link);
  // Tickets with actions whose origin was unclear are read again.
  if (changed.from === 'quarantined')
    await tx.execute(
      sql`update put_off set due_at = now() where instance in (select instance from sides where link = ${link})`,
    );
  for (const other of ['suspended', 'quarantined', 'pairing'])
    if (other !== state) await clearNotices(tx, link, `link/${other}`);
  if (state === 'suspended' || state === 'quarantined' || state === 'closed')
    await raiseNotice(tx, {
      link,
      cause: `link/${state}`,
      text: `${link}: ${why?.text ?? reason(`link-${state}`).text}`,
    });
  return changed.from;
}

/** Records why a link that is being paired is not active yet. */
export async function notePairing(db: Db, link: string, why: Reason): Promise<void> {
  await db.execute(
    sql`update links set state_reason = ${JSON.stringify(why)}::jsonb where id = ${link} and state = 'pairing'`,
  );
}

export type LinkRow = {
  readonly id: string;
  readonly state: LinkState;
  readonly reason: Reason | null;
  readonly ownContact: WireContact | null;
  readonly farContact: WireContact | null;
};

/** Returns null if there is no such link. */
export async function loadLink(db: Db, id: string): Promise<LinkRow | null> {
  const [row] = await db
    .select({
      id: links.id,
      state: links.state,
      reason: links.stateReason,
      ownContact: links.ownContact,
      farContact: links.farContact,
    })
    .from(links)
    .where(sql`id = ${id}`);
  return row ?? null;
}

export async function knownLinks(db: Db): Promise<string[]> {
  return (await rows<{ id: string }>(db, sql`select id from links order by id`)).map(({ id }) => id);
}

/** Sets the contact: `own` is sent to the other side, `far` is shown with failures here. Returns the previous one. */
export async function setContact(
  tx: Tx,
  link: string,
  whose: 'own' | 'far',
  contact: WireContact | null,
): Promise<WireContact | null> {
  const column = whose === 'own' ? sql`own_contact` : sql`far_contact`;
  const [found] = await rows<{ contact: WireContact | null }>(
    tx,
    sql`update links l set ${column} = ${jsonOrNull(contact)}::jsonb
      from (select id, ${column} as contact from links where id = ${link} for update) before
      where l.id = before.id returning before.contact`,
  );
  return found?.contact ?? null;
}

/** Locks a link and returns its state; null if there is none. */
export async function lockLink(tx: Tx, link: string): Promise<LinkState | null> {
  const [row] = await rows<{ state: LinkState }>(tx, sql`select state from links where id = ${link} for update`);
  return row?.state ?? null;
}

function jsonOrNull(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}
