import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connect, type Connection } from '#db/client.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';
import { createBudget } from '#workflows/activities/budget.ts';

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
    let granted = 0;
    const asked = processes.flatMap((budget) =>
      Array.from({ length: 30 }, () =>
        budget.take('link', stop.signal).then(
          () => {
            granted += 1;
          },
          () => {},
        ),
      ),
    );
    await Promise.race([Promise.all(asked), new Promise((resolve) => setTimeout(resolve, windowMs / 2))]);
    assert.equal(granted, 40);
    await Promise.all(asked);
    assert.equal(granted, 90);
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
    const budget = createBudget(connection.db, 'empty', { requests: 1, windowMs: 60_000 });
    await budget.take('a', new AbortController().signal);
    const impatient = new AbortController();
    const waiting = budget.take('a', impatient.signal);
    impatient.abort();
    await assert.rejects(waiting, { name: 'AbortError' });
  });
});
