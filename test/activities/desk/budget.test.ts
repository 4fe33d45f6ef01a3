import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { HelpdeskError } from '#connectors/contract/errors.ts';
import { connect, type Connection, type Db } from '#db/base/client.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';
import { createBudget } from '#activities/desk/budget.ts';

/** By how much the clocks of database and test may differ over a few seconds. */
const clockMs = 20;

describe("an instance's request budget", () => {
  let database: TestDatabase;
  let connection: Connection;
  before(async () => {
    database = await freshDatabase('budget');
    connection = connect(database.url, { max: 4 });
  });
  after(async () => {
    await connection.close();
    await database.drop();
  });

  it('is shared by every process: no more than the window allows are granted', async () => {
    const windowMs = 1_500;
    const processes = [1, 2, 3].map(() => createBudget(connection.db, 'shared', { requests: 40, windowMs }));
    const stop = new AbortController();
    const from = performance.now();
    const grantedAfter: number[] = [];
    await Promise.all(
      processes.flatMap((budget) =>
        Array.from({ length: 30 }, () =>
          budget.take('link', stop.signal).then(() => grantedAfter.push(performance.now() - from)),
        ),
      ),
    );
    assert.equal(grantedAfter.length, 90);
    // On a busy machine a grant may be seen late, but never early.
    assert.ok((grantedAfter[40] ?? 0) >= windowMs - clockMs, `the 41st after ${grantedAfter[40]} ms`);
    assert.ok((grantedAfter[80] ?? 0) >= 2 * windowMs - clockMs, `the 81st after ${grantedAfter[80]} ms`);
  });

  it('holds in any window one may look at, not only from one full minute to the next', async () => {
    const [limit, windowMs] = [20, 1_000];
    const { signal } = new AbortController();
    // A grant happens in the database between the statement that fetches it and the moment when it is seen. The next
    // statement is sent before the waiting callers learn of it, so what counts is the time when the last answered
    // statement was sent.
    let statementAt = 0;
    const execute = async (...args: Parameters<Db['execute']>): Promise<unknown> => {
      const leftAt = performance.now();
      const result = await connection.db.execute(...args);
      statementAt = leftAt;
      return result;
    };
    const watched = new Proxy(connection.db, {
      get: (target, name, receiver): unknown =>
        name === 'execute' ? execute : (Reflect.get(target, name, receiver) as unknown),
    });
    const budget = createBudget(watched, 'rolling', { requests: limit, windowMs });
    const grants: { readonly notBefore: number; readonly seenAt: number }[] = [];
    const take = (): Promise<unknown> =>
      budget.take('link', signal).then(() => grants.push({ notBefore: statementAt, seenAt: performance.now() }));
    await Promise.all(Array.from({ length: 10 }, take));
    // The rest of the first window's budget goes at its end, then as much as there is.
    await new Promise((resolve) => setTimeout(resolve, windowMs * 0.8));
    await Promise.all(Array.from({ length: 40 }, take));
    assert.equal(grants.length, 50);
    for (const [at, { notBefore }] of grants.entries()) {
      const next = grants[at + limit];
      if (next === undefined) break;
      assert.ok(next.seenAt >= notBefore + windowMs - clockMs, `${at}: ${next.seenAt - notBefore} ms`);
    }
  });

  it('tells a caller who would wait long when to come back, and that nothing was sent', async () => {
    const budget = createBudget(connection.db, 'long', { requests: 10, windowMs: 60_000 });
    const { signal } = new AbortController();
    for (let n = 0; n < 10; n += 1) await budget.take('link', signal);
    const refused = await budget.take('link', signal).then(
      () => null,
      (error: unknown) => error as HelpdeskError,
    );
    assert.deepEqual([refused?.name, refused?.class], ['HelpdeskError', 'slow-down']);
    assert.ok(
      (refused?.retryAfterMs ?? 0) > 50_000 && (refused?.retryAfterMs ?? 0) <= 63_000,
      String(refused?.retryAfterMs),
    );
  });

  it('gives links their turns: one that asks a hundred times does not keep another waiting', async () => {
    const budget = createBudget(connection.db, 'fair', { requests: 1_000, windowMs: 60_000 });
    const order: string[] = [];
    const { signal } = new AbortController();
    const asked = Array.from({ length: 100 }, () => budget.take('noisy', signal).then(() => order.push('noisy')));
    asked.push(budget.take('quiet', signal).then(() => order.push('quiet')));
    await Promise.all(asked);
    assert.ok(order.indexOf('quiet') < 12, `quiet came as number ${order.indexOf('quiet')}`);
  });

  it('a caller who gives up leaves the queue', async () => {
    const budget = createBudget(connection.db, 'empty', { requests: 1, windowMs: 1_500 });
    await budget.take('a', new AbortController().signal);
    const impatient = new AbortController();
    const waiting = budget.take('a', impatient.signal);
    impatient.abort();
    await assert.rejects(waiting, { name: 'AbortError' });
  });
});
