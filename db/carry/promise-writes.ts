/** Promises of several lanes in one statement: what is to be promised while one is on its way waits for the next. */
import { sql } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';
import { content, contentJson } from '#db/base/content.ts';
import { createGathered } from '#db/base/gather.ts';
import { arrayLiteral, textArray } from '#db/base/text-array.ts';
import { promiseWrite, type Promised, type PromiseInput } from './writes.ts';

export type PromiseWrite = (input: PromiseInput) => Promise<Promised>;

const atOnce = 2;
const most = 32;

/** Where the statement fails, because a ticket has an open write or for another reason, each finds out its own. */
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
  const found = await rows<{ delivery: string; step: number; promised_at: string }>(
    db,
    sql`insert into writes (delivery, step, instance, entity, ticket, marker, fingerprints, plan, deadline)
      select p.delivery::uuid, p.step::int, p.instance, p.entity, more.value->>'ticket', p.marker, p.fingerprints::text[],
        nullif(more.value->'plan', 'null'::jsonb), clock_timestamp() + make_interval(secs => p.timeout_ms::float8 / 1000)
      from unnest(${column((one) => one.delivery)}, ${column((one) => String(one.step))}, ${column((one) => one.instance)},
          ${column((one) => one.entity)}, ${column((one) => String(one.epoch))}, ${column((one) => one.marker)}, ${column((one) => arrayLiteral(one.fingerprints))},
          ${column((one) => String(one.timeoutMs))}, ${textArray(inputs.map(({ version }) => (version === undefined ? null : String(version))))})
        with ordinality as p (delivery, step, instance, entity, epoch, marker, fingerprints, timeout_ms, version, n)
      cross join lateral (select ${contentJson(ofPlan)}::jsonb->(p.n::int - 1) as value) more
      where (select c.epoch from couriers c where c.instance = p.instance) = p.epoch::bigint
        and not exists (select 1 from deliveries d where d.id = p.delivery::uuid and d.outcome is not null)
        and (p.version is null or exists (select 1 from instances i where i.id = p.instance and i.version = p.version::int))
      on conflict (delivery, step) do update set state = 'open', deadline = excluded.deadline, promised_at = now()
        where writes.state = 'absent'
      returning delivery, step, to_json(promised_at)#>>'{}' as promised_at`,
  );
  const promised = new Map(found.map((row) => [`${row.delivery}/${row.step}`, row.promised_at]));
  return inputs.map(({ delivery, step }) => {
    const promisedAt = promised.get(`${delivery}/${step}`);
    return promisedAt === undefined ? { kind: 'lost' } : { kind: 'promised', promisedAt };
  });
}
