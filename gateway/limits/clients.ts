/**
 * Enforces the limits of each client, so that none of them can monopolise the event loop, the connection pool or the disk. Counts
 * only within this process, because the limits protect this process. Keeps no state for idle clients.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProblemError } from '#gateway/problems.ts';
import { createPace, type Pace } from './pace.ts';
import { createPlaces, type Places } from './places.ts';
import { rateLimitHeaders, type Policy } from './rate-limit-headers.ts';
import type { ClientLimits } from './standard.ts';

export type Clients = {
  /** Refuses a client that is over its limits before its token is verified. */
  assertWelcome(authorization: string | undefined): Promise<void>;
  /** Counts a request of a client with a verified token, and waits for its turn. @throws ProblemError */
  admit(client: string, request: Admitted): Promise<{ leave(): void; headers(): Readonly<Record<string, string>> }>;
  /** Counts a batch's actions or receipts, and waits for their turn. @throws ProblemError */
  actions(client: string, count: number): Promise<void>;
  /** Reserves a place for one file. @throws ProblemError */
  file(client: string): Promise<FilePlace>;
  /** Counts an issued token. Returns null, or the seconds to wait. */
  token(client: string): Promise<number | null>;
};

export type Admitted = {
  /** The token as it was sent, to recognise the client next time. */
  readonly authorization: string | undefined;
  /** Bytes of its body, if that is JSON. */
  readonly bytes: number;
};

export type FilePlace = {
  /** Resolves when so many more bytes may pass. */
  bytes(count: number): Promise<void>;
  leave(): void;
};

type Client = {
  readonly requests: Pace;
  readonly bytes: Pace;
  readonly actions: Pace;
  readonly fileBytes: Pace;
  readonly places: Places;
  readonly files: Places;
  held: number;
  /** The instant until which it is over its limits. */
  refusedUntil: number;
};

const mostTokens = 10_000;
/** The most clients to track. The database limits their number; the longest-idle one is dropped anyway. */
const mostClients = 10_000;

export function createClients(limits: ClientLimits, now: () => number = () => performance.now()): Clients {
  const clients = new Map<string, Client>();
  /** Clients by the hash of a verified token. */
  const tokens = new Map<string, string>();
  const { mostWaitMs, refusalMs, heldRefusals } = limits;

  function of(id: string): Client {
    const known = clients.get(id);
    const client = known ?? newClient(limits, now);
    // In the order of their last requests.
    clients.delete(id);
    clients.set(id, client);
    dropOldest(clients, mostClients, ({ places, files }) => places.busy + files.busy === 0);
    return client;
  }

  const policies = (client: Client): readonly Policy[] => [
    { name: 'requests', limit: limits.requests, left: client.requests.left() },
    { name: 'bytes', unit: 'content-bytes', limit: limits.bytes, left: client.bytes.left() },
  ];

  async function refuse(client: Client, policy: string, retryMs: number): Promise<never> {
    client.refusedUntil = Math.max(client.refusedUntil, now() + retryMs);
    const isHeld = client.held < heldRefusals;
    if (isHeld) {
      client.held += 1;
      await sleep(Math.min(refusalMs, retryMs));
      client.held -= 1;
    }
    throw new ProblemError('too-many-requests', `Over the limit of ${policy}. Wait for the time in Retry-After.`, {
      headers: {
        ...rateLimitHeaders(policies(client), retryMs),
        'retry-after': String(Math.max(1, Math.ceil(retryMs / 1_000))),
        ...(isHeld ? {} : { connection: 'close' }),
      },
      violated: [policy],
    });
  }

  async function pass(client: Client, policy: string, pace: Pace, cost: number): Promise<void> {
    const taken = pace.take(cost);
    if (!taken.ok) return refuse(client, policy, taken.retryMs);
    if (taken.waitMs > 0) await sleep(taken.waitMs);
  }

  return {
    async assertWelcome(authorization) {
      if (authorization === undefined) return;
      const id = tokens.get(hashOf(authorization));
      const client = id === undefined ? undefined : clients.get(id);
      if (client === undefined) return;
      const retryMs = client.refusedUntil - now();
      if (retryMs > 0) await refuse(client, 'requests', retryMs);
    },
    async admit(id, { authorization, bytes }) {
      const client = of(id);
      if (authorization !== undefined) {
        tokens.set(hashOf(authorization), id);
        dropOldest(tokens, mostTokens);
      }
      await pass(client, 'requests', client.requests, 1);
      if (bytes > 0) await pass(client, 'bytes', client.bytes, bytes);
      const leave = await client.places.enter();
      if (leave === null) return refuse(client, 'requests-at-a-time', refusalMs);
      return { leave, headers: () => rateLimitHeaders(policies(client)) };
    },
    async actions(id, count) {
      const client = of(id);
      await pass(client, 'actions', client.actions, count);
    },
    async file(id) {
      const client = of(id);
      const leave = await client.files.enter();
      if (leave === null) return refuse(client, 'files-at-a-time', mostWaitMs);
      return {
        leave,
        async bytes(count) {
          // A file that has started is slowed down as much as necessary, but never refused.
          for (let left = count; left > 0; left -= limits.fileBytes.atOnce) {
            const cost = Math.min(left, limits.fileBytes.atOnce);
            for (let taken = client.fileBytes.take(cost); ; taken = client.fileBytes.take(cost)) {
              const waitMs = taken.ok ? taken.waitMs : Math.min(taken.retryMs, mostWaitMs);
              if (waitMs > 0) await sleep(waitMs);
              if (taken.ok) break;
            }
          }
        },
      };
    },
    async token(id) {
      const taken = of(id).requests.take(1);
      if (!taken.ok) return Math.max(1, Math.ceil(taken.retryMs / 1_000));
      if (taken.waitMs > 0) await sleep(taken.waitMs);
      return null;
    },
  };
}

function newClient(limits: ClientLimits, now: () => number): Client {
  const { mostWaitMs, waitingRequests: waiting } = limits;
  const pace = (name: 'requests' | 'bytes' | 'actions' | 'fileBytes'): Pace =>
    createPace(limits[name], mostWaitMs, now);
  return {
    requests: pace('requests'),
    bytes: pace('bytes'),
    actions: pace('actions'),
    fileBytes: pace('fileBytes'),
    places: createPlaces({ places: limits.requestsAtATime, waiting, mostWaitMs }),
    files: createPlaces({ places: limits.filesAtATime, waiting, mostWaitMs }),
    held: 0,
    refusedUntil: Number.NEGATIVE_INFINITY,
  };
}

function dropOldest<Value>(map: Map<string, Value>, most: number, mayGo: (value: Value) => boolean = () => true): void {
  for (const [key, value] of map) {
    if (map.size <= most) return;
    if (mayGo(value)) map.delete(key);
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
