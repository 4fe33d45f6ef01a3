// The whole gateway over real HTTP, with its own database: the instance north, and clients on its links.
import { createHash, randomBytes } from 'node:crypto';
import { Hono } from 'hono';
import { CompactSign, exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose';
import { openBlobStore, type BlobStore } from '#blobs/store.ts';
import { makeLog } from '#config/log.ts';
import { openSecret, sealSecret } from '#config/secrets.ts';
import { canonicalConstant } from '#core/log/constant.ts';
import type { ConstantPart, SideName } from '#core/words/vocabulary.ts';
import type { WireAction } from '#core/wire.ts';
import { addClient, makeClientSecret } from '#db/links/clients.ts';
import { connect, type Connection } from '#db/base/client.ts';
import { ensureKeys } from '#db/links/keys.ts';
import { createApp } from '#gateway/app.ts';
import type { FederationDeps } from '#gateway/federation.ts';
import { clientLimits } from '#gateway/limits/standard.ts';
import { createKeyRing } from '#gateway/oauth/key-ring.ts';
import { checkPeerUrl } from '#protocols/ferry/peer-url.ts';
import { serve, type ServeOptions } from '#gateway/serve.ts';
import { acme, addOrganisations, escalation, far, wireOf, type Wanted } from '#test/db/exchange/receive-rig.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';
import { tempDir } from '#test/support/temp.ts';

export type Reply = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Record<string, unknown>;
};

export type Origin = { readonly issuer: string; readonly kid: string; readonly key: CryptoKey; readonly public: JWK };

export type ApiRig = {
  readonly url: string;
  readonly connection: Connection;
  readonly database: TestDatabase;
  readonly blobs: BlobStore;
  /** Replaces the store behind the gateway; null restores the real one. */
  breakBlobs(broken: Partial<BlobStore> | null): void;
  /** Instances that were woken, in order. */
  readonly woken: string[];
  /** Key sets that were fetched. */
  readonly fetched: string[];
  readonly origins: Readonly<Record<'acme' | 'beta' | 'far', Origin>>;
  readonly open: (sealed: string, context: string) => Promise<string>;
  readonly seal: (text: string, context: string) => Promise<string>;
  /** Null: unreachable. */
  keySets: Map<string, readonly JWK[]> | null;
  /** How long the gateway remembers key sets. In milliseconds. */
  passTime(ms: number): void;
  /** The token of a client on the link that speaks for the side. */
  token(link: string, role: SideName): Promise<string>;
  call(method: string, path: string, options?: Call): Promise<Reply>;
  /** A signed action of acme. */
  signed(wanted?: Wanted, by?: Origin): Promise<WireAction>;
  escalation(wanted?: Wanted): Promise<WireAction>;
  /** Opens a mirror on acme-north. */
  openMirror(ticket: string): Promise<string>;
  log(): string;
  close(): Promise<void>;
};

export type Call = {
  readonly token?: string | null;
  readonly json?: unknown;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
};

export async function startApiRig(
  label: string,
  options: { readonly serve?: Partial<ServeOptions>; readonly federation?: Partial<FederationDeps> } = {},
): Promise<ApiRig> {
  const database = await freshDatabase(label);
  const connection = connect(database.url, { max: 8 });
  const { db } = connection;
  const key = randomBytes(32);
  const open = (sealed: string, context: string): Promise<string> => openSecret(sealed, context, [key]);
  const seal = (text: string, context: string): Promise<string> => sealSecret(text, context, key);
  const directory = await tempDir();
  const real = await openBlobStore(directory.path);
  let broken: Partial<BlobStore> | null = null;
  const blobs: BlobStore = {
    put: (...given) => (broken?.put ?? real.put)(...given),
    open: (sha256) => (broken?.open ?? real.open)(sha256),
    has: (sha256) => (broken?.has ?? real.has)(sha256),
    deleteUntouched: (sha256, untouchedMs) => real.deleteUntouched(sha256, untouchedMs),
    reseal: () => real.reseal(),
  };
  let log = '';
  let inner: Hono | null = null;
  const outer = new Hono();
  outer.all('*', (c) => inner?.fetch(c.req.raw, c.env as object) ?? c.text('not yet', 503));
  const served = await serve(
    { app: outer, stopping: () => undefined, idle: () => Promise.resolve() },
    { host: '127.0.0.1', port: 0, ...options.serve },
  );
  await addOrganisations(connection, served.url);
  await ensureKeys(db, seal, 'north');
  const origins = {
    acme: await newOrigin(acme),
    beta: await newOrigin('https://beta.example/i/beta'),
    far: await newOrigin(far),
  };
  const clients = new Map<string, { readonly id: string; readonly secret: string }>();
  const tokens = new Map<string, string>();
  let passedMs = 0;
  const woken: string[] = [];
  const fetched: string[] = [];

  const rig: ApiRig = {
    url: served.url,
    connection,
    database,
    blobs: real,
    breakBlobs: (other) => {
      broken = other;
    },
    woken,
    fetched,
    origins,
    open,
    seal,
    keySets: new Map(Object.values(origins).map((origin) => [origin.issuer, [origin.public]])),
    passTime: (ms) => {
      passedMs += ms;
    },
    async token(link, role) {
      const id = `${link}/${role}`;
      const kept = tokens.get(id);
      if (kept !== undefined) return kept;
      const { secret, hash } = makeClientSecret();
      await addClient(db, { id, link, role, instance: 'north', secretHashes: [hash] });
      clients.set(id, { id, secret });
      const reply = await fetch(`${served.url}/oauth/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ grant_type: 'client_credentials', client_id: id, client_secret: secret }),
      });
      const { access_token: token } = (await reply.json()) as { access_token?: string };
      if (token === undefined) throw new Error(`no token for ${id}: ${reply.status}`);
      tokens.set(id, token);
      return token;
    },
    async call(method, path, call = {}) {
      const token = call.token === undefined ? await rig.token('acme-north', 'customer') : call.token;
      const body = call.json === undefined ? call.body : JSON.stringify(call.json);
      const reply = await fetch(served.url + path, {
        method,
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(call.json === undefined ? {} : { 'content-type': 'application/json' }),
          ...call.headers,
        },
        ...(body === undefined ? {} : { body }),
      });
      const text = await reply.text();
      return { status: reply.status, headers: reply.headers, text, body: parsed(text) };
    },
    signed: async (wanted = {}, by = origins.acme) => signedBy(wireOf({ origin: by.issuer, ...wanted }), by),
    escalation: async (wanted = {}) => signedBy(escalation(wanted), origins.acme),
    async openMirror(ticket) {
      const action = await rig.escalation({ ticket });
      const reply = await rig.call('POST', '/v1/supplier/tickets', { json: { action } });
      const { results } = reply.body as { results?: { status: string }[] };
      if (results?.[0]?.status !== 'accepted') throw new Error(`not opened: ${reply.status} ${reply.text}`);
      return action.constant.id;
    },
    log: () => log,
    async close() {
      await served.stop(1_000);
      await connection.close();
      await database.drop();
      await directory.remove();
    },
  };
  const gateway = createApp({
    connection,
    log: makeLog({ level: 'info', name: 'gateway', to: { write: (line) => void (log += line) } }),
    version: '9.9.9',
    hintOf: () => () => [],
    temporalUp: () => Promise.resolve(false),
    federation: {
      publicUrl: served.url,
      keys: createKeyRing({ db, open }),
      blobs,
      wake: (instances) => void woken.push(...instances),
      seal,
      fetchJson: (url) => {
        fetched.push(url);
        const keys = rig.keySets?.get(url.replace(/\/jwks\.json$/, ''));
        return keys === undefined ? Promise.reject(new Error('unreachable')) : Promise.resolve({ keys });
      },
      identify: () => Promise.reject(new Error('nobody is there')),
      checkWebhook: (url) => checkPeerUrl(url, { allowAddresses: ['127.0.0.0/8'] }),
      attachmentBytes: 1024 * 1024,
      addressOf: () => '127.0.0.1',
      monotonic: () => performance.now() + passedMs,
      // Tests call faster than any client; tests of the limits state the limits they need.
      limits: clientLimits({ requests: 1_000_000, actions: 1_000_000, bodyMiB: 100_000 }),
      strangers: { perMinute: 1_000_000, atOnce: 100_000 },
      ...options.federation,
    },
  });
  inner = gateway.app;
  return rig;
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

export async function newOrigin(issuer: string): Promise<Origin> {
  const pair = await generateKeyPair('Ed25519', { extractable: true });
  const kid = randomBytes(8).toString('hex');
  return { issuer, kid, key: pair.privateKey, public: { ...(await exportJWK(pair.publicKey)), kid } };
}

export async function signedBy(
  action: WireAction,
  by: Origin,
  header: Record<string, unknown> = {},
): Promise<WireAction> {
  const jws = await new CompactSign(Buffer.from(canonicalConstant(action.constant as ConstantPart)))
    .setProtectedHeader({ alg: 'EdDSA', typ: 'ferry-constant+jws', kid: by.kid, iss: by.issuer, ...header })
    .sign(by.key);
  const [head = '', , mark = ''] = jws.split('.');
  return { ...action, signature: `${head}..${mark}` };
}

export function digestOf(bytes: Uint8Array | string): { readonly sha256: string; readonly header: string } {
  const digest = createHash('sha256').update(bytes).digest();
  return { sha256: digest.toString('hex'), header: `sha-256=:${digest.toString('base64')}:` };
}
