// Two organisations with encrypted contents: everything works as usual, and a backup contains none of their text.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { connect, rows } from '#db/base/client.ts';
import { anyFreePort } from '#standalone/machine/ports.ts';
import { startProgram } from '#test/support/process.ts';
import { until } from '#test/support/wait.ts';
import type { Organisation } from './organisations.ts';
import { startTwoOrganisations, type TwoOrganisations } from './two-organisations.ts';

const contentKey = randomBytes(32);

describe('two organisations whose contents are sealed', () => {
  let both: TwoOrganisations;
  let ticket: string;
  let far: string;
  before(async () => {
    both = await startTwoOrganisations('sealed', { contentKey });
    ({ ticket, far } = await both.opened());
  });
  after(() => both?.close());

  /** Every row of every table, as a backup has it; the connection has no key. */
  async function dump({ rig }: Organisation): Promise<string> {
    const connection = connect(rig.database.url, { max: 1, name: 'dump' });
    try {
      const tables = await rows<{ name: string }>(
        connection.db,
        sql`select table_name as name from information_schema.tables where table_schema = 'public' order by 1`,
      );
      const texts: string[] = [];
      for (const { name } of tables)
        for (const { row } of await rows<{ row: string }>(
          connection.db,
          sql`select to_jsonb(t)::text as row from ${sql.identifier(name)} t`,
        ))
          texts.push(`${name} ${row}`);
      return texts.join('\n');
    } finally {
      await connection.close();
    }
  }

  it('carry notes, values and statuses, once and in order, and a backup of either contains none of their text', async () => {
    const { acme, north } = both;
    await acme.desk.note(ticket, '<p>planted by acme</p>', {
      author: 'Planted Person',
      fields: { Ref: 'planted-value' },
    });
    for (let n = 1; n <= 3; n += 1) await north.desk.note(far, `<p>planted by north ${n}</p>`);
    await acme.desk.note(ticket, '<p>planted state</p>', { status: 'waiting' });
    await both.agree();
    await until(() => north.desk.ticket(far).actions.some(({ note }) => note?.includes('planted by acme')), {
      what: 'the note at north',
      timeoutMs: 30_000,
    });
    for (const organisation of [acme, north]) {
      const backup = await dump(organisation);
      const found = backup.split('\n').filter((row) => /planted|Planted|VPN drops|It does\.|Please help/.test(row));
      assert.deepEqual(
        found.map((row) => row.slice(0, 300)),
        [],
      );
      assert.ok(/^actions .*ferry-sealed:/m.test(backup));
      assert.ok(/^tickets .*ferry-sealed:/m.test(backup));
    }
  });

  it('are traced, verified and exported only with the key', async () => {
    const { acme, link } = both;
    assert.match((await acme.ferry('trace', 'acme', ticket, '--notes')).out, /planted by acme/);
    assert.doesNotMatch((await acme.ferry('verify', 'acme', ticket, '--offline')).out, /broken|not /);
    assert.match((await acme.ferry('link', 'export', link)).out, /planted by north 3/);
    for (const key of ['', randomBytes(32).toString('base64')]) {
      const { code, err } = await acme.ferryWith({ FERRY_CONTENT_KEY: key }, 'status');
      assert.equal(code, 78);
      assert.match(err, /FERRY_CONTENT_KEY.*\[content-key-missing\]/);
    }
  });

  it('are not touched by programs without the key, which keep running and say so, and continue once they have it', async () => {
    const { acme } = both;
    const port = await anyFreePort();
    const env = { ...acme.rig.env, FERRY_CONTENT_KEY: '', FERRY_LOG: 'info', FERRY_PORT: String(port) };
    const gateway = await startProgram({ program: 'gateway/main.ts', env, ready: /"msg":"[^"]*FERRY_CONTENT_KEY/ });
    try {
      const reply = await fetch(`http://127.0.0.1:${port}/readyz`);
      assert.equal(reply.status, 503);
      assert.match(await reply.text(), /problem:content-key/);
      assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
    } finally {
      await gateway.stop();
    }
    await acme.worker().stop();
    const lacking = await startProgram({
      program: 'test/federation/worker-main.ts',
      env: { ...env, FERRY_TEST_LIMITS: '{}', FERRY_TEST_CRASH: '' },
      ready: /FERRY_CONTENT_KEY/,
    });
    await acme.desk.note(ticket, '<p>planted meanwhile</p>');
    await lacking.stop();
    await acme.startWorker();
    await until(() => both.north.desk.ticket(far).actions.some(({ note }) => note?.includes('planted meanwhile')), {
      what: 'the note that waited',
      timeoutMs: 60_000,
    });
    await both.agree();
  });

  it('forget a person whose name only the key can show', async () => {
    const { acme } = both;
    const found = await acme.ferry('erase', 'person', 'planted person', '--dry-run', '--json');
    assert.equal((JSON.parse(found.out) as { found: { actions: number } }).found.actions, 1, found.out);
  });
});
