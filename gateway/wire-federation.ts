/** Wires the API's dependencies: keys, files, the guarded HTTP client, and Temporal to wake couriers. */
import { Client as TemporalClient, Connection as TemporalConnection } from '@temporalio/client';
import { freeBytes, openBlobStore } from '#blobs/store.ts';
import type { Config } from '#config/env.ts';
import type { Log } from '#config/log.ts';
import { openSecret, sealSecret } from '#config/secrets.ts';
import { temporalConnection } from '#config/temporal-connection.ts';
import { createHttpClient } from '#connectors/kit/http.ts';
import { fetchJson } from '#protocols/ferry/fetch-json.ts';
import { readIdentity } from '#protocols/ferry/identity.ts';
import { checkPeerUrl } from '#protocols/ferry/peer-url.ts';
import type { Connection } from '#db/base/client.ts';
import { createWake } from '#worker/wake.ts';
import { createTexts } from '#text-worker/texts.ts';
import { workflowVersion } from '#worker/workflow-version.ts';
import type { FederationDeps } from './federation.ts';
import { createAddressOf } from './limits/address-of.ts';
import { clientLimits } from './limits/standard.ts';
import { createKeyRing } from './oauth/key-ring.ts';

export type WiredFederation = { readonly deps: FederationDeps; close(): Promise<void> };

const identifyWithinMs = 15_000;

/** Returns null without a public URL. Temporal may be down: accepted actions wait in the database until the sweeper wakes a courier. */
export async function wireFederation(
  config: Config,
  connection: Connection,
  log: Log,
): Promise<WiredFederation | null> {
  const { publicUrl, secretKeys, allowAddresses, webhookAddresses, proxies, limits } = config;
  if (publicUrl === undefined) return null;
  const { db } = connection;
  const http = createHttpClient({ allow: { http: 'private', privateAddresses: [...allowAddresses] } });
  const texts = createTexts();
  const lazy = TemporalConnection.lazy(temporalConnection(config.temporal));
  const temporal = new TemporalClient({ connection: lazy, namespace: config.temporal.namespace });
  const [sealing] = secretKeys;
  if (sealing === undefined) throw new Error('there is no key to seal secrets with');
  return {
    deps: {
      publicUrl,
      keys: createKeyRing({ db, open: (sealed, context) => openSecret(sealed, context, secretKeys) }),
      blobs: await openBlobStore(config.blobs, config.contentKeys),
      texts,
      limits: clientLimits(limits),
      freeBytes: () => freeBytes(config.blobs),
      addressOf: createAddressOf(proxies),
      wake: createWake({
        db,
        version: await workflowVersion(),
        temporal: () => temporal,
        onError: (error) => log.warn({ err: error }, 'a wake failed; the sweeper wakes later'),
      }),
      seal: (plain, context) => sealSecret(plain, context, sealing),
      fetchJson: (url) => fetchJson(http, url),
      checkWebhook: (url) => checkPeerUrl(url, { allowAddresses: webhookAddresses }),
      identify: async (issuer) =>
        readIdentity(http, await checkPeerUrl(issuer, { allowAddresses }), AbortSignal.timeout(identifyWithinMs)),
    },
    async close() {
      await texts.close();
      await http.close();
      await lazy.close();
    },
  };
}
