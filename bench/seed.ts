/** Puts thousands of instances, links, settings and open mirrors into a database. */
import { createHash } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { sealSecret } from '#config/secrets.ts';
import { linkSettingsSchema, sideSchema, type SideSettings } from '#core/rules/settings.ts';
import type { Client } from '#db/base/client.ts';
import { placeOf } from '#db/base/places.ts';
import { credentialsContext } from '#activities/desk/desks.ts';
import { lightCatalogue } from './light-connector.ts';

/** One open mirror: a person's note at `near` must appear at `far`. */
export type Mirrored = {
  readonly mirror: string;
  readonly link: string;
  readonly customer: string;
  readonly supplier: string;
  readonly near: string;
  readonly far: string;
};

export const hookSecret = 'bench';

export type SeedInstance = {
  readonly id: string;
  readonly url: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** The current position of the feed. Null if the feed is never read, because other instances share the desk. */
  readonly feed: number | null;
};

export async function seedInstances(db: Client, key: Uint8Array, instances: readonly SeedInstance[]): Promise<void> {
  const given = await Promise.all(
    instances.map(async (one) => ({
      ...one,
      feed: one.feed === null ? '0' : String(one.feed),
      polls: one.feed !== null,
      credentials: await sealSecret('{}', credentialsContext(one.id), key),
    })),
  );
  const hash = createHash('sha256').update(hookSecret).digest('hex');
  const json = JSON.stringify(given);
  await db.transaction(async (tx) => {
    await tx.execute(
      sql`insert into instances (id, type, name, url, options, credentials, hook_secret_hash, catalogue_version, live_since, state)
        select id, 'rt', upper(id), url, options, credentials, ${hash}, 1, now() - interval '1 minute', 'up'
        from jsonb_to_recordset(${json}::jsonb) as i (id text, url text, options jsonb, credentials text)`,
    );
    await tx.execute(
      sql`insert into catalogues (instance, version, catalogue)
        select id, 1, ${JSON.stringify(lightCatalogue)}::jsonb from jsonb_to_recordset(${json}::jsonb) as i (id text)`,
    );
    await tx.execute(
      sql`insert into feeds (instance, cursor, next_poll_at)
        select id, feed, case when polls then now() else 'infinity' end
        from jsonb_to_recordset(${json}::jsonb) as i (id text, feed text, polls boolean)`,
    );
    await tx.execute(
      sql`insert into couriers (instance) select id from jsonb_to_recordset(${json}::jsonb) as i (id text)`,
    );
  });
}

export type SeedLink = { readonly id: string; readonly customer: string; readonly supplier: string };

export async function seedLinks(db: Client, links: readonly SeedLink[]): Promise<void> {
  const json = JSON.stringify(links);
  await db.transaction(async (tx) => {
    await tx.execute(
      sql`insert into links (id, settings) select id, ${JSON.stringify(linkSettingsSchema.parse({}))}::jsonb
        from jsonb_to_recordset(${json}::jsonb) as l (id text)`,
    );
    for (const side of ['customer', 'supplier'] as const) {
      await tx.execute(
        sql`insert into settings (side, version, settings, changed_by)
          select id || ${`/${side}`}, 1, ${JSON.stringify(sideSettings(side))}::jsonb, 'bench'
          from jsonb_to_recordset(${json}::jsonb) as l (id text)`,
      );
      await tx.execute(
        sql`insert into sides (id, link, side, place, instance, settings_version)
          select id || ${`/${side}`}, id, ${side}, ${placeOf(side)}, case when ${side} = 'customer' then customer else supplier end, 1
          from jsonb_to_recordset(${json}::jsonb) as l (id text, customer text, supplier text)`,
      );
    }
  });
}

/** Settings with which everything visible travels both ways. */
export function sideSettings(side: 'customer' | 'supplier'): SideSettings {
  return sideSchema.parse({
    account: { name: side === 'customer' ? 'Supplier' : 'Customers' },
    inbound: {
      statuses: ['open', 'waiting', 'closed'].map((status) => ({ from: status, to: status })),
      actions: [{ from: 'Note', to: 'Note' }],
      actionDefault: 'Note',
    },
    outbound: { actions: ['Note'], ...(side === 'customer' ? { escalates: { kind: 'Escalate' } } : {}) },
  });
}

/** Creates open mirrors as an escalation leaves them, with its action and its ended delivery. */
export async function seedMirrors(db: Client, mirrors: readonly Mirrored[]): Promise<void> {
  const json = JSON.stringify(mirrors);
  const given = sql`jsonb_to_recordset(${json}::jsonb) as g (mirror uuid, link text, customer text, supplier text, near text, far text)`;
  await db.transaction(async (tx) => {
    await tx.execute(
      sql`insert into actions (id, instance, ticket, external_id, origin, at, author, audience, visibility, note, words, hash, via)
        select mirror, customer, near, 'escalation', customer, now() - interval '1 hour', '{"name":"Ann","role":"agent"}', 'desks', 'hidden',
          '<p>Please help.</p>', '{"kind":"Escalate","fields":{}}', md5(mirror::text), array[customer] from ${given}`,
    );
    await tx.execute(
      sql`insert into mirrors (id, link, state, first_instance, first_ticket, first_number, first_url,
          second_instance, second_ticket, second_number, second_url, opened_at)
        select mirror, link, 'open', customer, near, near, '', supplier, far, far, '', now() from ${given}`,
    );
    await tx.execute(
      sql`insert into lanes (mirror, to_instance, link, last_seq, head_seq)
        select mirror, supplier, link, 1, 2 from ${given} union all select mirror, customer, link, 0, 1 from ${given}`,
    );
    await tx.execute(
      sql`insert into deliveries (mirror, to_instance, seq, kind, action, escalation, attempts, outcome, ended_at)
        select mirror, supplier, 1, 'action', mirror, true, 1, 'applied', now() from ${given}`,
    );
    await tx.execute(
      sql`insert into tickets (instance, external_id, cursor, snapshot)
        select instance, ticket, now(), jsonb_build_object('ticketId', ticket, 'number', ticket, 'url', '', 'summary', 'VPN drops every hour',
          'description', '<p>It does.</p>', 'status', 'open', 'closed', false, 'category', null, 'type', null, 'priority', null,
          'fields', '{}'::jsonb, 'account', null, 'requester', null)
        from (select customer as instance, near as ticket from ${given} union all select supplier, far from ${given}) both_sides
        on conflict (instance, entity, external_id) do update set cursor = excluded.cursor, snapshot = excluded.snapshot`,
    );
  });
}
