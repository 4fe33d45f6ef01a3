// TLS to a PostgreSQL that has it turned on, with certificates of an authority made here.
import assert from 'node:assert/strict';
import { chown, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import postgres from 'postgres';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { assertSchema, migrate } from '#db/base/migrate.ts';
import { DatabaseTlsError, type DatabaseTls } from '#db/base/tls.ts';
import { startPostgres, type RunningPostgres } from '#standalone/machine/postgres.ts';
import { ferry } from '#test/cli/run.ts';
import { makeAuthority, type Authority } from '#test/support/certificates.ts';
import { freshDatabase } from '#test/support/database.ts';
import { endsWithThis, startProgram } from '#test/support/process.ts';
import { tempDir, type TempDir } from '#test/support/temp.ts';
import { until } from '#test/support/wait.ts';

describe('TLS to PostgreSQL', () => {
  let dir: TempDir;
  let server: RunningPostgres;
  let ours: Authority;
  let theirs: Authority;
  let over = false;
  /** What only the server's own machine may do; TLS is not tested there. */
  let admin: postgres.Sql;
  const cluster = (): string => join(dir.path, 'pg', 'postgres');

  /** The server presents this from now on, and accepts from others only what `hba` allows. */
  async function serve(pair: { cert: string; key: string }): Promise<void> {
    const { uid, gid } = await stat(cluster());
    const files = { 'server.pem': pair.cert, 'server.key': pair.key, 'root.pem': ours.ca };
    for (const [name, text] of Object.entries(files)) {
      const path = join(cluster(), name);
      await writeFile(path, text, { mode: 0o600 });
      await chown(path, uid, gid);
    }
    await admin.unsafe(`select pg_reload_conf()`);
  }

  before(async () => {
    dir = await tempDir();
    [ours, theirs] = await Promise.all([makeAuthority(), makeAuthority()]);
    await mkdir(join(dir.path, 'logs'));
    server = await startPostgres({
      dataDir: join(dir.path, 'pg'),
      logFile: join(dir.path, 'logs', 'pg.log'),
      durable: false,
    });
    endsWithThis(() => (over ? null : server.pid));
    await server.createDatabase('ferry');
    admin = postgres(server.url('postgres'), { max: 1, onnotice: () => {} });
    await admin.unsafe(`create role named login`);
    const hba = join(cluster(), 'pg_hba.conf');
    const rest = await readFile(hba, 'utf8');
    const lines = ['hostssl ferry named all cert', 'hostnossl ferry all all reject'];
    await writeFile(hba, `${lines.join('\n')}\n${rest}`);
    for (const [name, value] of [
      ['ssl_cert_file', 'server.pem'],
      ['ssl_key_file', 'server.key'],
      ['ssl_ca_file', 'root.pem'],
      ['ssl', 'on'],
    ])
      await admin.unsafe(`alter system set ${name} = '${value}'`);
    await serve(await ours.sign('postgres', 'IP:127.0.0.1,DNS:localhost'));
    await migrateWhenReady();
  });
  after(async () => {
    await admin.end();
    over = true;
    await server.stop();
    await Promise.all([dir.remove(), ours.remove(), theirs.remove()]);
  });

  /** A server takes its new settings a moment after it was asked to. */
  async function migrateWhenReady(): Promise<void> {
    await until(
      () =>
        migrate(server.url('ferry'), undefined, { ca: ours.ca }).then(
          () => true as const,
          () => undefined,
        ),
      { what: 'PostgreSQL to offer TLS', timeoutMs: 20_000 },
    );
  }

  const at = (host: string, user?: string): string => {
    const url = new URL(server.url('ferry'));
    url.hostname = host;
    if (user !== undefined) [url.username, url.password] = [user, ''];
    return url.href;
  };
  async function using<Result>(
    url: string,
    tls: DatabaseTls | undefined,
    use: (one: Connection) => Promise<Result>,
  ): Promise<Result> {
    const connection = connect(url, { max: 2, tls });
    try {
      return await use(connection);
    } finally {
      await connection.close();
    }
  }
  const secured = ({ db }: Connection) =>
    rows<{ ssl: boolean; version: string; client: string | null }>(
      db,
      sql`select ssl, version, client_dn as client from pg_stat_ssl where pid = pg_backend_pid()`,
    );
  const untrusted = (url: string, tls: DatabaseTls | undefined, about: RegExp): Promise<void> =>
    using(url, tls, ({ db }) =>
      assert.rejects(db.execute(sql`select 1`), ({ cause }: Error) => {
        assert.ok(cause instanceof DatabaseTlsError);
        assert.equal(cause.code, 'database-untrusted');
        assert.match(cause.message, about);
        return true;
      }),
    );

  for (const host of ['127.0.0.1', 'localhost'])
    it(`trusts a server at ${host} whose certificate is signed by the authority that is set, and secures every line`, async () => {
      await using(at(host), { ca: ours.ca }, async (connection) => {
        const [row] = await secured(connection);
        assert.deepEqual([row?.ssl, row?.version], [true, 'TLSv1.3']);
        await assertSchema(connection.sql);
      });
    });

  it('refuses a server whose certificate another authority has signed, and one that only the system could vouch for', async () => {
    await untrusted(at('127.0.0.1'), { ca: theirs.ca }, /can't be trusted \(.+DATABASE_TLS_CA/);
    await untrusted(`${at('127.0.0.1')}?sslmode=verify-full`, undefined, /can't be trusted/);
    await untrusted(`${at('127.0.0.1')}?sslmode=require`, { ca: theirs.ca }, /can't be trusted/);
  });

  it('is encrypted but not verified if the URL asks for no more', async () => {
    for (const mode of ['require', 'prefer'])
      await using(`${at('127.0.0.1')}?sslmode=${mode}`, undefined, async (connection) => {
        assert.equal((await secured(connection))[0]?.ssl, true);
      });
  });

  it('signs in with its own certificate, and is refused without it or with one of another authority', async () => {
    const [good, bad] = await Promise.all([ours.sign('named'), theirs.sign('named')]);
    await using(at('127.0.0.1', 'named'), { ca: ours.ca, client: good }, async (connection) => {
      assert.deepEqual(await secured(connection).then(([row]) => row?.client), '/CN=named');
    });
    for (const client of [undefined, bad]) {
      const env = {
        DATABASE_URL: at('127.0.0.1', 'named'),
        DATABASE_TLS_CA: ours.ca,
        ...(client === undefined ? {} : { DATABASE_TLS_CERT: client.cert, DATABASE_TLS_KEY: client.key }),
      };
      const { code, err } = await ferry(['status'], { env });
      // In TLS 1.3 the server says so after our first bytes, and the end of the line may overtake it.
      if (client === bad && code === 69) assert.match(err, /\[database-unavailable\]/);
      else {
        assert.match(err, /certificate.*\[database-refused\]/);
        assert.equal(code, 78);
      }
    }
  });

  it('does without TLS where the URL only prefers it and the server has none, and not where it asks for more', async () => {
    const plain = await freshDatabase('without_tls');
    try {
      await using(`${plain.url}?sslmode=prefer`, undefined, async (connection) => {
        assert.equal((await secured(connection))[0]?.ssl, false);
      });
      for (const mode of ['require', 'verify-ca', 'verify-full'])
        await using(`${plain.url}?sslmode=${mode}`, undefined, ({ db }) =>
          assert.rejects(db.execute(sql`select 1`), ({ cause }: Error) => {
            assert.ok(cause instanceof DatabaseTlsError);
            assert.equal(cause.code, 'database-without-tls', mode);
            return true;
          }),
        );
    } finally {
      await plain.drop();
    }
  });

  it('is distinguished from a server without TLS, and never sends plain text if TLS is set', async () => {
    const heard: Buffer[] = [];
    const plain = createServer((socket: Socket) => {
      socket.on('data', (chunk) => {
        heard.push(chunk);
        socket.write('N');
      });
      socket.on('error', () => undefined);
    });
    await new Promise<void>((done) => plain.listen(0, '127.0.0.1', done));
    try {
      const url = new URL(server.url('ferry'));
      url.port = String((plain.address() as { port: number }).port);
      const { code, err } = await ferry(['status'], { env: { DATABASE_URL: url.href, DATABASE_TLS_CA: ours.ca } });
      assert.equal(code, 78);
      assert.match(err, /offers no TLS.*\[database-without-tls\]/);
      for (const chunk of heard) assert.equal(chunk.length, 8, 'only the request for TLS was sent');
    } finally {
      plain.close();
    }
  });

  it('recovers without help after connections were lost', async () => {
    await using(at('localhost'), { ca: ours.ca }, async (connection) => {
      await secured(connection);
      await admin.unsafe(`select pg_terminate_backend(pid) from pg_stat_activity where datname = 'ferry'`);
      const [row] = await until(() => secured(connection).catch(() => undefined), {
        what: 'another line',
        timeoutMs: 20_000,
      });
      assert.equal(row?.ssl, true);
    });
  });

  it('more failed lines than the pool has connections keep no connection busy', async () => {
    const connection = connect(at('127.0.0.1'), { max: 1, tls: { ca: theirs.ca } });
    try {
      for (let n = 0; n < 3; n += 1)
        await assert.rejects(
          connection.db.execute(sql`select 1`),
          ({ cause }: Error) => cause instanceof DatabaseTlsError,
        );
    } finally {
      await connection.close();
    }
  });

  it('a gateway that can not trust its database stays up, says so at /readyz, and is ready once it can', async () => {
    const other = await theirs.sign('postgres', 'IP:127.0.0.1');
    await serve(other);
    const gateway = await startProgram({
      program: 'gateway/main.ts',
      env: {
        DATABASE_URL: at('127.0.0.1'),
        DATABASE_TLS_CA: ours.ca,
        FERRY_SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
        FERRY_PORT: '0',
        FERRY_LOG: 'error',
        TEMPORAL_ADDRESS: '127.0.0.1:1',
        FERRY_BLOBS: join(dir.path, 'blobs'),
      },
      ready: /can't be trusted/,
    });
    try {
      await serve(await ours.sign('postgres', 'IP:127.0.0.1'));
      await until(() => (gateway.output().includes('"ready":true') ? true : undefined), {
        what: 'the gateway to be ready',
        timeoutMs: 30_000,
      });
    } finally {
      await gateway.stop();
    }
  });

  it('refuses a server whose certificate has ended', async () => {
    const isRefused = async (): Promise<boolean> =>
      using(at('127.0.0.1'), { ca: ours.ca }, ({ db }) => db.execute(sql`select 1`)).then(
        () => false,
        () => true,
      );
    await serve(await ours.sign('postgres', 'IP:127.0.0.1,DNS:localhost', -1));
    await until(async () => (await isRefused()) || undefined, { what: 'the old certificate', timeoutMs: 20_000 });
    await untrusted(at('localhost'), { ca: ours.ca }, /can't be trusted \(CERT_HAS_EXPIRED\)/);
    await untrusted(`${at('127.0.0.1')}?sslmode=require`, { ca: ours.ca }, /can't be trusted \(CERT_HAS_EXPIRED\)/);
  });

  it('refuses a server whose certificate is for another host', async () => {
    await serve(await ours.sign('postgres', 'DNS:elsewhere.example'));
    await until(
      () =>
        using(at('127.0.0.1'), { ca: ours.ca }, ({ db }) => db.execute(sql`select 1`)).then(
          () => undefined,
          () => true as const,
        ),
      { what: 'the new certificate', timeoutMs: 20_000 },
    );
    for (const host of ['127.0.0.1', 'localhost']) {
      await untrusted(at(host), { ca: ours.ca }, /is not for (?:127\.0\.0\.1|localhost)/);
      const { code, err } = await ferry(['status'], { env: { DATABASE_URL: at(host), DATABASE_TLS_CA: ours.ca } });
      assert.equal(code, 78);
      assert.match(err, /\[database-untrusted\]/);
      assert.doesNotMatch(err, new RegExp(server.password));
    }
    await assert.rejects(migrate(at('localhost'), undefined, { ca: ours.ca }), { code: 'database-untrusted' });
  });
});
