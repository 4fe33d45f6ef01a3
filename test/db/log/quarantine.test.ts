import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows, type Client } from '#db/base/client.ts';
import { claimFeeds } from '#db/log/feeds.ts';
import { claimHints, scheduleHint } from '#db/log/claim-hints.ts';
import { addHints } from '#db/log/hint.ts';
import { quarantineInstance } from '#db/log/quarantine.ts';
import { ticketRef } from '#core/words/ref.ts';
import { addLink } from '#test/federation/rig.ts';
import { emptyLog, first, twoDesks, type TwoDesks } from '#test/db/mirrored.ts';

describe('an instance whose desk was restored', () => {
  let desks: TwoDesks;
  let db: Client;
  before(async () => {
    desks = await twoDesks('quarantine', { more: ['west'] });
    ({ db } = desks);
    await addLink(desks.connection, 'acme-west', 'acme', 'west');
    await addLink(desks.connection, 'north-west', 'north', 'west');
    await addLink(desks.connection, 'over', 'acme', 'west');
  });
  beforeEach(async () => {
    await emptyLog(desks);
    await db.execute(sql`update links set state = 'closed' where id = 'over'`);
    await db.execute(sql`update instances set quarantined_at = null, quarantine_reason = null`);
    await db.execute(sql`delete from hints`);
  });
  after(() => desks.close());

  it('is put into quarantine once, although several processes notice it, with one notice for each of its links', async () => {
    const told = await Promise.all([1, 2, 3].map(() => quarantineInstance(db, 'acme', 'Action 7 has changed.')));
    const [text] = told.filter((one) => one !== null);
    assert.match(text ?? '', /ACME.*Action 7 has changed/s);
    assert.equal(told.filter((one) => one !== null).length, 1);
    assert.deepEqual(
      [...(await rows(db, sql`select link, cause, count from notices order by link`))],
      [
        { link: 'acme-north', cause: 'restored/acme', count: 1 },
        { link: 'acme-west', cause: 'restored/acme', count: 1 },
      ],
    );
    assert.deepEqual(
      await first(db, sql`select quarantine_reason->>'code' as code from instances where quarantined_at is not null`),
      { code: 'desk-restored' },
    );
  });

  it('is not read any more: neither what hints name, nor what was put off, nor its feed', async () => {
    await addHints(db, [ticketRef('acme', '1'), ticketRef('north', '2')]);
    await scheduleHint(db, ticketRef('acme', '3'), 0);
    await quarantineInstance(db, 'acme', 'It went back.');
    const { hints } = await claimHints(db, ['ticket'], 10);
    assert.deepEqual(
      hints.map(({ instance }) => instance),
      ['north'],
    );
    const feeds = await claimFeeds(db, ['ticket'], 10, 60_000);
    assert.deepEqual(feeds.map(({ instance }) => instance).toSorted(), ['north', 'west']);
    await db.execute(sql`update instances set quarantined_at = null`);
    assert.equal((await claimHints(db, ['ticket'], 10)).hints.length, 2, 'what waits is not lost');
  });
});
