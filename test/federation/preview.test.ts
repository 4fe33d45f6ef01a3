import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { createWouldOf } from '#activities/exchange/would.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { Command } from '#core/words/vocabulary.ts';
import { rows } from '#db/base/client.ts';
import { replayLink } from '#operate/deliveries/replay-link.ts';
import { pauseLink } from '#operate/links/pause.ts';
import type { PreviewOperator } from '#operate/operator.ts';
import { previewTicket } from '#operate/preview/ticket.ts';
import { testOperator } from '#test/support/operator.ts';
import { until } from '#test/support/wait.ts';
import { createTexts } from '#text-worker/texts.ts';
import { count } from './desk-notes.ts';
import { opened, startRig, type Rig, type RigDesk } from './rig.ts';

describe('what operators look at first and then do, on a link that carries', () => {
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  let operator: PreviewOperator;
  const texts = createTexts();
  before(async () => {
    rig = await startRig('preview');
    acme = await rig.desk('acme');
    north = await rig.desk('north');
    await rig.link('acme-north', 'acme', 'north');
    await rig.startWorker();
    await rig.live();
    const unasked = (): Promise<never> => Promise.reject(new HelpdeskError('refused', 'unknown-instance', 'Not here.'));
    const { db } = rig.connection;
    operator = {
      ...testOperator(db),
      helpdesks: { types: [], rulesOf: () => null, readCatalogue: unasked },
      wouldOf: createWouldOf({ db, texts, publicUrl: undefined, of: unasked }),
      readTicket: unasked,
    };
  });
  after(async () => {
    await rig.close();
    await texts.close();
  });

  const settings = async (to: ReturnType<typeof sql>): Promise<void> => {
    const { db } = rig.connection;
    await db.execute(
      sql`insert into settings (side, version, settings, changed_by)
        select side, version + 1, ${to}, 'test' from settings where side = 'acme-north/supplier' order by version desc limit 1`,
    );
    await db.execute(
      sql`update sides set settings_version = (select max(version) from settings where side = sides.id) where id = 'acme-north/supplier'`,
    );
  };

  const shape = ({ kind, visibility, mailsUser, author, open }: Omit<Command, 'note' | 'attachments'>): unknown => ({
    ...{ kind, visibility, mailsUser, author },
    opens: open === undefined ? null : [open.summary, open.account, open.farNumber],
  });

  it('a preview says of each action what was done with it', async () => {
    const { ticket, far } = await opened(acme, north);
    await acme.note(ticket, '<p>From the customer.</p>', { status: 'waiting' });
    await north.note(far, '<p>From the supplier.</p>');
    await until(() => (count(acme, ticket, 'From the supplier.') === 1 ? true : undefined), {
      what: 'the answer',
      timeoutMs: 60_000,
    });
    await rig.settled();
    const done = await rows<{ id: string; command: Command }>(
      rig.connection.db,
      sql`select w.delivery as id, w.plan->'command' as command from writes w join deliveries d on d.id = w.delivery
        where w.step = 0 and d.kind = 'action' and d.outcome = 'applied'`,
    );
    assert.equal(done.length, 3);
    const { entries } = await previewTicket(operator, { link: 'acme-north', ticket, notes: true });
    for (const { id, command } of done) {
      const would = entries.find(({ delivery }) => delivery === id)?.would;
      assert.ok(would?.verdict === 'apply', JSON.stringify(would));
      assert.deepEqual(shape(would.command), shape(command));
      assert.equal(would.command.noteBytes, Buffer.byteLength(command.note ?? ''));
      if (command.open === undefined) assert.equal(would.command.status, command.status);
    }
  });

  it('a pause keeps everything until its time, and then all of it is carried without anybody', async () => {
    const { ticket, far } = await opened(acme, north);
    await rig.settled();
    const end = new Date(Date.now() + 4_000);
    await pauseLink(operator, 'acme-north', { until: end.toISOString(), why: 'New disks.' });
    await acme.note(ticket, '<p>Meanwhile.</p>');
    await until(() => (count(north, far, 'Meanwhile.') === 1 ? true : undefined), {
      what: 'what was written meanwhile',
      timeoutMs: 60_000,
    });
    const [made] = await rows<{ early: boolean }>(
      rig.connection.db,
      sql`select bool_or(w.promised_at < ${end.toISOString()}::timestamptz) as early from writes w
        join deliveries d on d.id = w.delivery join actions a on a.id = d.action where a.note like '%Meanwhile.%'`,
    );
    assert.equal(made?.early, false);
    await rig.check();
  });

  it('what was refused while a rule was missing arrives once after a replay, and a second replay finds nothing', async () => {
    const { ticket, far } = await opened(acme, north);
    await rig.settled();
    const [kept] = await rows<{ text: string }>(
      rig.connection.db,
      sql`select settings::text as text from settings where side = 'acme-north/supplier' order by version desc limit 1`,
    );
    await settings(sql`jsonb_set(settings #- '{inbound,actionDefault}', '{inbound,actions}', '[]')`);
    await acme.note(ticket, '<p>Lost words.</p>');
    await until(
      async () =>
        (await rows(rig.connection.db, sql`select 1 as one from deliveries where outcome = 'refused'`)).length === 1
          ? true
          : undefined,
      { what: 'the refusal', timeoutMs: 60_000 },
    );
    const still = await replayLink(operator, { link: 'acme-north' });
    assert.deepEqual([still.outcome, still.entries[0]?.why], ['nothing', 'still']);
    await settings(sql`${kept?.text}::jsonb`);
    assert.equal((await replayLink(operator, { link: 'acme-north' })).replayed, 1);
    await until(() => (count(north, far, 'Lost words.') === 1 ? true : undefined), {
      what: 'the words',
      timeoutMs: 60_000,
    });
    await rig.settled();
    assert.equal((await replayLink(operator, { link: 'acme-north' })).outcome, 'nothing');
    assert.equal(count(north, far, 'Lost words.'), 1);
    assert.equal(count(north, far, 'delivered late'), 1);
  });
});
