// The authorization server and one guarded route, over real HTTP on a database of their own.
import { randomBytes } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { Hono } from 'hono';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { CryptoKey, JWK, JWTHeaderParameters } from 'jose';
import { openSecret, sealSecret } from '#config/secrets.ts';
import { addClient, makeClientSecret } from '#db/links/clients.ts';
import type { NewClient } from '#db/links/clients.ts';
import { connect } from '#db/base/client.ts';
import type { Connection } from '#db/base/client.ts';
import { ensureKeys, signingKey } from '#db/links/keys.ts';
import type { Open, Seal } from '#db/links/keys.ts';
import { authenticate } from '#gateway/oauth/authenticate.ts';
import type { Caller } from '#gateway/oauth/authenticate.ts';
import { createKeyRing } from '#gateway/oauth/key-ring.ts';
import { oauthRoutes } from '#gateway/oauth/routes.ts';
import type { OAuthDeps } from '#gateway/oauth/routes.ts';
import { problem, ProblemError } from '#gateway/problems.ts';
import { serve } from '#gateway/serve.ts';
import { freshDatabase } from '#test/support/database.ts';

export type Rig = {
  readonly url: string;
  readonly app: Hono;
  readonly connection: Connection;
  readonly seal: Seal;
  readonly open: Open;
  /** Of the instance acme. */
  readonly issuer: string;
  /** URLs that the authorization server has fetched. */
  readonly fetched: string[];
  /** The result of fetching the key set; throws to be unreachable. */
  keySet: () => unknown;
  /** Moves the server's clock. Seconds. */
  skew: number;
  close(): Promise<void>;
};

export type RigOptions = Partial<Pick<OAuthDeps, 'addressOf' | 'clientKeys' | 'publicUrl'>> & {
  readonly ring?: { readonly maxAgeMs: number; readonly missMs: number };
};

/** Instances acme and beta; links north (acme is called by the supplier's client) and south (beta). */
export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const database = await freshDatabase('oauth');
  const connection = connect(database.url, { max: 6 });
  const { db } = connection;
  const secretKey = randomBytes(32);
  const seal: Seal = (text, context) => sealSecret(text, context, secretKey);
  const open: Open = (sealed, context) => openSecret(sealed, context, [secretKey]);
  await db.execute(
    sql`insert into links (id, state, settings) values ('north', 'active', '{}'), ('south', 'active', '{}')`,
  );
  await ensureKeys(db, seal, 'acme');
  await ensureKeys(db, seal, 'beta');

  const app = new Hono();
  let inner = new Hono();
  app.all('*', (c) => inner.fetch(c.req.raw, c.env as object));
  const served = await serve(
    { app, stopping: () => undefined, idle: () => Promise.resolve() },
    { host: '127.0.0.1', port: 0 },
  );
  const publicUrl = options.publicUrl ?? served.url;
  const rig: Rig = {
    url: served.url,
    app,
    connection,
    seal,
    open,
    issuer: `${publicUrl}/i/acme`,
    fetched: [],
    keySet: () => ({ keys: [] }),
    skew: 0,
    close: async () => {
      await served.stop(1_000);
      await connection.close();
      await database.drop();
    },
  };
  inner = guarded(rig, {
    db,
    publicUrl,
    keys: createKeyRing({ db, open, ...options.ring }),
    now: () => new Date(Date.now() + rig.skew * 1000),
    fetchJson: async (url) => {
      rig.fetched.push(url);
      return rig.keySet();
    },
    ...(options.addressOf === undefined ? {} : { addressOf: options.addressOf }),
    ...(options.clientKeys === undefined ? {} : { clientKeys: options.clientKeys }),
  });
  return rig;
}

function guarded(rig: Rig, deps: OAuthDeps): Hono {
  const app = new Hono();
  app.route('/', oauthRoutes(deps));
  const api = new Hono<{ Variables: { caller: Caller } }>();
  api.use(authenticate(deps));
  api.all('/whoami', (c) => c.json(c.get('caller')));
  api.all('/whoami/:id', (c) => c.json(c.get('caller')));
  app.route('/v1', api);
  app.notFound(() => problem('not-found'));
  app.onError((error) => (error instanceof ProblemError ? problem(error.code) : problem('internal', String(error))));
  return app;
}

export type TestClient = { readonly id: string; readonly secret: string };

let made = 0;

/** A client of the link north with a secret. */
export async function newClient(rig: Rig, more: Partial<NewClient> = {}): Promise<TestClient> {
  made += 1;
  const { secret, hash } = makeClientSecret();
  const id = more.id ?? `client-${made}`;
  await addClient(rig.connection.db, {
    link: 'north',
    role: 'supplier',
    instance: 'acme',
    secretHashes: [hash],
    ...more,
    id,
  });
  return { id, secret };
}

export function basic({ id, secret }: TestClient): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}

export function postForm(
  rig: Rig,
  path: string,
  form: Readonly<Record<string, string>> | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(rig.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: typeof form === 'string' ? form : new URLSearchParams(form).toString(),
  });
}

export const grant = { grant_type: 'client_credentials' } as const;

export async function tokenOf(rig: Rig, client: TestClient, headers: Record<string, string> = {}): Promise<string> {
  const reply = await postForm(rig, '/oauth/token', grant, { authorization: basic(client), ...headers });
  const body = (await reply.json()) as { readonly access_token?: string; readonly error?: string };
  if (body.access_token === undefined) throw new Error(`no token: ${reply.status} ${body.error}`);
  return body.access_token;
}

export function whoami(
  rig: Rig,
  authorization: string | null,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${rig.url}/v1/whoami`, {
    headers: { ...(authorization === null ? {} : { authorization }), ...headers },
  });
}

export function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** Claims of a token that would work. */
export function claimsFor(rig: Rig, client: TestClient): Record<string, unknown> {
  const now = seconds();
  return {
    ...{ iss: rig.issuer, aud: rig.issuer, sub: client.id, client_id: client.id, link: 'north', role: 'supplier' },
    ...{ iat: now, exp: now + 300, jti: randomBytes(8).toString('hex') },
  };
}

/** Signs a JWT with any claims and header, by default with the instance's own key. */
export async function forge(
  rig: Rig,
  claims: Readonly<Record<string, unknown>>,
  header: Readonly<Record<string, unknown>> = {},
  by?: { readonly kid: string; readonly key: CryptoKey | Uint8Array },
): Promise<string> {
  const { kid, key } = by ?? (await signingKey(rig.connection.db, rig.open, 'acme', 'token'));
  const whole = { alg: 'EdDSA', typ: 'at+jwt', kid, ...header };
  for (const [name, value] of Object.entries(whole))
    if (value === undefined) delete (whole as Record<string, unknown>)[name];
  return new SignJWT(claims).setProtectedHeader(whole as unknown as JWTHeaderParameters).sign(key as CryptoKey);
}

export type TestKey = { readonly kid: string; readonly key: CryptoKey; readonly public: JWK };

export async function newKey(kid = randomBytes(4).toString('hex'), alg = 'Ed25519'): Promise<TestKey> {
  const pair = await generateKeyPair(alg, { extractable: true });
  return { kid, key: pair.privateKey, public: { ...(await exportJWK(pair.publicKey)), kid } };
}
