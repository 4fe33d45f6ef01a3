// What a desk's clock, a lagging replica, a backup and a missing permission can do to a ticket's history, and must not.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { createLightHelpdesk } from '#bench/light-connector.ts';
import { openSecret } from '#config/secrets.ts';
import { createHttpClient } from '#connectors/kit/http.ts';
import { rows } from '#db/base/client.ts';
import { resumeInstance } from '#operate/instances/resume.ts';
import { needsOf } from '#operate/status/needs.ts';
import { status } from '#operate/status/status.ts';
import { testOperator } from '#test/support/operator.ts';
import { until } from '#test/support/wait.ts';
import { opened, secretKey, startRig, type Rig, type RigDesk } from './rig.ts';

const timeoutMs = 60_000;

/** Texts of people's notes as they arrived, in order. */
function arrived(desk: RigDesk, ticket: string): string[] {
  return desk
    .ticket(ticket)
    .actions.filter(({ by, note }) => by === 'service' && note !== null)
    .map(({ note }) => (note ?? '').replaceAll(/<[^>]*>/g, '').trim());
}

async function arrives(desk: RigDesk, ticket: string, texts: readonly string[]): Promise<void> {
  const ours = (): string[] => arrived(desk, ticket).filter((text) => texts.some((one) => text.includes(one)));
  await until(() => (ours().length >= texts.length ? true : undefined), {
    what: `${texts.join(', ')} at ${desk.id}`,
    timeoutMs,
  });
  assert.deepEqual(
    ours().map((text) => texts.find((one) => text.includes(one))),
    texts,
  );
}

describe('a desk whose times are unreliable', () => {
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  before(async () => {
    rig = await startRig('positions');
    acme = await rig.desk('acme');
    north = await rig.desk('north');
    await rig.link('acme-north', 'acme', 'north');
    // Behind at go-live, in its actions alone; its replies show another time.
    await acme.control({ vices: { skewMs: -300_000, dateSkewMs: 0 } });
    await rig.startWorker({ pollMs: 500 });
    await rig.live();
  });
  after(() => rig.close());

  it('loses nothing of what is escalated right after go-live, though its clock is five minutes behind', async () => {
    await opened(acme, north);
    await acme.control({ vices: { skewMs: 0, dateSkewMs: null } });
  });

  it('loses nothing when its clock was ahead for one note and is corrected, nor when it is set back', async () => {
    const { ticket, far } = await opened(acme, north);
    await acme.control({ vices: { skewMs: 300_000, dateSkewMs: 0 } });
    await acme.note(ticket, '<p>ahead</p>');
    await arrives(north, far, ['ahead']);
    await acme.control({ vices: { skewMs: 0 } });
    for (const text of ['first', 'second', 'third']) await acme.note(ticket, `<p>${text}</p>`);
    await acme.control({ vices: { skewMs: -86_400_000 } });
    await acme.note(ticket, '<p>yesterday</p>');
    await arrives(north, far, ['ahead', 'first', 'second', 'third', 'yesterday']);
    await acme.control({ vices: { skewMs: 0, dateSkewMs: null } });
  });

  it('loses nothing that a person dates ahead or back, before go-live included', async () => {
    const { ticket, far } = await opened(acme, north);
    const day = 86_400_000;
    await acme.note(ticket, '<p>planned visit</p>', { at: new Date(Date.now() + 2 * day).toISOString() });
    await acme.note(ticket, '<p>after it</p>');
    await acme.note(ticket, '<p>logged late</p>', { at: new Date(Date.now() - 400 * day).toISOString() });
    await arrives(north, far, ['planned visit', 'after it', 'logged late']);
  });

  it('loses nothing of several notes in one whole second', async () => {
    await acme.control({ vices: { wholeSeconds: true } });
    const { ticket, far } = await opened(acme, north);
    const texts = ['s1', 's2', 's3', 's4', 's5', 's6'];
    for (const text of texts) await acme.note(ticket, `<p>${text}</p>`);
    await arrives(north, far, texts);
    await acme.control({ vices: { wholeSeconds: false } });
  });

  it('loses nothing that a replica of its database shows late, after our own notes', async () => {
    const { ticket, far } = await opened(acme, north);
    await acme.control({ vices: { lagMs: 4_000 } });
    for (const text of ['late 1', 'late 2']) await acme.note(ticket, `<p>${text}</p>`);
    // Ours is shown at once, with a higher id.
    await north.note(far, '<p>from north</p>');
    await arrives(acme, ticket, ['from north']);
    await acme.control({ vices: { lagMs: 0 } });
    await until(
      async () => {
        await rig.hint('acme', ticket);
        return arrived(north, far).filter((text) => text.startsWith('late')).length === 2 || undefined;
      },
      { what: 'what was shown late', timeoutMs, everyMs: 500 },
    );
    await arrives(north, far, ['late 1', 'late 2']);
  });

  it('has its clock measured by what it does for us, and shown', async () => {
    await acme.control({ vices: { skewMs: 120_000, dateSkewMs: 0 } });
    const { ticket, far } = await opened(acme, north);
    for (let n = 0; n < 8; n += 1) await north.note(far, `<p>tick ${n}</p>`);
    await arrives(acme, ticket, ['tick 7']);
    const offset = async (): Promise<number> =>
      (
        await rows<{ ms: number | null }>(
          rig.connection.db,
          sql`select clock_offset_ms as ms from instances where id = 'acme'`,
        )
      )[0]?.ms ?? 0;
    await until(async () => (Math.abs((await offset()) - 120_000) < 10_000 ? true : undefined), {
      what: 'the clock to be measured',
      timeoutMs,
    });
    const found = await status(testOperator(rig.connection.db));
    assert.ok(Math.abs((found.instances.find(({ id }) => id === 'acme')?.clock_offset_ms ?? 0) - 120_000) < 10_000);
    await acme.control({ vices: { skewMs: 0, dateSkewMs: null } });
    await rig.check();
  });
});

describe('go-live', () => {
  it('is one statement: where it fails, what is years old is not opened afterwards', async () => {
    const rig = await startRig('half_go_live');
    try {
      const acme = await rig.desk('acme');
      const north = await rig.desk('north');
      await rig.link('acme-north', 'acme', 'north');
      const old = await acme.open();
      await acme.control({
        act: { ticket: old, kind: 'Escalate', note: '<p>long ago</p>', at: '2020-01-01T00:00:00.000Z' },
      });
      await rig.connection.sql.unsafe(`create function refuse() returns trigger language plpgsql as
        $$ begin raise exception 'as if the connection had ended here'; end $$`);
      await rig.connection.sql.unsafe(`create trigger refuse before update of live_since on instances for each row
        when (new.live_since is not null and new.id = 'acme') execute function refuse()`);
      await rig.startWorker({ pollMs: 500 });
      await until(
        async () =>
          (await rows(rig.connection.db, sql`select 1 from feeds where instance = 'acme' and failures > 0`))[0],
        { what: 'a go-live that fails', timeoutMs },
      );
      const [feed] = await rows<{ cursor: string | null }>(
        rig.connection.db,
        sql`select cursor from feeds where instance = 'acme'`,
      );
      assert.equal(feed?.cursor, null, 'the feed has not begun without its floor');
      await rig.connection.sql.unsafe('drop trigger refuse on instances');
      await rig.connection.db.execute(sql`update feeds set next_poll_at = now()`);
      await rig.live();
      await acme.act(old, { kind: 'Private', note: '<p>touched</p>', visible: false });
      const { far } = await opened(acme, north);
      assert.ok(far !== '');
      assert.equal(north.desk.tickets.size, 1, 'only what was escalated after go-live');
    } finally {
      await rig.close();
    }
  });
});

describe('a desk that was restored from a backup', () => {
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  before(async () => {
    rig = await startRig('restored_desk');
    acme = await rig.desk('acme');
    north = await rig.desk('north');
    await rig.link('acme-north', 'acme', 'north');
    await rig.startWorker({ pollMs: 500 });
    await rig.live();
  });
  after(() => rig.close());

  const quarantined = async (): Promise<boolean> =>
    (
      await rows(
        rig.connection.db,
        sql`select 1 as one from instances where id = 'north' and quarantined_at is not null`,
      )
    ).length > 0;

  it('is quarantined and announced; once somebody has looked, actions that reuse the ids of lost ones are carried once', async () => {
    const { ticket, far } = await opened(acme, north);
    await north.note(far, '<p>kept</p>');
    await arrives(acme, ticket, ['kept']);
    await rig.settled();
    await north.control({ backup: true });
    for (const text of ['gone1', 'gone2']) await north.note(far, `<p>${text}</p>`);
    const after = await opened(acme, north);
    await arrives(acme, ticket, ['gone1', 'gone2']);
    await rig.settled();

    await north.control({ restore: true });
    for (const text of ['again1', 'again2', 'again3']) await north.note(far, `<p>${text}</p>`);
    await until(async () => ((await quarantined()) ? true : undefined), { what: 'the quarantine', timeoutMs });
    await acme.note(ticket, '<p>waits</p>');

    const operator = testOperator(rig.connection.db, {
      open: (sealed, context) => openSecret(sealed, context, [secretKey]),
    });
    const needs = needsOf(await status(operator), true, Date.now());
    assert.deepEqual(
      needs.filter(({ code }) => code === 'restored').map(({ of }) => of),
      ['north'],
    );
    const causes = await rows<{ cause: string }>(
      rig.connection.db,
      sql`select cause from notices where cleared_at is null`,
    );
    assert.ok(causes.some(({ cause }) => cause === 'restored/north'));
    assert.equal(
      arrived(acme, ticket).some((text) => text.includes('again')),
      false,
    );

    const http = createHttpClient({ allow: { http: 'private', privateAddresses: ['127.0.0.1/32'] } });
    try {
      const desks = {
        ...operator,
        deskOf: (target: {
          id: string;
          url: string;
          credentials: Readonly<Record<string, string>>;
          options: Readonly<Record<string, unknown>>;
        }) =>
          Promise.resolve(createLightHelpdesk({ ...target, instance: target.id, http, take: () => Promise.resolve() })),
      };
      const looked = await resumeInstance(desks, 'north', { dryRun: true });
      const verdicts = new Map(looked.verified.map((one) => [one.ticket, one.verdict]));
      assert.equal(verdicts.get(far), 'behind');
      assert.notEqual(verdicts.get(after.far), 'same', 'a ticket that was made after the backup');
      assert.equal(await quarantined(), true);
      const done = await resumeInstance(desks, 'north');
      assert.equal(done.outcome, 'resumed');
      assert.equal(done.paused.length, 1);
    } finally {
      await http.close();
    }
    await arrives(acme, ticket, ['kept', 'gone1', 'gone2', 'again1', 'again2', 'again3']);
    await arrives(north, far, ['waits']);
    await acme.note(ticket, '<p>and on</p>');
    await arrives(north, far, ['waits', 'and on']);
    const left = await rows(
      rig.connection.db,
      sql`select 1 from notices where cause = 'restored/north' and cleared_at is null`,
    );
    assert.equal(left.length, 0, 'the all-clear');
  });

  it('is noticed by its list of changes alone, where no ticket is looked at', async () => {
    await north.control({ backup: true });
    for (let n = 0; n < 3; n += 1) await north.open();
    await until(
      async () =>
        (
          await rows<{ cursor: string }>(rig.connection.db, sql`select cursor from feeds where instance = 'north'`)
        ).some(({ cursor }) => Number(cursor) >= 3) || undefined,
      { what: 'the feed to pass', timeoutMs },
    );
    await until(
      async () =>
        (
          await rows(
            rig.connection.db,
            sql`select 1 from tickets where instance = 'north' and external_id like 'north-%'`,
          )
        ).length >= 3 || undefined,
      { what: 'the tickets to be read', timeoutMs },
    );
    await north.control({ restore: true });
    await until(async () => ((await quarantined()) ? true : undefined), { what: 'the quarantine', timeoutMs });
  });
});

describe('a ticket that is not there', () => {
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  before(async () => {
    rig = await startRig('missing');
    acme = await rig.desk('acme');
    north = await rig.desk('north');
    await rig.link('acme-north', 'acme', 'north');
    await rig.startWorker({ pollMs: 500 });
    await rig.live();
  });
  after(() => rig.close());

  const mirrorOf = async (ticket: string): Promise<string> => {
    const [row] = await rows<{ state: string; why: string | null }>(
      rig.connection.db,
      sql`select state, close_reason as why from mirrors where first_ticket = ${ticket}`,
    );
    return `${row?.state} ${row?.why ?? ''}`.trim();
  };
  const lookNow = async (): Promise<void> => {
    await rig.connection.db.execute(sql`update put_off set due_at = now()`);
    await rig.connection.db.execute(
      sql`update lanes set due_at = now() where due_at is not null and due_at < 'infinity'`,
    );
  };

  it('for us and for a while is held with a reason, and continues without help with all that was written meanwhile', async () => {
    const { ticket, far } = await opened(acme, north);
    await opened(acme, north);
    await north.control({ hide: far });
    await acme.note(ticket, '<p>meanwhile 1</p>');
    await until(
      async () =>
        (
          await rows(
            rig.connection.db,
            sql`select 1 from tickets where external_id = ${far} and missing_since is not null`,
          )
        )[0],
      { what: 'the ticket to be missed', timeoutMs },
    );
    await acme.note(ticket, '<p>meanwhile 2</p>');
    const needs = needsOf(await status(testOperator(rig.connection.db)), true, Date.now());
    assert.ok(needs.some(({ code, reason }) => code === 'missing' && (reason ?? '').includes('does not show')));
    assert.equal(await mirrorOf(ticket), 'open');
    await north.control({ show: far });
    await lookNow();
    await arrives(north, far, ['meanwhile 1', 'meanwhile 2']);
    await until(
      async () =>
        (
          await rows(rig.connection.db, sql`select 1 from tickets where external_id = ${far} and missing_since is null`)
        )[0],
      { what: 'the ticket to be seen', timeoutMs },
    );
  });

  it('when it is read for the first time may be there in a moment: what is escalated on it is opened', async () => {
    const ticket = await acme.open();
    await acme.control({ hide: ticket });
    await acme.act(ticket, { kind: 'Escalate', note: '<p>Help.</p>', visible: false });
    await until(async () => (await rows(rig.connection.db, sql`select 1 from put_off where ticket = ${ticket}`))[0], {
      what: 'the ticket to be put off',
      timeoutMs,
    });
    await acme.control({ show: ticket });
    await lookNow();
    await until(() => acme.ticket(ticket).reference ?? undefined, { what: 'the ticket at north', timeoutMs });
    await until(
      async () =>
        (await rows(rig.connection.db, sql`select 1 from put_off where ticket = ${ticket}`)).length === 0 || undefined,
      { what: 'nothing to be put off', timeoutMs },
    );
  });

  it('for a day, beside others that are, was deleted; and if it is there again, its mirror opens and what was refused is carried', async () => {
    const { ticket, far } = await opened(acme, north);
    await north.control({ hide: far });
    await acme.note(ticket, '<p>a day before</p>');
    await until(
      async () =>
        (
          await rows(
            rig.connection.db,
            sql`select 1 from tickets where external_id = ${far} and missing_beside_since is not null`,
          )
        )[0],
      { what: 'its neighbours to be seen', timeoutMs },
    );
    await rig.connection.db.execute(
      sql`update tickets set missing_since = missing_since - interval '25 hours', missing_beside_since = missing_beside_since - interval '25 hours'
        where external_id = ${far}`,
    );
    await lookNow();
    await until(async () => ((await mirrorOf(ticket)) === 'closed gone' ? true : undefined), {
      what: 'the proof',
      timeoutMs,
    });
    await until(
      async () =>
        (
          await rows(
            rig.connection.db,
            sql`select 1 from deliveries where outcome = 'refused' and reason->>'code' = 'gone'`,
          )
        )[0],
      { what: 'the refusal', timeoutMs },
    );
    await north.control({ show: far });
    await north.note(far, '<p>here again</p>');
    await until(async () => ((await mirrorOf(ticket)) === 'open' ? true : undefined), {
      what: 'the mirror to open',
      timeoutMs,
    });
    await arrives(acme, ticket, ['here again']);
    await arrives(north, far, ['a day before']);
  });

  it('because the desk itself says that it was deleted, is gone at once; restored there, it continues', async () => {
    const { ticket, far } = await opened(acme, north);
    await north.control({ remove: far });
    await until(async () => ((await mirrorOf(ticket)) === 'closed gone' ? true : undefined), {
      what: 'the mirror to close',
      timeoutMs,
    });
    await north.control({ unremove: far });
    await until(async () => ((await mirrorOf(ticket)) === 'open' ? true : undefined), {
      what: 'the mirror to open',
      timeoutMs,
    });
    await acme.note(ticket, '<p>after all</p>');
    await arrives(north, far, ['after all']);
  });
});
