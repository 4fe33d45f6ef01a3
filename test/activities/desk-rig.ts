/**
 * Two light desks over real HTTP, a real database, and the activities that read and write them, called one at a time: no
 * Temporal and no worker, so that a test says what is done when.
 */
import { rm } from 'node:fs/promises';
import { openBlobStore, type BlobStore } from '#blobs/store.ts';
import { createHttpClient } from '#connectors/kit/http.ts';
import { ticketRef } from '#core/words/ref.ts';
import { connect, type Client, type Connection } from '#db/base/client.ts';
import type { DrivenDesk, WorkDeps } from '#activities/deps.ts';
import { createDrain } from '#activities/drain.ts';
import { observe } from '#activities/watch/observe.ts';
import { createWatch } from '#activities/watch/watch.ts';
import { createLightHelpdesk } from '#bench/light-connector.ts';
import type { DrainResult } from '#workflows/contract.ts';
import { addInstance, addLink, rigDesk, type LinkOptions, type RigDesk } from '#test/federation/rig.ts';
import { freshDatabase } from '#test/support/database.ts';
import { tempDir } from '#test/support/temp.ts';
import { until } from '#test/support/wait.ts';
import { startDesk } from '#twins/light/server.ts';
import { workDeps } from './work-deps.ts';

export type DeskRig = {
  readonly db: Client;
  readonly connection: Connection;
  readonly blobs: BlobStore;
  readonly acme: RigDesk;
  readonly north: RigDesk;
  readonly deps: WorkDeps;
  /** One read of a ticket, as a hint or a feed has it. */
  read(desk: RigDesk, ticket: string): Promise<void>;
  /** Watches both desks until something is so. */
  watchUntil(look: () => Promise<unknown>, what: string): Promise<void>;
  /** Carries what is due for the desk now. */
  drain(desk: RigDesk): Promise<DrainResult>;
  /** Reads a ticket that acme escalates, and opens it at north. Returns both ids. */
  opened(): Promise<{ readonly ticket: string; readonly far: string }>;
  close(): Promise<void>;
};

export type DeskRigOptions = LinkOptions & {
  /** Of both desks' connectors. */
  readonly options?: Record<string, unknown>;
  readonly deps?: Partial<WorkDeps>;
};

const signal = new AbortController().signal;

/** `acme` escalates to `north` on the link `acme-north`; what is written shows within 300 ms. */
export async function startDesks(label: string, given: DeskRigOptions = {}): Promise<DeskRig> {
  const { options = {}, deps: own = {}, ...link } = given;
  const database = await freshDatabase(label);
  const connection = connect(database.url, { max: 8 });
  const { db } = connection;
  const dir = await tempDir();
  const blobs = await openBlobStore(dir.path);
  const http = createHttpClient({ allow: { http: true, privateAddresses: ['127.0.0.0/8'] } });
  const light = new Map<
    string,
    { readonly desk: Awaited<ReturnType<typeof startDesk>>; readonly driven: DrivenDesk }
  >();
  for (const id of ['acme', 'north']) {
    const desk = await startDesk({ name: id });
    const all = { settleMs: 300, writeTimeoutMs: 2_000, ...options };
    await addInstance(connection, id, desk.url, all);
    const helpdesk = createLightHelpdesk({
      ...{ instance: id, url: desk.url, credentials: {}, options: all, http },
      take: () => Promise.resolve(),
    });
    light.set(id, { desk, driven: { instance: id, name: id.toUpperCase(), type: 'rt', version: 1, helpdesk } });
  }
  await addLink(connection, 'acme-north', 'acme', 'north', link);
  const none = (): never => {
    throw new Error('there is no peer here');
  };
  const at = (id: string): NonNullable<ReturnType<typeof light.get>> => light.get(id) ?? none();
  const deps = workDeps({
    db,
    blobs,
    peers: { of: none } as unknown as WorkDeps['peers'],
    signer: { sign: none },
    desks: { of: (instance) => Promise.resolve(at(instance).driven), doubt: () => undefined },
    ...own,
  });
  const drain = createDrain(deps);
  const watch = createWatch(deps);
  const person = (id: string): RigDesk => rigDesk(id, at(id).desk, () => Promise.resolve());
  const [acme, north] = [person('acme'), person('north')];
  const rig: DeskRig = {
    ...{ db, connection, blobs, acme, north, deps },
    read: (desk, ticket) => observe(deps, ticketRef(desk.id, ticket), signal),
    async watchUntil(look, what) {
      const leaving = new AbortController();
      const watching = watch({ signal: leaving.signal, heartbeat: () => {} });
      try {
        await until(look, { what });
      } finally {
        leaving.abort();
        await watching;
      }
    },
    drain: (desk) => drain(desk.id, { signal, heartbeat: () => {} }),
    async opened() {
      const ticket = await acme.open();
      await acme.escalate(ticket);
      await rig.read(acme, ticket);
      await rig.drain(north);
      await rig.drain(acme);
      const far = acme.ticket(ticket).reference;
      if (far === null) throw new Error('the escalation has opened nothing');
      return { ticket, far };
    },
    async close() {
      for (const { desk } of light.values()) await desk.close();
      await http.close();
      await connection.close();
      await database.drop();
      await rm(dir.path, { recursive: true, force: true });
    },
  };
  await connection.sql`update instances set live_since = now() - interval '1 day'`;
  return rig;
}
