/** Writes: promised in the database before they are made in a helpdesk. */
import { sql } from 'drizzle-orm';
import type { Step, Written } from '#core/words/desk.ts';
import type { Command, ConstantPart, Meant, Reason } from '#core/words/vocabulary.ts';
import { rows, type Db } from '#db/base/client.ts';
import { content } from '#db/base/content.ts';
import { textArray } from '#db/base/text-array.ts';

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

/** `lost`: the epoch is another's. `busy`: another write to the record is open. */
export type Promised =
  | { readonly kind: 'promised'; readonly leftMs: number }
  | { readonly kind: 'lost' }
  | { readonly kind: 'busy' };

/** Commits the promise. A row that is there already and absent is promised anew. */
export async function promiseWrite(db: Db, input: PromiseInput): Promise<Promised> {
  try {
    const [row] = await rows<{ left_ms: number }>(
      db,
      sql`insert into writes (delivery, step, instance, entity, ticket, marker, fingerprints, plan, deadline)
        select ${input.delivery}, ${input.step}, ${input.instance}, ${input.entity}, ${input.ticket}, ${input.marker},
          ${textArray(input.fingerprints)}, ${content('plan', input.plan)}::jsonb,
          clock_timestamp() + make_interval(secs => ${input.timeoutMs / 1000})
        from couriers where instance = ${input.instance} and epoch = ${input.epoch}
        on conflict (delivery, step) do update set state = 'open', deadline = excluded.deadline, promised_at = now()
          where writes.state = 'absent'
        returning (extract(epoch from deadline - clock_timestamp()) * 1000)::float8 as left_ms`,
    );
    return row === undefined ? { kind: 'lost' } : { kind: 'promised', leftMs: row.left_ms };
  } catch (error) {
    if (isUniqueViolation(error)) return { kind: 'busy' };
    throw error;
  }
}

export async function markMade(db: Db, delivery: string, step: number, made: Written): Promise<void> {
  await db.execute(
    sql`update writes set state = 'made', written = ${JSON.stringify(made)}::jsonb, ticket = coalesce(ticket, ${made.ticketId})
      where delivery = ${delivery} and step = ${step} and state in ('open', 'absent')`,
  );
}

/** The helpdesk said that it did not do it, or it was looked for and is not there. */
export async function markAbsent(db: Db, delivery: string, step: number): Promise<void> {
  await db.execute(
    sql`update writes set state = 'absent' where delivery = ${delivery} and step = ${step} and state = 'open'`,
  );
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
