import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { connect, rows, type Connection, type Times } from '#db/base/client.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';
import { startTcpProxy, type TcpProxy } from '#test/support/tcp-proxy.ts';
import { until } from '#test/support/wait.ts';

describe('every wait for the database has an end', () => {
  let database: TestDatabase;
  let proxy: TcpProxy;
  /** Not through the proxy, and with its own session. */
  let beside: Connection;
  const opened: Connection[] = [];
  const open = (times: Partial<Times> = {}, max = 3): Connection => {
    const through = new URL(database.url);
    through.port = String(proxy.port);
    through.hostname = '127.0.0.1';
    const connection = connect(through.href, { max, times });
    opened.push(connection);
    return connection;
  };
  before(async () => {
    database = await freshDatabase('line');
    proxy = await startTcpProxy(Number(new URL(database.url).port));
    beside = connect(database.url, { max: 2 });
  });
  afterEach(async () => {
    proxy.silent(false);
    await Promise.all(opened.splice(0).map((connection) => connection.close()));
  });
  after(async () => {
    await beside.close();
    await proxy.close();
    await database.drop();
  });

  const writes = (connection: Connection): Promise<unknown> =>
    connection.db.execute(sql`insert into profiles (id, settings) values ('x', '{}')
      on conflict (id) do update set changed_at = now()`);
  const failure = async (work: Promise<unknown>): Promise<{ code?: unknown }> => {
    const error = await work.then(
      () => assert.fail('it went through'),
      (one: unknown) => one,
    );
    return ((error as Error).cause ?? error) as { code?: unknown };
  };

  it('a session that was opened while the database took no writes is not used again once it takes them', async () => {
    const connection = open();
    await writes(connection);
    await beside.sql.unsafe(`alter database "${database.name}" set default_transaction_read_only = on`);
    const end = sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`;
    await beside.db.execute(end);
    const refused = await until(
      async () => {
        const { code } = await failure(Promise.all([writes(connection), writes(connection), writes(connection)]));
        return code === '25006' ? code : undefined;
      },
      { what: 'sessions that take no writes', timeoutMs: 20_000 },
    );
    assert.equal(refused, '25006');
    await beside.sql.unsafe(`alter database "${database.name}" reset default_transaction_read_only`);
    // Each try meets whichever session is free: none of the old ones may be left.
    await until(
      async () => {
        for (let n = 0; n < 6; n += 1) await Promise.all([writes(connection), writes(connection), writes(connection)]);
        return true;
      },
      { what: 'all sessions to write', timeoutMs: 20_000 },
    );
  });

  for (const what of ['a statement', 'a transaction'] as const) {
    it(`${what} on a line that swallows everything fails, and works on a new connection when it is mended`, async () => {
      const connection = open({ statement: 500, answer: 1_500 });
      await writes(connection);
      proxy.silent(true);
      const begun = performance.now();
      await failure(
        what === 'a statement' ? writes(connection) : connection.db.transaction((tx) => tx.execute(sql`select 1`)),
      );
      assert.ok(performance.now() - begun < 20_000);
      proxy.silent(false);
      await until(() => writes(connection).then(() => true), { what: 'a write', timeoutMs: 20_000 });
    });
  }

  it('a commit that is not answered fails', async () => {
    const connection = open({ statement: 500, answer: 1_500 });
    await failure(
      connection.db.transaction(async (tx) => {
        await tx.execute(sql`select 1`);
        proxy.silent(true);
      }),
    );
  });

  it('a statement that takes too long is ended by the server, and its connection is kept', async () => {
    const connection = open({ statement: 300 }, 1);
    const pid = async (): Promise<unknown> =>
      (await rows<{ pid: number }>(connection.db, sql`select pg_backend_pid() as pid`))[0]?.pid;
    const before = await pid();
    assert.equal((await failure(connection.db.execute(sql`select pg_sleep(60)`))).code, '57014');
    assert.equal(await pid(), before);
  });

  it('a lock that somebody else has is waited for only so long', async () => {
    const connection = open({ lock: 300 });
    await writes(connection);
    await beside.db.transaction(async (tx) => {
      await tx.execute(sql`select 1 from profiles where id = 'x' for update`);
      assert.equal((await failure(writes(connection))).code, '55P03');
    });
  });

  it('a process that hangs inside a transaction gives its locks back', async () => {
    const connection = open({ idleTransaction: 300 });
    await writes(connection);
    const { promise: never, resolve } = Promise.withResolvers<void>();
    const { promise: locked, resolve: hasLock } = Promise.withResolvers<void>();
    const hanging = failure(
      connection.db.transaction(async (tx) => {
        await tx.execute(sql`select 1 from profiles where id = 'x' for update`);
        hasLock();
        await never;
      }),
    );
    await locked;
    await writes(beside);
    resolve();
    await hanging;
  });
});
