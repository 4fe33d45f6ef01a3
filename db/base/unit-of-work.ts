/**
 * A transaction whose last statements go out together with its commit. A round trip to the database costs more than
 * most statements; where nothing depends on a statement's answer, the transaction need not wait for it. The connection
 * keeps the order, a statement that fails turns the commit into a rollback, and its error is thrown all the same. What
 * is done alike for many tickets of one transaction is gathered into one of these statements.
 */
import { setImmediate } from 'node:timers/promises';
import type { Client, Db, Tx } from './client.ts';
import { firstUnlike } from './gather.ts';

/** What one statement does for many items. */
export type Gathered<Item, Answer> = {
  /** Sends its statement before it waits for anything; answers in the order of the items. */
  send(tx: Tx, items: readonly Item[]): Promise<readonly Answer[]>;
  /** Items with equal keys are never in one statement: the later one's sees what the earlier one's has done. */
  keyOf(item: Item): string;
};

/** An answer that is known at the unit's end at the latest. */
export type Later<Answer> = {
  /** @throws NotKnownYetError before it is known; what the statement failed with, where it failed */
  get(): Answer;
};

export type UnitOfWork = {
  /**
   * The transaction, for a statement that is sent now. To read it sends what was left for later, so that the statement
   * sees it. Read it for each call, and don't keep it; a function that may send nothing takes the unit instead.
   */
  readonly tx: Tx;
  /** Sends one statement for all such items of the unit: at its end, or as soon as `tx` is read. */
  later<Item, Answer>(kind: Gathered<Item, Answer>, item: Item): Later<Answer>;
  /**
   * Lets the unit's end wait for this statement, and nothing before it; what is sent after it sees what it has done.
   * `statement` is the promise of one that is on its way already.
   */
  last(statement: Promise<unknown>): void;
};

/** Somebody asks for an answer before its statement was sent and answered, which may wait for the unit's end. */
export class NotKnownYetError extends Error {
  override readonly name = 'NotKnownYetError';

  constructor() {
    super('the answer is known once the unit of work has ended; read it then');
  }
}

/** As `db.transaction`, for work that leaves statements for later. */
export async function inUnitOfWork<Result>(db: Client, work: (unit: UnitOfWork) => Promise<Result>): Promise<Result> {
  const under: Under = { statements: [], failed: [] };
  const result = await db.transaction(async (tx) => {
    const gathered: Kinds = new Map();
    const done = await work(unitOn(tx, under, gathered));
    sendAll(tx, under, gathered);
    if (under.statements.length > 0) {
      // By then all of them are on their way. One that could not even be sent would leave nothing to fail the commit.
      await setImmediate();
      if (under.failed.length > 0) throw under.failed[0];
    }
    return done;
  });
  await Promise.all(under.statements);
  return result;
}

/** Where a function sends that may be called inside a unit of work and outside one. */
export function sendingOn(db: Db | UnitOfWork): Db {
  return 'later' in db ? db.tx : db;
}

/** An answer that is known already. */
export function knownNow<Answer>(answer: Answer): Later<Answer> {
  return { get: () => answer };
}

type Waiting = { readonly item: unknown; done(answer: unknown): void; failed(error: unknown): void };
type Kinds = Map<Gathered<unknown, unknown>, Waiting[]>;
/** Statements that nobody has waited for yet, and what some of them have failed with. */
type Under = { readonly statements: Promise<unknown>[]; readonly failed: unknown[] };

function unitOn(tx: Tx, under: Under, gathered: Kinds): UnitOfWork {
  return {
    get tx() {
      sendAll(tx, under, gathered);
      return tx;
    },
    later(kind, item) {
      const { waiting, answer } = open(item);
      const others = gathered.get(kind as Gathered<unknown, unknown>);
      if (others === undefined) gathered.set(kind as Gathered<unknown, unknown>, [waiting]);
      else others.push(waiting);
      return answer as Later<never>;
    },
    last: (statement) => keep(under, statement),
  };
}

function open(item: unknown): { readonly waiting: Waiting; readonly answer: Later<unknown> } {
  let get: (() => unknown) | null = null;
  return {
    waiting: {
      item,
      done: (answer) => {
        get = () => answer;
      },
      failed: (error) => {
        get = () => {
          throw error;
        };
      },
    },
    answer: {
      get: () => {
        if (get === null) throw new NotKnownYetError();
        return get();
      },
    },
  };
}

function sendAll(tx: Tx, under: Under, gathered: Kinds): void {
  if (gathered.size === 0) return;
  const kinds = [...gathered];
  gathered.clear();
  for (const [kind, all] of kinds) {
    for (let left = all; left.length > 0;) {
      const round = firstUnlike(left, left.length, ({ item }) => kind.keyOf(item));
      left = left.filter((one) => !round.has(one));
      keep(under, sendRound(tx, kind, [...round]));
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

/** Until the transaction's end nobody looks at it; a failure is not unheard, only heard later. */
function keep({ statements, failed }: Under, statement: Promise<unknown>): void {
  statement.catch((error: unknown) => failed.push(error));
  statements.push(statement);
}
