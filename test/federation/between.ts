/** The invariants between two gateways, whatever happened: both ends of each lane hold the same list. */
import assert from 'node:assert/strict';
import { sql } from 'drizzle-orm';
import { rows, type Connection } from '#db/base/client.ts';
import { until } from '#test/support/wait.ts';
import type { CheckOptions } from './invariants.ts';
import type { Organisation } from './organisations.ts';

/** One of the two: its desk's instance and its database. */
export type End = { readonly id: string; readonly rig: { readonly connection: Connection } };

type Entry = { readonly mirror: string; readonly action: string; readonly hash: string };

/** What was handed over, in the order of the lanes. */
async function sent({ rig, id }: End, link: string): Promise<Entry[]> {
  return rows<Entry>(
    rig.connection.db,
    sql`select d.mirror, d.action, d.sent_hash as hash from deliveries d join mirrors m on m.id = d.mirror
      where m.link = ${link} and d.kind = 'action' and d.to_instance <> ${id} and d.sent_hash is not null
      order by d.mirror, d.seq`,
  );
}

/** What was accepted, in the order of the lanes. */
async function received({ rig, id }: End, link: string): Promise<Entry[]> {
  return rows<Entry>(
    rig.connection.db,
    // What one of our desks wrote and comes back is in the log under our own names, and must equal what was sent.
    sql`select d.mirror, d.action, case when a.signed is not null then a.hash else (
        select max(sent_hash) from deliveries s where s.action = a.id) end as hash from deliveries d join mirrors m on m.id = d.mirror join actions a on a.id = d.action
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
  await assertSameLists(one, other, link, options);
}

/**
 * What one end has sent is what the other has accepted, in the same order, except what a restored one has forgotten.
 */
export async function assertSameLists(
  one: End,
  other: End,
  link: string,
  { restored = false }: Pick<CheckOptions, 'restored'> = {},
): Promise<void> {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    const [had, gave] = await Promise.all([received(to, link), sent(from, link)]);
    const known = new Set(gave.map(({ action }) => action));
    const kept = had.filter(({ action }) => !restored || known.has(action));
    assert.deepEqual(kept, [...gave], `the lists from ${from.id} to ${to.id}`);
  }
}

/** Nothing waits, and nothing that a peer has is without its outcome. */
export async function carried(organisation: Organisation, timeoutMs = 60_000): Promise<void> {
  await allEnded(organisation, timeoutMs);
  await organisation.rig.settled(timeoutMs);
}

/** Every delivery has ended, those to the other side by their receipts, except held ones. */
export async function allEnded({ rig, id }: End, timeoutMs = 60_000): Promise<void> {
  let left = '';
  await until(
    async () => {
      const found = await rows<{ to: string; kind: string; seq: number; accepted: boolean; reason: string | null }>(
        rig.connection.db,
        sql`select to_instance as to, kind, seq::int as seq, accepted_at is not null as accepted, reason->>'code' as reason
          from deliveries where outcome is null and held_at is null`,
      );
      // What a peer has reported may leave its lane due; the courier sees at once that nothing is left on it.
      const [lanes] = await rows<{ due: number }>(
        rig.connection.db,
        sql`select count(*)::int as due from lanes l where due_at < 'infinity' and not exists (
          select 1 from deliveries d where d.mirror = l.mirror and d.to_instance = l.to_instance and d.outcome is null)`,
      );
      left = JSON.stringify({ found, ...lanes });
      return found.length === 0 && lanes?.due === 0 ? true : undefined;
    },
    { what: `everything to be carried at ${id}`, timeoutMs },
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; left: ${left}`);
  });
}
