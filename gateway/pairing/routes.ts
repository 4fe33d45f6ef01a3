/**
 * `POST /v1/pairing`: the other side redeems the one-time code, sends its identity and receives ours. The only endpoint of the API
 * without a token. All invalid codes get the same answer.
 */
import { randomBytes } from 'node:crypto';
import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { isPlainIssuer, isUnderOurs, partsOfIssuer, peerIdOf } from '#core/words/directory.ts';
import { wirePairing, wireVersion, type WirePaired, type WirePairing } from '#core/wire.ts';
import type { Client } from '#db/base/client.ts';
import { loadInstance } from '#db/settings/instances.ts';
import { ensureKeys, type Seal } from '#db/links/keys.ts';
import { createPeerLink, LinkError } from '#db/links/link-life.ts';
import { pairingHash } from '#db/links/pairing-code.ts';
import { clientOf, findExchanged, findInvitation, takeInvitation, type Pairing } from '#db/links/pairings.ts';
import { readJson } from '#gateway/json-body.ts';
import type { SignInRefused } from '#gateway/sign-in-refused.ts';
import { socketAddress } from '#gateway/limits/address-of.ts';
import { createPlaces, type Places } from '#gateway/limits/places.ts';
import { createFailures } from '#gateway/oauth/failures.ts';
import { issuerUrl } from '#gateway/oauth/issuer.ts';
import { problem, ProblemError } from '#gateway/problems.ts';

/** The identity at an issuer URL; protocols/ferry/identity.ts. */
export type Identified = {
  readonly issuer: string;
  readonly jwksUri: string;
  readonly jwks: { readonly keys: readonly Record<string, unknown>[] };
};

export type PairingDeps = {
  readonly refused?: SignInRefused;
  readonly db: Client;
  /** The URL at which others reach this gateway. */
  readonly publicUrl: string;
  readonly seal: Seal;
  /** Checks an issuer's URL and reads the identity there; throws HelpdeskErrors. */
  readonly identify: (issuer: string) => Promise<Identified>;
  readonly now?: () => Date;
  readonly addressOf?: (c: Context) => string;
};

/** How many wrong codes one address may try before it has to wait, and how long they count. */
const mostGuesses = 20;
const guessWindowMs = 10 * 60_000;
const notValid =
  'It was already used, has expired (15 minutes), or is not a code. Ask the other side for a new one: ferry link invite.';

export function pairingRoutes(deps: PairingDeps): Hono {
  const routes = new Hono();
  const now = deps.now ?? (() => new Date());
  const addressOf = deps.addressOf ?? socketAddress;
  const guesses = createFailures({ now: () => now().getTime(), limit: mostGuesses, windowMs: guessWindowMs });

  const suspects = createPlaces({ places: 2, waiting: 100, mostWaitMs: 5_000 });

  const limit = bodyLimit({ maxSize: 16 * 1024, onError: () => problem('body-too-large') });
  routes.post('/v1/pairing', limit, async (c) => {
    const address = addressOf(c);
    const parsed = wirePairing.safeParse(await readJson(c));
    if (!parsed.success)
      throw new ProblemError(
        'invalid-pairing',
        'Send code, issuer, name, link, side, clientId, wireVersion and proof.',
      );
    const codeHash = pairingHash(parsed.data.code);
    const wait = guesses.waitOf('pairing', address);
    const find = async (): Promise<Pairing | null> =>
      (await findInvitation(deps.db, codeHash)) ?? (await findExchanged(deps.db, codeHash, parsed.data));
    const invitation = await (wait === null ? find() : few(suspects, find));
    if (invitation === null) {
      if (wait !== null) return tooMany(wait);
      guesses.add('pairing', address);
      deps.refused?.({ why: 'wrong-code', who: null, from: address });
      return problem('code-not-valid', notValid);
    }
    return c.json(await pair(deps, invitation, parsed.data, codeHash));
  });
  return routes;
}

/** A valid code is accepted even while its address has to wait, because 160 bits can't be guessed; the limit protects the database. */
async function few<Found>(places: Places, find: () => Promise<Found | null>): Promise<Found | null> {
  const leave = await places.enter();
  if (leave === null) return null;
  return find().finally(leave);
}

async function pair(deps: PairingDeps, invitation: Pairing, body: WirePairing, codeHash: string): Promise<WirePaired> {
  const { db, seal } = deps;
  const { instance, side, link } = invitation;
  if (body.side === side)
    throw new ProblemError('same-side', `Both sides claim to be the ${side}; accept as the other side of this link.`);
  const issuer = issuerUrl(deps.publicUrl, instance);
  if (body.issuer === issuer)
    throw new ProblemError('wrong-peer', 'This instance made the code; accept it on the other side.');
  const identified = await deps.identify(body.issuer).catch((error: unknown) => {
    throw asProblem(error);
  });
  const parts = isPlainIssuer(body.issuer) ? partsOfIssuer(body.issuer) : null;
  if (parts === null)
    throw new ProblemError(
      'invalid-pairing',
      'The issuer must have the form https://gateway.example/i/instance, in lower case. Set FERRY_PUBLIC_URL there accordingly.',
    );
  if (isUnderOurs({ publicUrl: deps.publicUrl }, body.issuer) && body.issuer !== issuer)
    throw new ProblemError('wrong-peer', "The issuer is under this gateway's own URL.");
  await verifyProof(body, identified, issuer, codeHash);
  const own = await loadInstance(db, instance);
  if (own === null) throw new ProblemError('code-not-valid', notValid);
  const answer = { issuer, name: own.name, link, contact: invitation.contact, wireVersion };
  // The answer was lost, so the same peer asks again.
  if (invitation.usedAt !== null) return { ...answer, clientId: await clientOf(db, link) };
  await ensureKeys(db, seal, instance);
  const client = `${link}-${randomBytes(8).toString('hex')}`;
  await db
    .transaction(async (tx) => {
      if (!(await takeInvitation(tx, invitation.id, body.issuer))) throw new ProblemError('code-not-valid', notValid);
      await createPeerLink(tx, {
        link,
        side,
        instance,
        far: {
          id: peerIdOf(parts.instance),
          issuer: body.issuer,
          name: invitation.name ?? body.name,
        },
        peer: {
          clientId: body.clientId,
          api: parts.api,
          farLink: body.link,
        },
        client: { id: client, jwksUri: identified.jwksUri, jwks: identified.jwks },
        ownContact: invitation.contact,
        farContact: body.contact,
        seal,
        by: `pairing (${invitation.createdBy})`,
      });
    })
    .catch((error: unknown) => {
      if (error instanceof LinkError)
        throw new ProblemError('link-taken', 'The inviting side already has such a link; ask it for a new code.');
      throw error;
    });
  return { ...answer, clientId: client };
}

/** Without this check, a holder of the code could name another organisation's issuer, whose tickets would then arrive here. */
async function verifyProof(
  { proof }: WirePairing,
  { issuer, jwks }: Identified,
  audience: string,
  codeHash: string,
): Promise<void> {
  try {
    const { payload } = await jwtVerify(proof, createLocalJWKSet(jwks as unknown as JSONWebKeySet), {
      algorithms: ['EdDSA', 'Ed25519'],
      typ: 'ferry-pairing+jwt',
      issuer,
      audience,
    });
    if (payload['code'] === codeHash && payload.aud === audience) return;
  } catch {
    // One answer for all faults.
  }
  throw new ProblemError(
    'wrong-peer',
    "The issuer's instance did not make the proof. Accept the code at the gateway for which it was made, with that gateway's own FERRY_PUBLIC_URL.",
  );
}

function asProblem(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'HelpdeskError' || !('code' in error)) return error;
  const { code, message } = error;
  if (code === 'url-not-allowed' || code === 'address-not-allowed') return new ProblemError('url-not-allowed', message);
  if (code === 'issuer-mismatch') return new ProblemError('issuer-mismatch', message);
  return new ProblemError('peer-unreachable', message);
}

function tooMany(wait: number): Response {
  return problem('too-many-guesses', 'Wait, then ask for a new code.', { 'retry-after': String(wait) });
}
