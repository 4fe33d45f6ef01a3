/**
 * Transactions that send their last statements together with the commit. A round trip to the database costs more than
 * most statements, so a transaction need not wait for an answer that nothing depends on. The connection preserves the
 * order; a failing statement turns the commit into a rollback, and its error is still thrown. The same operation for
 * many tickets of one transaction is gathered into one such statement.
 */
import { setImmediate } from 'node:timers/promises';
import type { Client, Tx } from './client.ts';
import { firstUnlike } from './gather.ts';

/** An operation that one statement performs for many items. */
export type Gathered<Item, Answer> = {
  /** Sends its statement before waiting for anything; answers in the order of the items. */
  send(tx: Tx, items: readonly Item[]): Promise<readonly Answer[]>;
  /** Items with equal keys are never in one statement: the later statement sees the effect of the earlier. */
  keyOf(item: Item): string;
};

type Waiting = { readonly item: unknown; done(answer: unknown): void; failed(error: unknown): void };
type Open = {
  readonly last: Promise<unknown>[];
  readonly gathered: Map<Gathered<unknown, unknown>, Waiting[]>;
  readonly failed: unknown[];
};

const open = new WeakMap<object, Open>();

/** Like `db.transaction`, for work that uses `sendLast` or `sendGathered`. */
export async function inTransaction<Result>(db: Client, work: (tx: Tx) => Promise<Result>): Promise<Result> {
  const own: Open = { last: [], gathered: new Map(), failed: [] };
  const result = await db.transaction(async (tx) => {
    const behind = behindGathered(tx, own);
    open.set(behind, own);
    const done = await work(behind);
    sendAll(tx, own);
    if (own.last.length > 0) {
      // By now all of them have been sent. If one could not even be sent, nothing would make the commit fail.
      await setImmediate();
      if (own.failed.length > 0) throw own.failed[0];
    }
    return done;
  });
  await Promise.all(own.last);
  return result;
}

/**
 * Sends a statement without waiting for its answer if the transaction allows that; otherwise waits. Later statements
 * see its effect. `statement` is the promise of a statement that has already been sent.
 */
export async function sendLast(tx: Tx, statement: Promise<unknown>): Promise<void> {
  const own = open.get(tx);
  if (own === undefined) {
    await statement;
    return;
  }
  keep(own, statement);
}

/**
 * Sends one statement for all items gathered during the transaction: at its end, or as soon as anything else is sent in
 * it, which then sees the effect. Sends immediately if the transaction does not gather. `answer` resolves at the
 * transaction's end and must not be awaited earlier.
 */
export async function sendGathered<Item, Answer>(
  tx: Tx,
  kind: Gathered<Item, Answer>,
  item: Item,
): Promise<{ readonly answer: Promise<Answer> }> {
  const own = open.get(tx);
  if (own === undefined) {
    const [answer] = await kind.send(tx, [item]);
    return { answer: Promise.resolve(answer as Answer) };
  }
  const answer = new Promise<unknown>((done, failed) => {
    const waiting: Waiting = { item, done, failed };
    const others = own.gathered.get(kind as Gathered<unknown, unknown>);
    if (others === undefined) own.gathered.set(kind as Gathered<unknown, unknown>, [waiting]);
    else others.push(waiting);
  });
  // If it fails, the transaction fails and throws the error itself.
  answer.catch(() => {});
  return { answer: answer as Promise<Answer> };
}

/** Sends everything gathered so far before any direct use of the transaction. */
function behindGathered(tx: Tx, own: Open): Tx {
  return new Proxy(tx, {
    get(target, name) {
      sendAll(target, own);
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function sendAll(tx: Tx, own: Open): void {
  if (own.gathered.size === 0) return;
  const kinds = [...own.gathered];
  own.gathered.clear();
  for (const [kind, all] of kinds) {
    for (let left = all; left.length > 0;) {
      const round = firstUnlike(left, left.length, ({ item }) => kind.keyOf(item));
      left = left.filter((one) => !round.has(one));
      keep(own, sendRound(tx, kind, [...round]));
    }
  }
}

async function sendRound(tx: Tx, kind: Gathered<unknown, unknown>, round: readonly Waiting[]): Promise<void> {
  try {
    const answers = await kind.send(
      tx,
      round.map(({ item }) => item),
    );
    for (const [n, { done }] of round.entries()) done(answers[n]);
  } catch (error) {
    for (const { failed } of round) failed(error);
    throw error;
  }
}

/** Holds a statement's promise until the end of the transaction. Its failure is not lost, only reported later. */
function keep(own: Open, statement: Promise<unknown>): void {
  statement.catch((error: unknown) => own.failed.push(error));
  own.last.push(statement);
}
