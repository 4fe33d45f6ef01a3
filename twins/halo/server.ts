/** A running Halo twin: a desk, its database, its HTTP server. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import type { Guard } from '#listener/guard.ts';
import { createListener } from '#listener/listener.ts';
import { createApp } from './app.ts';
import { createAuth } from './auth.ts';
import { createChanges } from './changes.ts';
import type { Desk } from './desk.ts';
import { createFaults } from './faults.ts';
import { profiles } from './profiles.ts';
import type { Profile, ProfileName } from './profiles.ts';
import type { RateLimit } from './ratelimit.ts';
import { isPage, originOf } from './pages/guard.ts';
import { createLimiter, haloRateLimit } from './ratelimit.ts';
import { createRequestLog } from './requests.ts';
import type { Application, HaloSeed } from './seed.ts';
import { resetDesk, seedDesk } from './seeding.ts';
import { openStore } from './store.ts';
import type { SeenRequest } from './serving.ts';
import { createUnseen } from './unseen.ts';
import { createWebhooks } from './webhooks.ts';

export interface HaloTwinOptions {
  readonly seed: HaloSeed;
  /**
   * The database file, or `:memory:` (the default). Attachments are kept in `<dbPath>.files`, or else in a temporary
   * folder.
   */
  readonly dbPath?: string;
  /** 0 (the default) picks a free one. */
  readonly port?: number;
  readonly host?: string;
  /** How it answers where live Halos differ; `usual` by default. */
  readonly profile?: ProfileName | Profile;
  /** Called with every request to the API. */
  readonly watch?: (request: SeenRequest) => void;
  /** The desk's name; the seed's by default. */
  readonly name?: string;
  /** The address at which callers reach it, if it is not its own. */
  readonly publicUrl?: string;
  /** API applications; the seed's by default. */
  readonly applications?: readonly Application[];
  /** The profile's limit by default, 300 or 700 in five minutes. `{limit: 0}` removes it. */
  readonly rateLimit?: Partial<RateLimit>;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** How long a creation takes, in milliseconds (default 5). */
  readonly createMs?: number;
  readonly tokenTtlSeconds?: number;
  readonly maxAttachmentBytes?: number;
  /** Origins whose pages may show the desk's pages in a frame; none by default. */
  readonly frameAncestors?: readonly string[];
}

export interface HaloTwin {
  readonly url: string;
  readonly port: number;
  readonly name: string;
  readonly tenant: string;
  readonly applications: readonly Application[];
  /** For tests that look behind the API. */
  readonly desk: Desk;
  reset(): void;
  /** Closes all connections, stops, and removes temporary files. */
  close(): Promise<void>;
}

/** Starts a twin. An empty database is seeded; one that was used before is left as it is. */
export async function createHaloTwin(options: HaloTwinOptions): Promise<HaloTwin> {
  const { seed } = options;
  const host = options.host ?? '127.0.0.1';
  const now = options.now ?? Date.now;
  const dbPath = options.dbPath ?? ':memory:';
  const temporary = dbPath === ':memory:' ? mkdtempSync(join(tmpdir(), 'halo-twin-')) : null;
  const blobs = temporary ?? `${dbPath}.files`;
  mkdirSync(blobs, { recursive: true });
  removeLeftovers(blobs);
  const store = openStore(dbPath);
  const faults = createFaults();
  const webhooks = createWebhooks(store, faults, now);
  const { profile: given = 'usual' } = options;
  const profile = typeof given === 'string' ? profiles[given] : given;
  const limits = { ...haloRateLimit, limit: profile.requestLimit, ...options.rateLimit };
  const limiter = createLimiter(limits);
  const log = createRequestLog();
  const changes = createChanges();
  const frameAncestors = (options.frameAncestors ?? []).map(originOf);
  const applications = options.applications ?? seed.applications;
  const timers = new Set<NodeJS.Timeout>();
  let closed = false;
  let url = '';

  function later(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (!closed) work();
    }, ms);
    timers.add(timer);
  }

  const desk: Desk = {
    name: options.name ?? seed.name,
    profile,
    unseen: createUnseen(now),
    mailbox: seed.mailbox,
    firstTicketId: seed.firstTicketId,
    store,
    blobs,
    now,
    baseUrl: () => options.publicUrl ?? url,
    // Deferred until the current transaction has ended, since a hint must not arrive before the change it points to.
    announce: (announcement) => {
      setImmediate(() => {
        if (closed) return;
        changes.tell(announcement.ticketId);
        webhooks.fire(announcement);
      });
    },
    later,
  };

  const app = createApp({
    desk,
    auth: createAuth(store, applications, seed.tenant, options.tokenTtlSeconds ?? 3600),
    faults,
    limiter,
    log,
    webhooks,
    changes,
    accent: seed.accent,
    frameAncestors,
    product: seed.product,
    version: seed.version,
    tenant: seed.tenant,
    createMs: options.createMs ?? 5,
    maxAttachmentBytes: options.maxAttachmentBytes ?? 512 * 1024 * 1024,
    ...(options.watch === undefined ? {} : { watch: options.watch }),
    restart,
    reset,
  });
  const server = createListener(getRequestListener(app.fetch), {
    guard: {
      ...reachedBy(options.publicUrl),
      // Forms of its pages, and that of Halo's token endpoint. By then the guard has checked where they come from.
      takes: (path) => isPage(path.toLowerCase()) || path.toLowerCase() === '/auth/token',
    },
  });
  server.requestTimeout = 0;

  let port: number;
  try {
    port = await listen(server, options.port ?? 0, host);
  } catch (error) {
    store.close();
    if (temporary !== null) rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
  url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (store.meta('seeded') === null) seedDesk(desk, seed);

  /** Sends the answer to the order itself first, then cuts every other connection. */
  function restart(ms: number): void {
    later(10, () => {
      server.close();
      server.closeAllConnections();
      later(ms, () => server.listen(port, host));
    });
  }
  // Another program may briefly have taken the port in the meantime.
  server.on('error', () => later(50, () => server.listen(port, host)));

  function reset(): void {
    for (const file of readdirSync(blobs)) rmSync(join(blobs, file), { force: true });
    resetDesk(desk, seed);
    faults.clear();
    log.clear();
    limiter.set(limits);
    desk.unseen.clear();
    changes.tell(0);
  }

  return {
    url,
    port,
    name: desk.name,
    tenant: seed.tenant,
    applications,
    desk,
    reset,
    async close() {
      if (closed) return;
      closed = true;
      for (const timer of timers) clearTimeout(timer);
      webhooks.close();
      await new Promise<void>((resolve) => {
        if (!server.listening) resolve();
        server.close(() => resolve());
        server.closeAllConnections();
      });
      store.close();
      if (temporary !== null) rmSync(temporary, { recursive: true, force: true });
    },
  };
}

/** Allows a name by which callers reach this machine. */
function reachedBy(publicUrl: string | undefined): Pick<Guard, 'hosts' | 'origins'> {
  if (publicUrl === undefined) return {};
  const { hostname, origin } = new URL(publicUrl);
  return { hosts: [hostname], origins: [origin] };
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Removes uploads that a killed process left half received. */
function removeLeftovers(blobs: string): void {
  for (const name of readdirSync(blobs)) {
    if (name.startsWith('upload-')) rmSync(join(blobs, name), { force: true });
  }
}
