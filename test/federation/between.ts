/** What must hold between two gateways, whatever happened: both ends of each lane hold the same list. */
import assert from 'node:assert/strict';
import { sql } from 'drizzle-orm';
import { rows } from '#db/client.ts';
import { until } from '#test/support/wait.ts';
import type { CheckOptions } from './invariants.ts';
import type { Organisation } from './organisations.ts';

type Entry = { readonly mirror: string; readonly action: string; readonly hash: string };

/** What was handed over, in the order of the lanes. */
async function sent({ rig, id }: Organisation, link: string): Promise<Entry[]> {
  return rows<Entry>(
    rig.connection.db,
    sql`select d.mirror, d.action, d.sent_hash as hash from deliveries d join mirrors m on m.id = d.mirror
      where m.link = ${link} and d.kind = 'action' and d.to_instance <> ${id} and d.sent_hash is not null
      order by d.mirror, d.seq`,
  );
}

/** What was taken in, in the order of the lanes. */
async function received({ rig, id }: Organisation, link: string): Promise<Entry[]> {
  return rows<Entry>(
    rig.connection.db,
    sql`select d.mirror, d.action, a.hash from deliveries d join mirrors m on m.id = d.mirror join actions a on a.id = d.action
      where m.link = ${link} and d.kind in ('action', 'copy') and d.to_instance = ${id} and a.instance <> ${id}
      order by d.mirror, d.seq`,
  );
}

/** Everything has ended at both, receipts included; then design §10 within each and between them. */
export async function assertAgree(
  one: Organisation,
  other: Organisation,
  link: string,
  options: CheckOptions = {},
): Promise<void> {
  await Promise.all([carried(one), carried(other)]);
  await Promise.all([one.rig.check(options), other.rig.check(options)]);
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    assert.deepEqual(await received(to, link), await sent(from, link), `the lists from ${from.id} to ${to.id}`);
  }
}

/** Nothing waits, and nothing that a peer has is without its outcome. */
export async function carried({ rig, id }: Organisation, timeoutMs = 60_000): Promise<void> {
  let left = '';
  await until(
    async () => {
      const found = await rows<{ to: string; kind: string; seq: number; accepted: boolean; reason: string | null }>(
        rig.connection.db,
        sql`select to_instance as to, kind, seq::int as seq, accepted_at is not null as accepted, reason->>'code' as reason
          from deliveries where outcome is null and held_at is null`,
      );
      left = JSON.stringify(found);
      return found.length === 0 ? true : undefined;
    },
    { what: `everything to be carried at ${id}`, timeoutMs },
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; left: ${left}`);
  });
  await rig.settled(timeoutMs);
}
