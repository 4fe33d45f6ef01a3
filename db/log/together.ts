/**
 * Logs many tickets in one transaction. A commit waits for the disk and a statement for its connection, whether for one
 * ticket or for ten; so work that arrives while a transaction is running waits for the next one. If one job fails, each
 * is repeated separately, so that it spoils nothing for the others.
 */
import { refKey } from '#core/words/ref.ts';
import type { Client, Tx } from '#db/base/client.ts';
import { createGathered } from '#db/base/gather.ts';
import { lockTickets, type LockedTicket, type TicketRead } from './locked-ticket.ts';
import { inTransaction } from '#db/base/transaction.ts';

/** Runs with the ticket's lock held, perhaps more than once, of which one run is committed. */
export type TicketWork<Result> = (tx: Tx, locked: LockedTicket) => Promise<Result>;

export type Together = <Result>(read: TicketRead, work: TicketWork<Result>) => Promise<Result>;

export type TogetherOptions = {
  /** Transactions at a time. More of them would each do less: jobs that wait for the next one share its statements. */
  readonly atOnce?: number;
  /** Tickets in one transaction. */
  readonly most?: number;
};

type Job = { readonly read: TicketRead; readonly work: TicketWork<unknown> };

export function createTogether(db: Client, options: TogetherOptions = {}): Together {
  const { atOnce = 2, most = 24 } = options;
  const add = createGathered<Job, unknown>((batch) => inTransaction(db, (tx) => workAll(tx, batch)), {
    atOnce,
    most,
    // No ticket twice: its state is read once per transaction.
    keyOf: ({ read }) => refKey(read.ref),
  });
  return <Result>(read: TicketRead, work: TicketWork<Result>) => add({ read, work }) as Promise<Result>;
}

async function workAll(tx: Tx, batch: readonly Job[]): Promise<unknown[]> {
  const locked = await lockTickets(
    tx,
    batch.map((job) => job.read),
  );
  // All jobs end before the transaction does, so that none sends anything after it.
  const ends = await Promise.allSettled(
    batch.map(async (job, n) => {
      const ticket = locked[n];
      if (ticket === undefined) throw new Error(`${refKey(job.read.ref)} is not locked`);
      return job.work(tx, ticket);
    }),
  );
  return ends.map((end) => {
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  });
}
