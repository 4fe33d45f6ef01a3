// The examples of a tool without a gateway, against a gateway process that is killed and started in between.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { sealSecret } from '#config/secrets.ts';
import { addClient, makeClientSecret } from '#db/links/clients.ts';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { ensureKeys } from '#db/links/keys.ts';
import { beginDrain } from '#db/carry/couriers.ts';
import { putOffers } from '#db/exchange/put-offers.ts';
import { addOrganisations, wireOf } from '#test/db/exchange/receive-rig.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';
import { startProgram, type Program } from '#test/support/process.ts';
import { tempDir, type TempDir } from '#test/support/temp.ts';

type Step = {
  readonly step: string;
  readonly result?: string;
  readonly action?: string | null;
  readonly left?: number;
};

describe('a tool without a gateway, by the examples', () => {
  let database: TestDatabase;
  let connection: Connection;
  let blobs: TempDir;
  let gateway: Program;
  let url: string;
  let env: Record<string, string>;
  let start: () => Promise<Program>;
  before(async () => {
    database = await freshDatabase('apiclient');
    connection = connect(database.url, { max: 4 });
    blobs = await tempDir();
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const key = randomBytes(32);
    await addOrganisations(connection, url);
    await ensureKeys(connection.db, (text, context) => sealSecret(text, context, key), 'north');
    const { secret, hash } = makeClientSecret();
    await addClient(connection.db, {
      id: 'tool',
      link: 'tool-north',
      role: 'customer',
      instance: 'north',
      secretHashes: [hash],
    });
    env = { FERRY: url, CLIENT_ID: 'tool', CLIENT_SECRET: secret };
    start = () =>
      startProgram({
        program: 'gateway/main.ts',
        env: {
          DATABASE_URL: database.url,
          FERRY_SECRET_KEY: key.toString('base64'),
          FERRY_PORT: String(port),
          FERRY_PUBLIC_URL: url,
          FERRY_BLOBS: blobs.path,
          TEMPORAL_ADDRESS: '127.0.0.1:1',
        },
        ready: /"ready":true/,
      });
    gateway = await start();
  });
  after(async () => {
    await gateway?.stop();
    await connection.close();
    await database.drop();
    await blobs.remove();
  });

  /** Offers what our desk wrote on the ticket's mirror, as its courier does. */
  async function reply(ticket: string, note: string): Promise<void> {
    const { db } = connection;
    const [row] = await rows<{ mirror: string; last: number }>(
      db,
      sql`select m.id as mirror, l.last_seq::int as last from mirrors m join lanes l on l.mirror = m.id and l.to_instance = 'tool'
        where m.first_ticket = ${ticket} and m.link = 'tool-north'`,
    );
    assert.ok(row);
    const [id, delivery, seq] = [randomUUID(), randomUUID(), row.last + 1];
    await db.execute(sql`insert into actions (id, instance, ticket, external_id, origin, at, author, audience, visibility, words, hash, via)
      values (${id}, 'north', '7', ${id}, 'north', now(), '{"name":"Sam","role":"agent"}', 'desks', 'visible', '{"kind":"Correspond","fields":{}}', 'x', '{north}')`);
    await db.execute(sql`update lanes set last_seq = ${seq} where mirror = ${row.mirror} and to_instance = 'tool'`);
    await db.execute(
      sql`insert into deliveries (id, mirror, to_instance, seq, kind, action) values (${delivery}, ${row.mirror}, 'tool', ${seq}, 'action', ${id})`,
    );
    const action = wireOf({ id, seq, note, origin: `${url}/i/north` });
    const epoch = await beginDrain(db, 'tool');
    await putOffers(db, 'tool-north', { mirror: row.mirror, to: 'tool' }, epoch, [
      { delivery, seq, hash: 'h', action, receipt: null },
    ]);
  }

  const steps = (program: Program): Step[] =>
    program
      .stdout()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Step);
  const results = (all: readonly Step[], step: string): (string | undefined)[] =>
    all.filter((one) => one.step === step).map(({ result }) => result);

  it('in TypeScript: escalates, brings a file, updates, reads, reports outcomes; a killed gateway loses nothing', async () => {
    const tool = await startProgram({
      program: 'examples/api-client/client.ts',
      env: { ...env, TICKET: '1', ENTRIES: '2' },
    });
    await tool.line(/"step":"updated"/);
    await reply('1', '<p>We look into it.</p>');
    await tool.line(/"step":"told"/);
    await gateway.kill9();
    await reply('1', '<p>It is the certificate.</p>');
    gateway = await start();
    const { code } = await tool.ended;
    const said = steps(tool);
    assert.equal(code, 0, tool.output());
    assert.deepEqual(results(said, 'escalated'), ['accepted']);
    assert.deepEqual(results(said, 'sent again'), ['duplicate']);
    assert.deepEqual(results(said, 'updated'), ['accepted']);
    assert.deepEqual(
      said.filter(({ step }) => step === 'read').map(({ action }) => action),
      ['<p>We look into it.</p>', '<p>It is the certificate.</p>'],
    );
    assert.deepEqual(results(said, 'told'), ['accepted', 'accepted']);
    const ended = await rows(
      connection.db,
      sql`select outcome, reason->>'code' as code, accepted_at is not null as accepted from deliveries where to_instance = 'tool'`,
    );
    assert.deepEqual(
      ended.map((row) => ({ ...row })),
      Array.from({ length: 2 }, () => ({ outcome: 'applied', code: 'applied-as-is', accepted: true })),
    );
    assert.equal((await rows(connection.db, sql`select 1 as one from attachments`)).length, 1);
  });

  it('with curl', { skip: hasTools() ? false : 'curl, jq or openssl is missing' }, async () => {
    const tool = await startProgram({
      program: '',
      command: '/bin/sh',
      args: ['examples/api-client/client.sh'],
      env: { ...env, TICKET: '3' },
    });
    const { code } = await tool.ended;
    assert.equal(code, 0, tool.output());
    const said = steps(tool);
    assert.deepEqual(results(said, 'escalated'), ['accepted']);
    assert.deepEqual(results(said, 'sent again'), ['duplicate']);
    assert.deepEqual(results(said, 'updated'), ['accepted']);
    assert.equal(said.at(-1)?.left, 0);
  });

  const programs = [
    ['TypeScript', { program: 'examples/api-client/client.ts' }, false],
    ['curl', { program: '', command: '/bin/sh', args: ['examples/api-client/client.sh'] }, !hasTools()],
  ] as const;
  for (const [name, program, lacksTools] of programs)
    it(
      `in ${name}: runs again and again, and says why a ticket is not taken a second time`,
      { skip: lacksTools },
      async () => {
        const again = await startProgram({ ...program, env });
        assert.equal((await again.ended).code, 0, again.output());
        assert.deepEqual(results(steps(again), 'escalated'), ['accepted']);
        const used = await startProgram({ ...program, env: { ...env, TICKET: '1' } });
        assert.equal((await used.ended).code, 1, used.output());
        assert.deepEqual(steps(used), []);
        assert.match(used.output(), /^refused: .*already/m);
        assert.doesNotMatch(used.output(), /^\s+at /m);
      },
    );
});

function hasTools(): boolean {
  try {
    for (const tool of ['curl', 'jq', 'openssl']) execFileSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
