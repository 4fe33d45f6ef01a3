/**
 * Promises writes of several lanes in one statement: promises requested while one statement is running wait for the
 * next.
 */
import { sql } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';
import { content, contentJson } from '#db/base/content.ts';
import { createGathered } from '#db/base/gather.ts';
import { arrayLiteral, textArray, uuidArray } from '#db/base/text-array.ts';
import { dueFor, promiseWrite, type Promised, type PromiseInput } from './writes.ts';

export type PromiseWrite = (input: PromiseInput) => Promise<Promised>;

const atOnce = 2;
const most = 32;

/**
 * If the statement fails, because a ticket has an open write or for another reason, each promise is retried separately.
 */
export function createPromises(db: Db): PromiseWrite {
  return createGathered(
    async (inputs) => {
      const [only] = inputs;
      return only !== undefined && inputs.length === 1 ? [await promiseWrite(db, only)] : promiseTogether(db, inputs);
    },
    { atOnce, most },
  );
}

async function promiseTogether(db: Db, inputs: readonly PromiseInput[]): Promise<Promised[]> {
  const column = (of: (input: PromiseInput) => string): ReturnType<typeof textArray> => textArray(inputs.map(of));
  const ofPlan = inputs.map(({ plan, ticket }) => ({ plan: content('plan', plan), ticket }));
  const deliveries = uuidArray(inputs.map(({ delivery }) => delivery));
  const found = await rows<{ delivery: string; step: number; promised_at: string | null }>(
    db,
    sql`with due as materialized (${dueFor(deliveries)}), promised as (
      insert into writes (delivery, step, instance, entity, ticket, marker, fingerprints, plan, deadline)
      select p.delivery::uuid, p.step::int, p.instance, p.entity, more.value->>'ticket', p.marker, p.fingerprints::text[],
        nullif(more.value->'plan', 'null'::jsonb), clock_timestamp() + make_interval(secs => p.timeout_ms::float8 / 1000)
      from unnest(${column((one) => one.delivery)}, ${column((one) => String(one.step))}, ${column((one) => one.instance)},
          ${column((one) => one.entity)}, ${column((one) => String(one.epoch))}, ${column((one) => one.marker)}, ${column((one) => arrayLiteral(one.fingerprints))},
          ${column((one) => String(one.timeoutMs))}, ${textArray(inputs.map(({ version }) => (version === undefined ? null : String(version))))})
        with ordinality as p (delivery, step, instance, entity, epoch, marker, fingerprints, timeout_ms, version, n)
      join due on due.id = p.delivery::uuid
      cross join lateral (select ${contentJson(ofPlan)}::jsonb->(p.n::int - 1) as value) more
      where (select c.epoch from couriers c where c.instance = p.instance) = p.epoch::bigint
        and (p.version is null or exists (select 1 from instances i where i.id = p.instance and i.version = p.version::int))
      on conflict (delivery, step) do update set state = 'open', deadline = excluded.deadline, promised_at = now()
        where writes.state = 'absent'
      returning delivery, step, to_json(promised_at)#>>'{}' as promised_at
      )
      select * from promised
      union all
      select d.id, 0, null from deliveries d
      where d.id = any(${deliveries}) and d.outcome is null and not exists (select 1 from due where due.id = d.id)`,
  );
  const promised = new Map<string, string>();
  const changing = new Set<string>();
  for (const { delivery, step, promised_at: promisedAt } of found)
    if (promisedAt === null) changing.add(delivery);
    else promised.set(`${delivery}/${step}`, promisedAt);
  return inputs.map(({ delivery, step }) => {
    const promisedAt = promised.get(`${delivery}/${step}`);
    if (promisedAt !== undefined) return { kind: 'promised', promisedAt };
    return { kind: changing.has(delivery) ? 'busy' : 'lost' };
  });
}
