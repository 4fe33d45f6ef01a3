/** What the API needs from whoever wires the gateway. */
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
  /** At which others reach this gateway. */
  readonly publicUrl: string;
  readonly version: string;
  readonly authenticate: MiddlewareHandler<CallerEnv>;
  readonly directory: () => Promise<Directory>;
  readonly blobs: BlobStore;
  readonly texts: Texts;
  /** After a commit; never awaited. */
  readonly wake: Wake;
  /** Reads a peer's key set through the guarded way out; rejects when it can't. */
  readonly fetchJson: (url: string) => Promise<unknown>;
  /** Of a clock that only goes forward; milliseconds. Default: the process's. */
  readonly monotonic?: () => number;
  /** Whether an API client may have us call this URL; rejects with a HelpdeskError where it may not. */
  readonly checkWebhook: (url: string) => Promise<unknown>;
  /** Seals a secret for the row that it is to stand in. */
  readonly seal: (plain: string, context: string) => Promise<string>;
  /** Largest file that is taken. Bytes. */
  readonly attachmentBytes: number;
  readonly clients: Clients;
  readonly limits: ClientLimits;
  /** Room on the disk of the files, bytes. Absent: nobody looks. */
  readonly freeBytes?: () => Promise<number>;
};
