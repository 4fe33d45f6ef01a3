import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { startProgram } from '#test/support/process.ts';
import { testTemporal } from '#test/support/services.ts';
import { allEnded, assertAgree } from './between.ts';
import type { CheckOptions } from './invariants.ts';
import { linkState, pair, startOrganisation, visibleToUsers, type Organisation } from './organisations.ts';
import { backUp, type Backup } from './restore.ts';
import { registerNamespace, type RigDesk } from './rig.ts';
import { count, shown } from './desk-notes.ts';

const restored = { mayWiden: true, restored: true };

describe('after a database was restored from a backup', () => {
  let acme: Organisation;
  let north: Organisation;
  let link: string;
  const backups: Backup[] = [];
  before(async () => {
    [acme, north] = await Promise.all([startOrganisation('acme', 'back'), startOrganisation('north', 'back')]);
    link = await pair(acme, north, {
      customer: visibleToUsers,
    });
  });
  after(async () => {
    await acme.close();
    await north.close();
    for (const backup of backups) await backup.drop();
  });

  let opened = 0;
  const escalated = async (summary: string): Promise<{ ticket: string; far: string }> => {
    opened += 1;
    const ticket = await acme.desk.open(summary);
    await acme.desk.escalate(ticket);
    const far = await shown(() => acme.desk.ticket(ticket).reference ?? undefined, 'the number of the far ticket');
    return { ticket, far };
  };
  /** A note at each side, and all of it carried. */
  const talk = async ({ ticket, far }: { ticket: string; far: string }, word: string): Promise<void> => {
    await acme.desk.note(ticket, `<p>a ${word}.</p>`);
    await north.desk.note(far, `<p>n ${word}.</p>`);
    await shown(() => count(north.desk, far, `a ${word}.`) || undefined, `"a ${word}" at north`);
    await shown(() => count(acme.desk, ticket, `n ${word}.`) || undefined, `"n ${word}" at acme`);
  };
  const settled = async (): Promise<void> => {
    for (const one of [acme, north, acme]) await allEnded(one);
  };
  const back = async (one: Organisation): Promise<Backup> => {
    await settled();
    const backup = await backUp(one);
    backups.push(backup);
    return backup;
  };
  const restore = async (one: Organisation, backup: Backup, how = {}): Promise<void> => {
    await Promise.all([one.worker().stop(), one.gateway().stop()]);
    await backup.restore(how);
    await Promise.all([one.startGateway(), one.startWorker()]);
  };
  const status = async (one: Organisation): Promise<string> => (await one.ferry('link', 'status', link)).out;
  const notices = async ({ rig }: Organisation): Promise<string[]> =>
    (
      await rows<{ cause: string }>(
        rig.connection.db,
        sql`select cause from notices where link = ${link} and cleared_at is null order by cause`,
      )
    ).map(({ cause }) => cause);
  /** Asks the other side for the state of the link now; otherwise it does so once a minute. */
  const askNow = ({ rig }: Organisation): Promise<unknown> =>
    rig.connection.db.execute(sql`update peers set said_at = null where link = ${link}`);
  const resume = async (one: Organisation): Promise<string> => {
    const ran = await one.ferry('link', 'resume', link);
    assert.equal(ran.code, 0, ran.out + ran.err);
    return ran.out;
  };
  const agree = (options: CheckOptions): Promise<void> => assertAgree(acme, north, link, options);
  /** The order in which the two sides' messages arrived among each other does not matter. */
  const both = ({ ticket, far }: { ticket: string; far: string }, wanted: readonly string[]): void => {
    assert.deepEqual(texts(acme.desk, ticket).toSorted(), wanted.toSorted(), 'at acme');
    assert.deepEqual(texts(north.desk, far).toSorted(), wanted.toSorted(), 'at north');
  };
  /** Who resumed first may have heard that the other does not yet, and would ask again within a minute. */
  const retry = async (one: Organisation, other: Organisation): Promise<void> => {
    assert.equal((await one.ferry('retry', `${other.id}-peer`)).code, 0);
  };
  const texts = (desk: RigDesk, ticket: string): string[] =>
    desk.ticket(ticket).actions.flatMap(({ note }) => /\b[an] \w+\./.exec(note ?? '')?.[0] ?? []);

  it('the supplier comes up in quarantine, both say so, nothing is written; resumed, what it lost is there once', async () => {
    const first = await escalated('Before the backup');
    await talk(first, 'one');
    const backup = await back(north);
    await talk(first, 'two');
    const second = await escalated('After the backup');
    await talk(second, 'three');
    await settled();

    await restore(north, backup);
    assert.equal(await linkState(north, link), 'quarantined');
    assert.match(await status(north), /quarantined/);
    assert.ok((await notices(north)).includes('link/quarantined'));
    await askNow(acme);
    await shown(async () => (await notices(acme)).includes('peer/quarantined') || undefined, 'the notice at acme');
    assert.match(await status(acme), /The other side says: quarantined/);
    await north.desk.note(first.far, '<p>n four.</p>');
    await north.desk.note(second.far, '<p>n quiet.</p>');
    const before = JSON.stringify([...north.desk.desk.tickets.values()]);
    await acme.desk.note(first.ticket, '<p>a four.</p>');
    // Its answer shows how little it has, so this side no longer trusts it either.
    await shown(async () => (await linkState(acme, link)) === 'quarantined' || undefined, 'quarantine at acme');
    assert.match(await status(acme), /quarantined/);
    assert.equal(JSON.stringify([...north.desk.desk.tickets.values()]), before, 'nothing is written meanwhile');

    await resume(north);
    assert.match(await resume(acme), /sent again/);
    await retry(north, acme);
    await shown(() => count(north.desk, first.far, 'a four.') || undefined, 'what was written meanwhile at acme');
    await shown(() => count(acme.desk, first.ticket, 'n four.') || undefined, 'what was written meanwhile at north');
    await talk(second, 'five');
    await agree(restored);
    both(first, ['a one.', 'n one.', 'a two.', 'n two.', 'a four.', 'n four.']);
    both(second, ['a three.', 'n three.', 'n quiet.', 'a five.', 'n five.']);
    assert.equal(north.desk.desk.tickets.size, opened, 'no ticket is opened twice');
  });

  it('the customer comes up in quarantine; resumed, nothing is lost or doubled, and tickets find each other again', async () => {
    const first = await escalated('Before the second backup');
    await talk(first, 'six');
    const backup = await back(acme);
    await talk(first, 'seven');
    const second = await escalated('After the second backup');
    await talk(second, 'eight');
    await settled();

    await restore(acme, backup);
    assert.equal(await linkState(acme, link), 'quarantined');
    await acme.desk.note(first.ticket, '<p>a nine.</p>');
    await acme.desk.note(second.ticket, '<p>a ten.</p>');
    await north.desk.note(first.far, '<p>n nine.</p>');
    await shown(async () => (await linkState(north, link)) === 'quarantined' || undefined, 'quarantine at north');
    assert.match(await resume(acme), /is active again/);
    await resume(north);
    await retry(acme, north);
    for (const [desk, ticket, text] of [
      [north.desk, first.far, 'a nine.'],
      [north.desk, second.far, 'a ten.'],
      [acme.desk, first.ticket, 'n nine.'],
    ] as const)
      await shown(() => count(desk, ticket, text) || undefined, `"${text}" at ${desk.id}`);
    await talk(second, 'eleven');
    await agree(restored);
    both(first, ['a six.', 'n six.', 'a seven.', 'n seven.', 'a nine.', 'n nine.']);
    both(second, ['a eight.', 'n eight.', 'a ten.', 'a eleven.', 'n eleven.']);
    assert.equal(north.desk.desk.tickets.size, opened, 'no ticket is opened twice');
  });

  it('a copy that does not know that it is one is found out by the first answer, and is set right alike', async () => {
    const first = await escalated('Before the third backup');
    await talk(first, 'twelve');
    const backup = await back(north);
    await talk(first, 'thirteen');
    await settled();
    await restore(north, backup, { unnoticed: true });
    assert.equal(await linkState(north, link), 'active');
    await acme.desk.note(first.ticket, '<p>a fourteen.</p>');
    await shown(async () => (await linkState(acme, link)) === 'quarantined' || undefined, 'quarantine at acme');
    assert.equal(count(north.desk, first.far, 'a fourteen.'), 0);
    await shown(async () => (await linkState(north, link)) === 'quarantined' || undefined, 'quarantine at north');
    await resume(north);
    await resume(acme);
    await retry(north, acme);
    await shown(() => count(north.desk, first.far, 'a fourteen.') || undefined, 'what waited');
    await agree(restored);
    both(first, ['a twelve.', 'n twelve.', 'a thirteen.', 'n thirteen.', 'a fourteen.']);
  });

  it('a clone that runs beside its gateway starts in quarantine and writes nothing; the other continues', async () => {
    const first = await escalated('Beside a clone');
    await talk(first, 'fifteen');
    const copy = await back(north);
    const env = {
      ...north.rig.env,
      DATABASE_URL: copy.url,
      TEMPORAL_NAMESPACE: await emptyNamespace(),
    };
    const ready = /"ready":true/;
    const clone = await Promise.all([
      startProgram({ program: 'gateway/main.ts', env, ready }),
      startProgram({ program: 'test/federation/worker-main.ts', env, ready }),
    ]);
    try {
      const status = await startProgram({ program: 'bin/ferry.js', args: ['link', 'status', link], env });
      await status.ended;
      assert.match(status.stdout(), /acme-north: quarantined.*database was restored or cloned/s);
      await talk(first, 'sixteen');
      await settled();
      assert.equal(await linkState(north, link), 'active');
      assert.equal(await linkState(acme, link), 'active');
      both(first, ['a fifteen.', 'n fifteen.', 'a sixteen.', 'n sixteen.']);
    } finally {
      await Promise.all(clone.map((program) => program.stop()));
    }
  });
});

async function emptyNamespace(): Promise<string> {
  const namespace = `t-clone-${randomUUID().slice(0, 8)}`;
  await registerNamespace(await testTemporal(), namespace);
  return namespace;
}
