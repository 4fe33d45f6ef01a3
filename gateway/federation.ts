/** The routes for other organisations: OAuth, pairing, the link, and the supplier and customer API. */
import { Hono } from 'hono';
import type { BlobStore } from '#blobs/store.ts';
import type { Log } from '#config/log.ts';
import { wireLimits } from '#core/wire.ts';
import type { Client } from '#db/base/client.ts';
import { loadDirectory } from '#db/exchange/directory.ts';
import { createVersionCache } from '#db/settings/settings-in-force.ts';
import type { Wake } from '#db/carry/couriers.ts';
import { apiRoutes } from './exchange/routes.ts';
import { createTexts, type Texts } from '#text-worker/texts.ts';
import { docsRoutes } from './docs/routes.ts';
import { authenticate } from './oauth/authenticate.ts';
import { baseUrl } from './oauth/issuer.ts';
import type { KeyRing } from './oauth/key-ring.ts';
import { oauthRoutes } from './oauth/routes.ts';
import { linkRoutes } from './pairing/link-routes.ts';
import { pairingRoutes, type PairingDeps } from './pairing/routes.ts';
import { problem } from './problems.ts';
import { admit } from './limits/admit.ts';
import { socketAddress, type AddressOf } from './limits/address-of.ts';
import type { PaceLimit } from './limits/pace.ts';
import { createClients } from './limits/clients.ts';
import { clientLimits, type ClientLimits } from './limits/standard.ts';
import { createStrangers } from './limits/strangers.ts';
import type { SignInRefused } from './sign-in-refused.ts';

export type FederationDeps = {
  /** The URL at which others reach this gateway. */
  readonly publicUrl: string;
  readonly keys: KeyRing;
  readonly blobs: BlobStore;
  /** Default: its own threads, which do not keep the process alive. */
  readonly texts?: Texts;
  /** Wakes couriers after a commit; never awaited. */
  readonly wake: Wake;
  /** Seals a secret for the row that will store it. */
  readonly seal: (plain: string, context: string) => Promise<string>;
  /** Both use the guarded HTTP client, and reject if they fail. */
  readonly fetchJson: (url: string) => Promise<unknown>;
  readonly identify: PairingDeps['identify'];
  /** Checks that an API client may let Ferry call this URL; rejects with a HelpdeskError if not. */
  readonly checkWebhook: (url: string) => Promise<unknown>;
  /** The largest accepted file; bytes. */
  readonly attachmentBytes?: number;
  readonly now?: () => Date;
  /** Reads a monotonic clock; milliseconds. */
  readonly monotonic?: () => number;
  /** The limits of a client; limits/standard.ts has the default. */
  readonly limits?: ClientLimits;
  /** The limits of all unknown callers from one address; limits/strangers.ts has the default. */
  readonly strangers?: PaceLimit;
  /** Returns the free space on the files' disk, bytes. Default: not checked. */
  readonly freeBytes?: () => Promise<number>;
  /** Returns the caller's address, for limits of unknown callers and failed attempts. Default: the socket's remote address. */
  readonly addressOf?: AddressOf;
};

export function federationRoutes(
  db: Client,
  version: string,
  log: Log,
  refused: SignInRefused,
  deps: FederationDeps | undefined,
): Hono {
  const routes = new Hono();
  const strangers = createStrangers({
    addressOf: deps?.addressOf ?? socketAddress,
    ...(deps?.strangers === undefined ? {} : { limit: deps.strangers }),
  });
  for (const path of ['/docs', '/docs/*']) routes.use(path, strangers.paced);
  routes.route('/', docsRoutes());
  if (deps === undefined) {
    for (const path of ['/v1/*', '/oauth/*', '/i/*', '/.well-known/oauth-authorization-server/*'])
      routes.all(path, () => problem('api-off', 'Its operator can enable it by setting FERRY_PUBLIC_URL.'));
    return routes;
  }
  const publicUrl = baseUrl(deps.publicUrl);
  const { keys, blobs, wake, seal, fetchJson, identify, checkWebhook } = deps;
  const limits = deps.limits ?? clientLimits();
  const clients = createClients(limits);
  const { unreferencedBytes } = limits;
  // Refuse a file permanently if it alone exceeds the link's quota, because it would never fit; its note is carried without it.
  const attachmentBytes = Math.min(deps.attachmentBytes ?? wireLimits.attachmentBytes, unreferencedBytes);
  const clock = {
    ...(deps.now === undefined ? {} : { now: deps.now }),
    ...(deps.addressOf === undefined ? {} : { addressOf: deps.addressOf }),
  };
  const authenticated = admit(authenticate({ db, publicUrl, keys, log, refused, ...clock }), { clients, strangers });
  for (const path of ['/i/*', '/.well-known/*']) routes.use(path, strangers.paced);
  routes.route('/', oauthRoutes({ db, publicUrl, keys, log, refused, fetchJson, clients, ...clock }));
  routes.route('/', pairingRoutes({ db, publicUrl, seal, identify, refused, ...clock }));
  const ofLinks = { db, authenticate: authenticated, wake, attachmentBytes, unreferencedBytes };
  routes.route('/', linkRoutes({ ...ofLinks, ...clock }));
  routes.route(
    '/',
    apiRoutes({
      db,
      cache: createVersionCache(),
      publicUrl,
      version,
      authenticate: authenticated,
      directory: () => loadDirectory(db, publicUrl),
      blobs,
      texts: deps.texts ?? createTexts(),
      wake,
      fetchJson,
      checkWebhook,
      ...(deps.monotonic === undefined ? {} : { monotonic: deps.monotonic }),
      seal,
      attachmentBytes,
      clients,
      limits,
      ...(deps.freeBytes === undefined ? {} : { freeBytes: deps.freeBytes }),
    }),
  );
  return routes;
}
