/** A gateway's own half of a link with a scripted peer: a real database, a real drain, real HTTP; no helpdesk is asked. */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { sql } from 'drizzle-orm';
import { openBlobStore, type BlobStore } from '#blobs/store.ts';
import { openSecret, sealSecret } from '#config/secrets.ts';
import { createHttpClient } from '#connectors/kit/http.ts';
import type { Helpdesk } from '#connectors/contract/helpdesk.ts';
import type { Attachment, Person, SideName, TicketSnapshot, Words } from '#core/words/vocabulary.ts';
import { connect, rows, type Client, type Connection } from '#db/base/client.ts';
import type { WorkDeps } from '#activities/deps.ts';
import { createDrain } from '#activities/drain.ts';
import { createPeers } from '#activities/exchange/peers.ts';
import { createSigner } from '#activities/exchange/signer.ts';
import type { DrainResult } from '#workflows/contract.ts';
import { addInstance, addLink } from '#test/federation/rig.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';
import { tempDir } from '#test/support/temp.ts';
import { workDeps } from '#test/activities/work-deps.ts';
import { startPeer, type ScriptedPeer } from './scripted-peer.ts';

export const publicUrl = 'http://ferry.test';

export type HandOverRig = {
  readonly db: Client;
  readonly connection: Connection;
  readonly database: TestDatabase;
  readonly peer: ScriptedPeer;
  readonly deps: WorkDeps;
  readonly blobs: BlobStore;
  /** Runs the courier of the peer until nothing is due. */
  drain(instance?: string): Promise<DrainResult>;
  /** A mirror whose escalation is its first delivery; the id is its and the action's. */
  escalated(ticket?: string): Promise<string>;
  /** Logs an action of the local desk on the mirror's lane to the peer. */
  said(mirror: string, note: string, more?: Partial<Said>): Promise<string>;
  lane(mirror: string): Promise<LaneRow>;
  deliveries(mirror: string, to?: string): Promise<DeliveryRow[]>;
  close(): Promise<void>;
};

export type Said = {
  readonly author: Person;
  readonly words: Words;
  readonly attachments: readonly Attachment[];
  readonly visibility: string;
  readonly kind: string;
};

export type LaneRow = {
  readonly sent: number;
  readonly acked: number;
  readonly due: boolean;
  readonly parked: boolean;
  readonly due_in_ms: number | null;
};

export type DeliveryRow = {
  readonly id: string;
  readonly action: string;
  readonly seq: number;
  readonly kind: string;
  readonly accepted: boolean;
  readonly outcome: string | null;
  readonly code: string | null;
  readonly sent_hash: string | null;
  readonly sent: unknown;
};

const key = randomBytes(32);

export type RigOptions = {
  /** The side of our desk. */
  readonly side?: SideName;
  readonly outbound?: Record<string, unknown>;
  readonly far?: 'peer' | 'api';
};

/** Our desk is `acme`, the other side's instance is called `north` here. */
export async function startHandOver(label: string, options: RigOptions = {}): Promise<HandOverRig> {
  const { side = 'customer', far = 'peer' } = options;
  const database = await freshDatabase(label);
  const connection = connect(database.url, { max: 8 });
  const { db } = connection;
  const peer = await startPeer();
  const dir = await tempDir();
  const blobs = await openBlobStore(dir.path);
  const http = createHttpClient({ allow: { http: true, privateAddresses: ['127.0.0.0/8'] } });
  await addInstance(connection, 'acme', 'http://127.0.0.1:1', {});
  await addInstance(connection, 'north', far === 'peer' ? peer.issuer : `${publicUrl}/i/north`, {});
  await db.execute(sql`update instances set type = ${far} where id = 'north'`);
  const outbound = {
    actions: ['Note'],
    ...(side === 'customer' ? { escalates: { kind: 'Escalate' } } : {}),
    ...options.outbound,
  };
  const [customer, supplier] = side === 'customer' ? ['acme', 'north'] : ['north', 'acme'];
  await addLink(connection, 'link', customer, supplier, { [side]: { outbound } });
  if (far === 'peer')
    await db.execute(
      sql`insert into peers (link, instance, issuer, client_id, api, far_link) values ('link', 'acme', ${peer.issuer}, 'us', ${peer.url}, 'far')`,
    );
  const desk = {
    instance: 'acme',
    name: 'ACME',
    type: 'rt' as const,
    version: 1,
    helpdesk: {
      openAttachment: (_ticket: string, id: string) => Promise.reject(new Error(`no file ${id}`)),
    } as unknown as Helpdesk,
  };
  const deps = workDeps({
    db,
    blobs,
    publicUrl,
    peers: createPeers({
      db,
      http,
      tokensFor: () => ({
        authorization: () => Promise.resolve({ authorization: 'Bearer token' }),
        forget: () => {},
        dating: () => () => false,
      }),
    }),
    signer: createSigner({
      db,
      seal: (plain, context) => sealSecret(plain, context, key),
      open: (sealed, context) => openSecret(sealed, context, [key]),
    }),
    desks: { of: () => Promise.resolve(desk), doubt: () => undefined },
  });
  const drain = createDrain(deps);
  let number = 0;
  return {
    db,
    connection,
    database,
    peer,
    deps,
    blobs,
    drain: (instance = 'north') => drain(instance, { signal: new AbortController().signal, heartbeat: () => {} }),
    async escalated(ticket = '1') {
      const [row] = await rows<{ id: string }>(db, sql`select uuidv7() as id`);
      const id = row?.id ?? '';
      await snapshot(db, 'acme', ticket);
      await db.execute(
        sql`insert into mirrors (id, link, first_instance, first_ticket, first_number, first_url, second_instance)
          values (${id}, 'link', ${customer}, ${ticket}, ${`#${ticket}`}, 'http://acme.test/1', ${supplier})`,
      );
      if (side === 'supplier')
        await db.execute(sql`update mirrors set state = 'open', second_ticket = '9' where id = ${id}`);
      await db.execute(
        sql`insert into lanes (mirror, to_instance, link) values (${id}, ${customer}, 'link'), (${id}, ${supplier}, 'link')`,
      );
      if (side === 'customer') await log(id, id, '<p>Please help.</p>', { kind: 'Escalate', escalation: true, ticket });
      return id;
    },
    async said(mirror, note, more = {}) {
      const [row] = await rows<{ id: string }>(db, sql`select uuidv7() as id`);
      await log(mirror, row?.id ?? '', note, { ticket: side === 'customer' ? '1' : '9', ...more });
      return row?.id ?? '';
    },
    async lane(mirror) {
      const [row] = await rows<LaneRow>(
        db,
        sql`select sent_seq::int as sent, acked_seq::int as acked, due_at is not null and due_at < 'infinity' as due,
            coalesce(due_at = 'infinity', false) as parked,
            case when due_at < 'infinity' then (extract(epoch from due_at - now()) * 1000)::float8 end as due_in_ms
          from lanes where mirror = ${mirror} and to_instance = 'north'`,
      );
      if (row === undefined) throw new Error('no lane');
      return row;
    },
    deliveries: (mirror, to = 'north') =>
      rows<DeliveryRow>(
        db,
        sql`select id, action, seq::int as seq, kind, accepted_at is not null as accepted, outcome, reason->>'code' as code, sent_hash, sent
          from deliveries where mirror = ${mirror} and to_instance = ${to} order by deliveries.seq`,
      ),
    async close() {
      await peer.close();
      await http.close();
      await connection.close();
      await database.drop();
      await rm(dir.path, { recursive: true, force: true });
    },
  };

  async function log(
    mirror: string,
    id: string,
    note: string,
    more: Partial<Said> & { readonly escalation?: boolean; readonly ticket: string },
  ): Promise<void> {
    number += 1;
    const author = more.author ?? { name: 'Ann Lee', role: 'agent' };
    const words = more.words ?? { kind: more.kind ?? 'Note', fields: {} };
    await db.execute(
      sql`with action as (
          insert into actions (id, instance, ticket, external_id, origin, at, author, audience, visibility, note, words, attachments, hash, via, trace)
          values (${id}, 'acme', ${more.ticket}, ${String(number)}, 'acme', date_trunc('milliseconds', now()), ${JSON.stringify(author)}::jsonb, 'desks',
            ${more.visibility ?? 'visible'}, ${note}, ${JSON.stringify(words)}::jsonb, ${JSON.stringify(more.attachments ?? [])}::jsonb, 'x', '{acme}', ${id.replaceAll('-', '')})
        ), lane as (
          update lanes set last_seq = last_seq + 1, due_at = coalesce(due_at, now()) where mirror = ${mirror} and to_instance = 'north' returning last_seq
        )
        insert into deliveries (mirror, to_instance, seq, kind, action, escalation)
        select ${mirror}, 'north', last_seq, 'action', ${id}, ${more.escalation ?? false} from lane`,
    );
  }
}

async function snapshot(db: Client, instance: string, ticket: string): Promise<void> {
  const value: TicketSnapshot = {
    ticketId: ticket,
    number: `#${ticket}`,
    url: `http://acme.test/${ticket}`,
    summary: 'VPN drops every hour',
    description: '<p>It does.</p>',
    status: 'open',
    closed: false,
    category: null,
    type: null,
    priority: null,
    fields: {},
    account: null,
    requester: { name: 'Ursula Enduser', email: 'ursula@acme.test', role: 'user' },
  };
  await db.execute(
    sql`insert into tickets (instance, entity, external_id, snapshot) values (${instance}, 'ticket', ${ticket}, ${JSON.stringify(value)}::jsonb)
      on conflict do nothing`,
  );
}
