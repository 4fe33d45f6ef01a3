/** The dependencies of the API, which the gateway's start-up passes in. */
import type { MiddlewareHandler } from 'hono';
import type { BlobStore } from '#blobs/store.ts';
import type { Directory } from '#core/words/directory.ts';
import type { Client } from '#db/base/client.ts';
import type { VersionCache } from '#db/settings/settings-in-force.ts';
import type { CallerEnv } from '#gateway/oauth/authenticate.ts';
import type { Clients } from '#gateway/limits/clients.ts';
import type { ClientLimits } from '#gateway/limits/standard.ts';
import type { Wake } from '#db/carry/couriers.ts';
import type { Texts } from '#text-worker/texts.ts';

export type ApiDeps = {
  readonly db: Client;
  readonly cache: VersionCache;
  /** The URL at which others reach this gateway. */
  readonly publicUrl: string;
  readonly version: string;
  readonly authenticate: MiddlewareHandler<CallerEnv>;
  readonly directory: () => Promise<Directory>;
  readonly blobs: BlobStore;
  readonly texts: Texts;
  /** Wakes couriers after a commit; never awaited. */
  readonly wake: Wake;
  /** Reads a peer's key set through the guarded HTTP client; rejects if it can't. */
  readonly fetchJson: (url: string) => Promise<unknown>;
  /** Reads a monotonic clock; milliseconds. Default: the process's. */
  readonly monotonic?: () => number;
  /** Checks that an API client may let Ferry call this URL; rejects with a HelpdeskError if not. */
  readonly checkWebhook: (url: string) => Promise<unknown>;
  /** Seals a secret for the row that will store it. */
  readonly seal: (plain: string, context: string) => Promise<string>;
  /** The largest accepted file. Bytes. */
  readonly attachmentBytes: number;
  readonly clients: Clients;
  readonly limits: ClientLimits;
  /** Returns the free space on the files' disk, in bytes. If absent, it is not checked. */
  readonly freeBytes?: () => Promise<number>;
};
