/** Writes: promised in the database before they are made in a helpdesk. */
import { sql, type SQL } from 'drizzle-orm';
import type { Step, Written } from '#core/words/desk.ts';
import type { Command, ConstantPart, Meant, Reason } from '#core/words/vocabulary.ts';
import { rows, type Db } from '#db/base/client.ts';
import { content } from '#db/base/content.ts';
import { textArray, uuidArray } from '#db/base/text-array.ts';

/**
 * The versions that decided it: of the sender's settings, the receiver's settings and its catalogue. A peer has its
 * own.
 */
export type Versions = { readonly outbound: number; readonly inbound?: number; readonly catalogue?: number };

/** What a delivery will do, as decided; `steps` is how the connector splits it. */
export type Plan = {
  readonly command: Command;
  readonly drops: readonly Reason[];
  readonly versions: Versions;
  readonly steps: readonly Step[];
  /** Absent if nothing about the ticket changes. */
  readonly meant?: Meant;
  /** For relays: the constant part as it left the other desk, if that differs from the logged one. */
  readonly constant?: ConstantPart;
};

export type WriteRow = {
  readonly step: number;
  readonly ticket: string | null;
  readonly marker: string;
  readonly state: 'open' | 'made' | 'settled' | 'absent';
  readonly written: Written | null;
  /** On the first row the whole plan; on a correction's row the correction alone. */
  readonly plan: Plan | null;
  readonly promisedAt: string;
  /** Milliseconds until nobody can still be making it; negative afterwards. */
  readonly leftMs: number;
};

export type PromiseInput = {
  readonly delivery: string;
  readonly step: number;
  readonly instance: string;
  /** The drain's epoch: a drain that has lost it promises nothing. */
  readonly epoch: number;
  /** Version of the settings by which the instance is reached: if they have changed since, nothing is promised. */
  readonly version?: number;
  /** Entity of the record that is written or created. */
  readonly entity: string;
  /** Null if the write creates it. */
  readonly ticket: string | null;
  readonly marker: string;
  readonly fingerprints: readonly string[];
  /** With the first step the whole plan; with a correction the correction alone. */
  readonly plan: Plan | null;
  readonly timeoutMs: number;
};

/**
 * `promisedAt`: instant, to the microsecond. `lost`: another drain owns the epoch, the delivery has ended, or the
 * instance's settings have changed. `busy`: another write to the record is open, or somebody is changing the delivery
 * right now.
 */
export type Promised =
  | { readonly kind: 'promised'; readonly promisedAt: string }
  | { readonly kind: 'lost' }
  | { readonly kind: 'busy' };

/**
 * Locks the delivery of a promise until the promise is committed, so that nobody ends it in between. It skips
 * deliveries that somebody is about to end instead of waiting, so that promises for many deliveries in one statement
 * can't be part of a deadlock. A caller that ends a delivery because nothing is promised must lock it first and look for
 * promises in a separate statement.
 */
export const dueFor = (deliveries: SQL): SQL =>
  sql`select id from deliveries where id = any(${deliveries}) and outcome is null for share skip locked`;

/** Commits the promise. An existing row that is absent is promised again. */
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
 * Identifies one promise: a write that was judged absent and promised again is another promise. Every report on a write
 * names the promise it knows, so that a drain that lost the courier can't report on its successor's.
 */
export type PromiseRef = {
  readonly delivery: string;
  readonly step: number;
  /** Instant, as `promiseWrite` and `writesOf` return it. */
  readonly promisedAt: string;
};

/** Marks the write as made. Returns false and changes nothing if it has been promised again since. */
export function markMade(db: Db, promise: PromiseRef, made: Written): Promise<boolean> {
  return sayOf(
    db,
    promise,
    sql`state = 'made', written = ${JSON.stringify(made)}::jsonb, ticket = coalesce(ticket, ${made.ticketId})`,
    sql`state in ('open', 'absent')`,
  );
}

/**
 * Marks the write as absent: the helpdesk said that it did not do it, or a search did not find it. Returns false like
 * `markMade`.
 */
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

/** Returns ids of a write's actions that reads of its ticket have found, by a faster watcher or while we were down. */
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
