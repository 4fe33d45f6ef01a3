/** Writes: promised in the database before they are made in a helpdesk. */
import { sql, type SQL } from 'drizzle-orm';
import type { Step, Written } from '#core/words/desk.ts';
import type { Command, ConstantPart, Meant, Reason } from '#core/words/vocabulary.ts';
import { rows, type Db } from '#db/base/client.ts';
import { content } from '#db/base/content.ts';
import { textArray, uuidArray } from '#db/base/text-array.ts';

/** What a decision was made by: versions of the sender's settings, the receiver's and its catalogue. A peer has its own. */
export type Versions = { readonly outbound: number; readonly inbound?: number; readonly catalogue?: number };

/** What a delivery is to do, as it was decided; `steps` are how the connector splits it. */
export type Plan = {
  readonly command: Command;
  readonly drops: readonly Reason[];
  readonly versions: Versions;
  readonly steps: readonly Step[];
  /** Absent: nothing of the ticket changes. */
  readonly meant?: Meant;
  /** The constant part as it left the other desk, where that is not as it was logged; relays take it along. */
  readonly constant?: ConstantPart;
};

export type WriteRow = {
  readonly step: number;
  readonly ticket: string | null;
  readonly marker: string;
  readonly state: 'open' | 'made' | 'settled' | 'absent';
  readonly written: Written | null;
  /** Of the first row. */
  readonly plan: Plan | null;
  readonly promisedAt: string;
  /** Milliseconds until nobody can still be making it; negative once past. */
  readonly leftMs: number;
};

export type PromiseInput = {
  readonly delivery: string;
  readonly step: number;
  readonly instance: string;
  /** The drain's epoch: a drain that lost it promises nothing. */
  readonly epoch: number;
  /** Of the settings by which the instance is reached: where they have changed since, nothing is promised. */
  readonly version?: number;
  /** Of the record that is written or created. */
  readonly entity: string;
  /** Null: the write creates it. */
  readonly ticket: string | null;
  readonly marker: string;
  readonly fingerprints: readonly string[];
  /** With the first step only. */
  readonly plan: Plan | null;
  readonly timeoutMs: number;
};

/**
 * `promisedAt`: instant, exact to the microsecond. `lost`: the epoch is another's, the delivery has ended, or the instance
 * has other settings by now. `busy`: another write to the record is open, or somebody is changing the delivery right now.
 */
export type Promised =
  | { readonly kind: 'promised'; readonly promisedAt: string }
  | { readonly kind: 'lost' }
  | { readonly kind: 'busy' };

/**
 * The delivery that a promise is for, locked until the promise is committed: nobody ends it meanwhile, and whoever is about
 * to end it is not waited for, so that promises of many deliveries in one statement can't be part of a deadlock. Who ends a
 * delivery because nothing is promised locks it first and looks for promises in a statement of its own.
 */
export const dueFor = (deliveries: SQL): SQL =>
  sql`select id from deliveries where id = any(${deliveries}) and outcome is null for share skip locked`;

/** Commits the promise. A row that is there already and absent is promised anew. */
export async function promiseWrite(db: Db, input: PromiseInput): Promise<Promised> {
  try {
    const [row] = await rows<{ promised_at: string | null; changing: boolean }>(
      db,
      sql`with due as materialized (${dueFor(uuidArray([input.delivery]))}), promised as (
        insert into writes (delivery, step, instance, entity, ticket, marker, fingerprints, plan, deadline)
        select ${input.delivery}, ${input.step}, ${input.instance}, ${input.entity}, ${input.ticket}, ${input.marker},
          ${textArray(input.fingerprints)}, ${content('plan', input.plan)}::jsonb,
          clock_timestamp() + make_interval(secs => ${input.timeoutMs / 1000})
        from couriers, due where instance = ${input.instance} and epoch = ${input.epoch}
          and (${input.version ?? null}::int is null or exists (
            select 1 from instances i where i.id = ${input.instance} and i.version = ${input.version ?? null}::int))
        on conflict (delivery, step) do update set state = 'open', deadline = excluded.deadline, promised_at = now()
          where writes.state = 'absent'
        returning to_json(promised_at)#>>'{}' as promised_at
      )
      select (select promised_at from promised) as promised_at, not exists (select 1 from due)
        and exists (select 1 from deliveries where id = ${input.delivery} and outcome is null) as changing`,
    );
    if (row?.promised_at != null) return { kind: 'promised', promisedAt: row.promised_at };
    return { kind: row?.changing === true ? 'busy' : 'lost' };
  } catch (error) {
    if (isUniqueViolation(error)) return { kind: 'busy' };
    throw error;
  }
}

/**
 * One promise: a write that was judged absent is promised again, and is another promise then. Whoever speaks of a write
 * names the promise that it knows, so that a drain that was overtaken says nothing about its successor's.
 */
export type PromiseRef = {
  readonly delivery: string;
  readonly step: number;
  /** Instant, as `promiseWrite` and `writesOf` give it. */
  readonly promisedAt: string;
};

/** What the helpdesk has said of a write of ours; where it was promised again since, another one's is left as it is. */
export type OwnWrite = PromiseRef & { readonly made: Written };

/** False, and nothing is changed: the write has been promised again since. */
export function markMade(db: Db, promise: PromiseRef, made: Written): Promise<boolean> {
  return sayOf(
    db,
    promise,
    sql`state = 'made', written = ${JSON.stringify(made)}::jsonb, ticket = coalesce(ticket, ${made.ticketId})`,
    sql`state in ('open', 'absent')`,
  );
}

/** The helpdesk said that it did not do it, or it was looked for and is not there. False as `markMade`. */
export function markAbsent(db: Db, promise: PromiseRef): Promise<boolean> {
  return sayOf(db, promise, sql`state = 'absent'`, sql`state = 'open'`);
}

async function sayOf(db: Db, { delivery, step, promisedAt }: PromiseRef, word: SQL, where: SQL): Promise<boolean> {
  const [row] = await rows<{ mine: boolean }>(
    db,
    sql`with said as (
        update writes set ${word}
        where delivery = ${delivery} and step = ${step} and promised_at = ${promisedAt}::timestamptz and ${where}
      )
      select exists (
        select 1 from writes where delivery = ${delivery} and step = ${step} and promised_at = ${promisedAt}::timestamptz
      ) as mine`,
  );
  return row?.mine === true;
}

/** Ids of the actions of a write that reads of its ticket have found, by a watcher that was faster, or while we were dead. */
export async function seenOf(
  db: Db,
  instance: string,
  ticket: string,
  delivery: string,
  step: number,
): Promise<string[]> {
  const found = await rows<{ id: string }>(
    db,
    sql`select external_id as id from written_ids
      where instance = ${instance} and ticket = ${ticket} and delivery = ${delivery} and step = ${step} and "as" = 'echo'`,
  );
  return found.map(({ id }) => id);
}

export async function writesOf(db: Db, delivery: string): Promise<WriteRow[]> {
  return rows<WriteRow>(
    db,
    sql`select step, ticket, marker, state, written, plan, to_json(promised_at)#>>'{}' as "promisedAt",
        (extract(epoch from deadline - clock_timestamp()) * 1000)::float8 as "leftMs"
      from writes where delivery = ${delivery} order by step`,
  );
}

function isUniqueViolation(error: unknown): boolean {
  const codes = [error, error instanceof Error ? error.cause : undefined].map((one) =>
    typeof one === 'object' && one !== null && 'code' in one ? one.code : undefined,
  );
  return codes.includes('23505');
}
