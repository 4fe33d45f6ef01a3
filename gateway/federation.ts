/** What other organisations see of this gateway: OAuth, pairing, the link, and the supplier and customer API. */
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
  /** At which others reach this gateway. */
  readonly publicUrl: string;
  readonly keys: KeyRing;
  readonly blobs: BlobStore;
  /** Default: its own, whose threads hold up no end of the process. */
  readonly texts?: Texts;
  /** After a commit; never awaited. */
  readonly wake: Wake;
  /** Seals a secret for the row that it is to stand in. */
  readonly seal: (plain: string, context: string) => Promise<string>;
  /** Both through the guarded way out; they reject when they can't. */
  readonly fetchJson: (url: string) => Promise<unknown>;
  readonly identify: PairingDeps['identify'];
  /** Whether an API client may have us call this URL; rejects with a HelpdeskError where it may not. */
  readonly checkWebhook: (url: string) => Promise<unknown>;
  /** Largest file that is taken; bytes. */
  readonly attachmentBytes?: number;
  readonly now?: () => Date;
  /** Of a clock that only goes forward; milliseconds. */
  readonly monotonic?: () => number;
  /** What a client may ask for; limits/standard.ts has the default. */
  readonly limits?: ClientLimits;
  /** What all strangers of one address may ask for; limits/strangers.ts has the default. */
  readonly strangers?: PaceLimit;
  /** Room on the disk of the files, bytes. Default: nobody looks. */
  readonly freeBytes?: () => Promise<number>;
  /** Who called, for limits of strangers and of failed attempts. Default: the socket's other end. */
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
      routes.all(path, () => problem('api-off', 'Its owner sets FERRY_PUBLIC_URL to switch it on.'));
    return routes;
  }
  const publicUrl = baseUrl(deps.publicUrl);
  const { keys, blobs, wake, seal, fetchJson, identify, checkWebhook } = deps;
  const limits = deps.limits ?? clientLimits();
  const clients = createClients(limits);
  // A file that alone is over the quota of a link would never find room: it is refused for good, and its note goes.
  const { unreferencedBytes } = limits;
  const attachmentBytes = Math.min(deps.attachmentBytes ?? wireLimits.attachmentBytes, unreferencedBytes);
  const clock = {
    ...(deps.now === undefined ? {} : { now: deps.now }),
    ...(deps.addressOf === undefined ? {} : { addressOf: deps.addressOf }),
  };
  const authenticated = admit(authenticate({ db, publicUrl, keys, log, refused, ...clock }), { clients, strangers });
  for (const path of ['/i/*', '/.well-known/*']) routes.use(path, strangers.paced);
  routes.route('/', oauthRoutes({ db, publicUrl, keys, log, refused, fetchJson, clients, ...clock }));
  routes.route('/', pairingRoutes({ db, publicUrl, seal, identify, refused, ...clock }));
  routes.route(
    '/',
    linkRoutes({ db, authenticate: authenticated, wake, attachmentBytes, unreferencedBytes, ...clock }),
  );
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
