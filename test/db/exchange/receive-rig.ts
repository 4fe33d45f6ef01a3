// Links with other organisations in a separate database, and what they would send.
import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { linkSettingsSchema, sideSchema } from '#core/rules/settings.ts';
import type { SideName } from '#core/words/vocabulary.ts';
import type { WireAction, WireAnswer, WireReceipt } from '#core/wire.ts';
import { inUnitOfWork } from '#db/base/unit-of-work.ts';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { placeOf } from '#db/base/places.ts';
import { loadDirectory } from '#db/exchange/directory.ts';
import { receiveActions, type ReceiveActions } from '#db/exchange/receive-actions.ts';
import { receiveReceipts } from '#db/exchange/receive-receipts.ts';
import { createVersionCache } from '#db/settings/settings-in-force.ts';
import { freshDatabase } from '#test/support/database.ts';

export const publicUrl = 'https://north.example';
export const acme = 'https://acme.example/i/acme';
export const far = 'https://far.example/i/far';

export type ReceiveRig = {
  readonly connection: Connection;
  receive(input: Partial<ReceiveActions> & Pick<ReceiveActions, 'actions'>): Promise<Answer | null>;
  /** Opens a mirror on acme-north; returns its id. */
  open(ticket?: string): Promise<string>;
  send(mirror: string, ...actions: WireAction[]): Promise<Answer>;
  receipts(mirror: string, receipts: readonly WireReceipt[], from?: SideName, link?: string): Promise<Answer | null>;
  one<Row extends Record<string, unknown>>(query: ReturnType<typeof sql>): Promise<Row | undefined>;
  all<Row extends Record<string, unknown>>(query: ReturnType<typeof sql>): Promise<Row[]>;
  close(): Promise<void>;
};

export type Answer = WireAnswer & { readonly wake: readonly string[] };

export async function addLinkRows(
  connection: Connection,
  link: string,
  customer: string,
  supplier: string,
): Promise<void> {
  const { db } = connection;
  await db.execute(
    sql`insert into links (id, settings) values (${link}, ${JSON.stringify(linkSettingsSchema.parse({}))}::jsonb)`,
  );
  for (const [side, instance] of [
    ['customer', customer],
    ['supplier', supplier],
  ] as const) {
    const settings = sideSchema.parse({
      account: { name: link },
      inbound: { actionDefault: 'Correspond' },
      outbound: { actions: ['Correspond'] },
    });
    await db.execute(
      sql`insert into settings (side, version, settings, changed_by) values (${`${link}/${side}`}, 1, ${JSON.stringify(settings)}::jsonb, 'test')`,
    );
    await db.execute(
      sql`insert into sides (id, link, side, place, instance, settings_version)
        values (${`${link}/${side}`}, ${link}, ${side}, ${placeOf(side)}, ${instance}, 1)`,
    );
  }
}

const catalogue = {
  statuses: [
    { name: 'open', closed: false },
    { name: 'resolved', closed: true },
  ],
  categories: ['Network'],
  types: [{ name: 'Incident' }],
  priorities: ['High'],
  fields: [
    { name: 'Asset', type: 'text' },
    { name: 'Internal', type: 'text' },
  ],
  kinds: [
    { name: 'Correspond', hidden: false, mails: true, sends: 'none', status: null },
    { name: 'Comment', hidden: true, mails: false, sends: 'none', status: null },
  ],
  accounts: ['a secret account'],
  teams: ['a secret team'],
};

/** Our instances north and second; customers acme-peer (a gateway) and tool (without one); supplier far-peer. */
export async function addOrganisations(connection: Connection, ownUrl = publicUrl): Promise<void> {
  const { db } = connection;
  await db.execute(
    sql`insert into catalogues (instance, version, catalogue) values ('north', 1, ${JSON.stringify(catalogue)}::jsonb)`,
  );
  for (const [id, type, url] of [
    ['north', 'rt', 'https://rt.north.example'],
    ['second', 'rt', 'https://rt.second.example'],
    ['acme-peer', 'peer', acme],
    ['beta-peer', 'peer', 'https://beta.example/i/beta'],
    ['far-peer', 'peer', far],
    ['tool', 'api', `${ownUrl}/i/tool`],
  ] as const) {
    await db.execute(
      sql`insert into instances (id, type, name, url, credentials, live_since, state, catalogue_version)
        values (${id}, ${type}, ${id}, ${url}, 'sealed', now(), 'up', ${id === 'north' ? 1 : 0})`,
    );
    await db.execute(sql`insert into couriers (instance) values (${id})`);
  }
  await addLinkRows(connection, 'acme-north', 'acme-peer', 'north');
  await addLinkRows(connection, 'beta-north', 'beta-peer', 'north');
  await addLinkRows(connection, 'tool-north', 'tool', 'north');
  await addLinkRows(connection, 'north-far', 'north', 'far-peer');
}

export async function startReceiveRig(label: string): Promise<ReceiveRig> {
  const database = await freshDatabase(label);
  const connection = connect(database.url, { max: 6 });
  const { db } = connection;
  await addOrganisations(connection);
  const cache = createVersionCache();
  const all = async <Row extends Record<string, unknown>>(query: ReturnType<typeof sql>): Promise<Row[]> => [
    ...(await rows<Row>(db, query)),
  ];
  const rig: ReceiveRig = {
    connection,
    async receive(input) {
      const received = await inUnitOfWork(db, async (unit) =>
        receiveActions(unit, {
          link: 'acme-north',
          from: 'customer',
          mirror: input.actions[0]?.constant.id ?? '',
          open: false,
          // Read for itself, so that a desk which a test has just added is known.
          directory: await loadDirectory(unit.tx, publicUrl),
          ...input,
        }),
      );
      return received === null ? null : { ...received.answer, wake: received.wake };
    },
    async open(ticket = '1001') {
      const action = escalation({ ticket });
      const answer = await rig.receive({ actions: [action], open: true });
      if (answer?.results[0]?.status !== 'accepted') throw new Error(`not opened: ${JSON.stringify(answer)}`);
      return action.constant.id;
    },
    async send(mirror, ...actions) {
      const answer = await rig.receive({ mirror, actions });
      if (answer === null) throw new Error('no such mirror');
      return answer;
    },
    async receipts(mirror, receipts, from = 'supplier', link = 'north-far') {
      const received = await inUnitOfWork(db, async (unit) => {
        const directory = await loadDirectory(unit.tx, publicUrl);
        return receiveReceipts(unit, cache, { link, from, mirror, receipts, directory });
      });
      return received === null ? null : { ...received.answer, wake: received.wake };
    },
    one: async (query) => (await all(query))[0] as never,
    all,
    async close() {
      await connection.close();
      await database.drop();
    },
  };
  return rig;
}

export type Wanted = {
  readonly id?: string;
  readonly seq?: number;
  readonly after?: number;
  readonly ticket?: string;
  readonly note?: string | null;
  readonly origin?: string;
  readonly via?: readonly string[];
  readonly late?: boolean;
  readonly again?: boolean;
  readonly closed?: boolean;
  readonly status?: string;
  readonly at?: string;
  readonly files?: readonly { readonly sha256: string; readonly name?: string }[];
  readonly kind?: string;
};

export function wireOf(wanted: Wanted = {}): WireAction {
  const { seq = 2, after = seq - 1, ticket = '1001', origin = acme } = wanted;
  return {
    seq,
    after,
    constant: {
      id: wanted.id ?? randomUUID(),
      origin,
      author: { name: 'Ann Agent', email: 'ann@acme.example', role: 'agent' },
      at: wanted.at ?? new Date().toISOString(),
      audience: 'desks',
      note: wanted.note === undefined ? '<p>The VPN drops every hour.</p>' : wanted.note,
      attachments: (wanted.files ?? []).map(({ sha256, name = 'log.txt' }, n) => ({
        id: `f${n}`,
        name,
        type: 'text/plain',
        sizeBytes: 5,
        inline: false,
        sha256,
      })),
    },
    words: { kind: wanted.kind ?? 'Update Supplier', status: wanted.status ?? 'With supplier', fields: {} },
    via: [...(wanted.via ?? [origin])],
    mailed: false,
    drops: [],
    trace: randomUUID().replaceAll('-', ''),
    late: wanted.late ?? false,
    again: wanted.again ?? false,
    ticket: {
      id: ticket,
      number: `AC-${ticket}`,
      url: `https://acme.example/${ticket}`,
      closed: wanted.closed ?? false,
    },
  };
}

export function escalation(wanted: Wanted = {}): WireAction {
  return { ...wireOf({ seq: 1, kind: 'Escalate', ...wanted }), escalation: { summary: 'VPN drops every hour' } };
}

export function receiptOf(action: string, seq: number, more: Partial<WireReceipt> = {}): WireReceipt {
  return {
    seq,
    after: seq - 1,
    action,
    outcome: 'applied',
    reason: { code: 'applied-as-is', text: 'Applied.' },
    drops: [],
    ticket: null,
    acceptedAt: '2026-11-22T09:00:00.000Z',
    endedAt: '2026-11-22T09:00:01.000Z',
    attempts: 1,
    ...more,
  };
}
