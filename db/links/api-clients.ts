/** API clients: the instance that represents one, its link, and its credentials. */
import { otherSide } from '#core/words/ends.ts';
import { sql } from 'drizzle-orm';
import type { SideName } from '#core/words/vocabulary.ts';
import type { WireContact } from '#core/wire.ts';
import { rows, type Db, type Tx } from '#db/base/client.ts';
import { addClient, addClientSecret, makeClientSecret } from './clients.ts';
import { ensureKeys, type Seal } from './keys.ts';
import { createRemoteLink } from './link-life.ts';

export type NewApiLink = {
  readonly link: string;
  /** Our side. */
  readonly side: SideName;
  readonly instance: string;
  /** Id and display name of the instance that represents the API client. */
  readonly tool: { readonly id: string; readonly name: string };
  /** The URL at which others reach this gateway, without a trailing slash. */
  readonly publicUrl: string;
  readonly farContact: WireContact | null;
  /** Its tokens must be bound to a key of its own. */
  readonly dpop: boolean;
  readonly seal: Seal;
  readonly by: string;
};

export type Credentials = { readonly client: string; readonly secret: string };

/**
 * Creates the link, which is active at once. The secret is returned only here; the caller audits it. Throws LinkError.
 */
export async function createApiLink(tx: Tx, input: NewApiLink): Promise<Credentials & { readonly instance: string }> {
  const { link, side, instance, tool, publicUrl, seal, by } = input;
  const far = { type: 'api', id: tool.id, name: tool.name, issuer: `${publicUrl}/i/${tool.id}` } as const;
  const made = await createRemoteLink(tx, {
    link,
    side,
    instance,
    far,
    state: 'active',
    ownContact: null,
    farContact: input.farContact,
    seal,
    by,
  });
  await ensureKeys(tx, seal, instance);
  return {
    ...(await addApiClient(tx, { link, role: otherSide(side), instance, dpop: input.dpop })),
    instance: made,
  };
}

/** Adds another client to a link. */
export async function addApiClient(
  tx: Tx,
  {
    dpop,
    ...on
  }: { readonly link: string; readonly role: SideName; readonly instance: string; readonly dpop: boolean },
): Promise<Credentials> {
  const { secret, hash } = makeClientSecret();
  const client = `${on.link}-${hash.slice(0, 12)}`;
  await addClient(tx, { ...on, id: client, secretHashes: [hash], dpop: dpop ? 'required' : 'optional' });
  return { client, secret };
}

export type KnownClient = {
  readonly id: string;
  readonly link: string;
  readonly role: SideName;
  readonly revoked: boolean;
  /** It authenticates with keys published at its issuer, not with a secret. */
  readonly isPeer: boolean;
};

export async function findClient(db: Db, id: string): Promise<KnownClient | null> {
  const [row] = await rows<KnownClient>(
    db,
    sql`select id, link, role, revoked_at is not null as revoked, jwks_uri is not null as "isPeer" from clients where id = ${id}`,
  );
  return row ?? null;
}

export async function knownClients(db: Db): Promise<string[]> {
  return (await rows<{ id: string }>(db, sql`select id from clients where revoked_at is null order by id`)).map(
    ({ id }) => id,
  );
}

/** How long an old secret remains valid next to a new one. */
export const secretOverlapMs = 24 * 60 * 60_000;

/** Adds a new secret, which is returned only here; the existing ones remain valid for another `secretOverlapMs`. */
export async function rotateClientSecret(tx: Tx, client: string): Promise<string> {
  const { secret, hash } = makeClientSecret();
  await addClientSecret(tx, client, hash, secretOverlapMs);
  return secret;
}
