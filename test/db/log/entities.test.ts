import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { sql, type SQL } from 'drizzle-orm';
import type { ObservedAction } from '#core/words/desk.ts';
import type { Ref, TicketSnapshot } from '#core/words/vocabulary.ts';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { createPromises, type PromiseWrite } from '#db/carry/promise-writes.ts';
import type { Promised } from '#db/carry/writes.ts';
import { forgetUncarried } from '#db/links/link-compare.ts';
import { scheduleHint, claimHints } from '#db/log/claim-hints.ts';
import { claimFeeds, feedFailed, moveFeed, pollNow, startFeed } from '#db/log/feeds.ts';
import { addHints } from '#db/log/hint.ts';
import { lockTicket, type LockedTicket } from '#db/log/locked-ticket.ts';
import { logReading, readFrom, type LogReadingResult } from '#db/log/log-reading.ts';
import { endOf, lockMirrorsOfTicket } from '#db/log/mirrors.ts';
import { createNothingNew } from '#db/log/nothing-new.ts';
import { openMirror } from '#db/log/open-mirror.ts';
import { followMerge, lastSnapshot, ticketGone } from '#db/log/ticket-life.ts';
import { createTogether } from '#db/log/together.ts';
import { saidOn } from '#db/operate/said.ts';
import { loadStatus } from '#db/operate/status.ts';
import { findTicket, loadTrace } from '#db/operate/trace.ts';
import { createVersionCache } from '#db/settings/settings-in-force.ts';
import { addInstance, addLink } from '#test/federation/rig.ts';
import { waitingDelivery } from '#test/support/waiting-delivery.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';

const at = (entity: string, externalId = '12', instance = 'acme'): Ref => ({ instance, entity, externalId });
const ticket = at('ticket');
const contact = at('Contact');

const snapshot = (summary: string): TicketSnapshot => ({
  ticketId: '12',
  number: '12',
  url: '',
  summary,
  description: '',
  status: 'open',
  closed: false,
  category: null,
  priority: null,
  type: null,
  account: null,
  requester: null,
  fields: {},
});

const action = (externalId: string, more: Partial<ObservedAction> = {}): ObservedAction => ({
  externalId,
  at: new Date().toISOString(),
  author: { name: 'Ann', role: 'agent' },
  fingerprint: `print of ${externalId}`,
  visibility: 'visible',
  note: `<p>${externalId}</p>`,
  words: { kind: 'Note', fields: {} },
  attachments: [],
  ...more,
});

describe('a contact 12 and a ticket 12 of one instance', () => {
  let database: TestDatabase;
  let connection: Connection;
  let promise: PromiseWrite;
  const cache = createVersionCache();

  before(async () => {
    database = await freshDatabase('entities');
    connection = connect(database.url, { max: 4 });
    promise = createPromises(connection.db);
    for (const instance of ['acme', 'north']) await addInstance(connection, instance, 'http://127.0.0.1:1', {});
    await addLink(connection, 'acme-north', 'acme', 'north');
    await connection.db.execute(sql`update instances set live_since = now() - interval '1 hour'`);
    await connection.db.execute(sql`update couriers set epoch = 7`);
  });
  after(async () => {
    await connection.close();
    await database.drop();
  });

  const all = async <Row extends Record<string, unknown>>(query: SQL): Promise<Row[]> => [
    ...(await rows<Row>(connection.db, query)),
  ];
  const log = (ref: Ref, actions: readonly ObservedAction[], summary = 'VPN'): Promise<LogReadingResult> =>
    connection.db.transaction((tx) =>
      logReading(tx, cache, { ref, snapshot: snapshot(summary), actions, settleMs: 500 }),
    );
  const locked = (ref: Ref, externalIds: readonly string[] = []): Promise<LockedTicket> =>
    connection.db.transaction((tx) => lockTicket(tx, { ref, externalIds }));
  const write = async (ref: Omit<Ref, 'externalId'> & { readonly externalId: string | null }): Promise<Promised> =>
    promise({
      delivery: await waitingDelivery(connection.db, ref.instance),
      step: 0,
      instance: ref.instance,
      entity: ref.entity,
      epoch: 7,
      ticket: ref.externalId,
      marker: `marker of ${ref.entity}`,
      fingerprints: ['the same print'],
      plan: null,
      timeoutMs: 60_000,
    });

  it('each have their own log: the same action id is new on both, and is known only on its own entity', async () => {
    assert.equal((await log(ticket, [action('1')])).logged, 1);
    assert.equal((await locked(contact, ['1'])).known.size, 0);
    assert.equal((await log(contact, [action('1')])).logged, 1);
    assert.equal((await log(contact, [action('1')])).logged, 0, 'the same again is the same');
    assert.deepEqual(await all(sql`select entity, ticket, external_id from actions order by entity`), [
      { entity: 'Contact', ticket: '12', external_id: '1' },
      { entity: 'ticket', ticket: '12', external_id: '1' },
    ]);
  });

  it('are read from each its own cursor, and are locked apart', async () => {
    const [mine, other] = [await readFrom(connection.db, ticket), await readFrom(connection.db, at('Contact', '13'))];
    assert.notEqual(mine, other, 'one that was never read begins at go-live');
    const together = createTogether(connection.db);
    const seen = await Promise.all(
      [ticket, contact].map((ref) => together({ ref, externalIds: ['1'] }, async (_tx, held) => held.known.size)),
    );
    assert.deepEqual(seen, [1, 1]);
  });

  it('have each one open write, whether promised alone or with others', async () => {
    const first = await Promise.all([write(ticket), write(contact)]);
    assert.deepEqual(
      first.map(({ kind }) => kind),
      ['promised', 'promised'],
    );
    assert.equal((await write(contact)).kind, 'busy');
    const again = await Promise.all([write(ticket), write(at('Contact', '14')), write(at('ticket', '14'))]);
    assert.deepEqual(
      again.map(({ kind }) => kind),
      ['busy', 'promised', 'promised'],
    );
  });

  it('never pass for each other’s echo: not by marker, fingerprint, nor the id that was written', async () => {
    const service = { name: 'Ferry', role: 'service' } as const;
    const ours = action('7', { author: service, marker: 'marker of ticket', fingerprint: 'the same print' });
    assert.deepEqual(
      (await locked(contact)).writes.map(({ marker }) => marker),
      ['marker of Contact'],
    );
    assert.equal((await log(ticket, [ours])).seen.size, 1);
    assert.deepEqual(await all(sql`select entity, external_id as id, "as" from written_ids`), [
      { entity: 'ticket', id: '7', as: 'echo' },
    ]);
    assert.deepEqual(
      await all(sql`select entity, state from writes where ticket = '12' order by entity`),
      [
        { entity: 'Contact', state: 'open' },
        { entity: 'ticket', state: 'open' },
      ],
      'a write is settled by its courier alone',
    );
    await connection.db.execute(sql`update writes set state = 'settled' where ticket = '12' and entity = 'ticket'`);
    assert.equal((await locked(ticket, ['7'])).known.get('7'), 'echo');
    assert.equal((await locked(contact, ['7'])).known.size, 0);
    await log(contact, [action('7')]);
    assert.equal((await locked(contact, ['7'])).known.get('7'), 'action', 'a person did that one');
  });

  it('are each compared separately when a read shows nothing new', async () => {
    const nothingNew = createNothingNew(connection.db);
    const shown = (ref: Ref, ids: readonly string[]) => ({ ref, externalIds: ids, snapshot: snapshot('VPN') });
    assert.equal(await nothingNew(shown(ticket, ['1', '7'])), true);
    assert.equal(await nothingNew(shown(contact, ['1', '7'])), false, 'its write is open');
    assert.equal(await nothingNew(shown(at('User'), ['1', '7'])), false, 'nobody has read it');
  });

  it('do not wait for each other’s creation', async () => {
    await write({ ...at('Contact'), instance: 'north', externalId: null });
    assert.equal((await locked(at('Contact', '20', 'north'))).creating, true);
    assert.equal((await locked(at('ticket', '20', 'north'))).creating, false);
  });

  it('have hints of their own, and who reads tickets leaves the contact’s', async () => {
    const { db } = connection;
    await addHints(db, [ticket, contact, contact, at('Contact', '')]);
    await scheduleHint(db, contact, 0);
    const mine = await claimHints(db, ['ticket'], 10);
    assert.deepEqual(
      mine.hints.map(({ from: _from, ...ref }) => ref),
      [ticket],
    );
    assert.deepEqual((await claimHints(db, ['ticket'], 10)).hints, []);
    const left = await claimHints(db, ['ticket', 'Contact'], 10);
    assert.deepEqual(left.hints.map(({ entity, externalId }) => `${entity} ${externalId}`).toSorted(), [
      'Contact ',
      'Contact 12',
    ]);
    await scheduleHint(db, contact, 60_000);
    assert.equal((await claimHints(db, ['ticket'], 10)).nextHintMs, null);
    assert.notEqual((await claimHints(db, ['Contact'], 10)).nextHintMs, null);
  });

  it('have separate feeds: each has its cursor, its failures and its next poll', async () => {
    const { db } = connection;
    const feed = (entity: string) => ({ instance: 'acme', entity });
    const standing = () =>
      all(
        sql`select entity, cursor, failures, next_poll_at > now() as later from feeds where instance = 'acme' order by entity`,
      );
    await db.execute(sql`delete from feeds where instance = 'north'`);
    await db.execute(sql`insert into feeds (instance, entity) values ('acme', 'Contact')`);
    assert.deepEqual(
      (await claimFeeds(db, ['ticket'], 10, 60_000)).map(({ entity }) => entity),
      ['ticket'],
    );
    assert.equal((await claimHints(db, ['ticket'], 1)).nextPollMs! > 0, true);
    assert.equal((await claimHints(db, ['Contact'], 1)).nextPollMs, 0);
    await startFeed(db, feed('ticket'), 'a');
    await startFeed(db, feed('Contact'), 'x');
    await moveFeed(db, feed('Contact'), 'a', 'wrong', false);
    await moveFeed(db, feed('Contact'), 'x', 'y', false);
    await feedFailed(db, feed('Contact'), 60_000);
    assert.deepEqual(await standing(), [
      { entity: 'Contact', cursor: 'y', failures: 1, later: true },
      { entity: 'ticket', cursor: 'a', failures: 0, later: true },
    ]);
    await pollNow(db, feed('Contact'));
    assert.deepEqual(
      (await claimFeeds(db, ['Contact', 'ticket'], 10, 60_000)).map(({ entity, cursor }) => [entity, cursor]),
      [['Contact', 'y']],
    );
    assert.deepEqual(
      (await loadStatus(db)).instances.map(({ id }) => id),
      ['acme', 'north'],
      'the status has each instance once',
    );
  });

  it('are mirrored on one link, each by its own live mirror, at either place', async () => {
    const { db } = connection;
    const open = (ref: Ref) =>
      db.transaction((tx) =>
        openMirror(tx, {
          id: randomUUID(),
          link: 'acme-north',
          shadow: false,
          customer: { ref, number: `${ref.entity} 12`, url: '' },
          supplier: 'north',
        }),
      );
    const mirrors = [await open(ticket), await open(contact)];
    await assert.rejects(open(contact));
    for (const [n, entity] of ['ticket', 'Contact'].entries())
      await db.execute(
        sql`update mirrors set state = 'open', second_entity = ${entity}, second_ticket = '12' where id = ${mirrors[n]?.id}`,
      );
    for (const instance of ['acme', 'north'])
      for (const [n, entity] of ['ticket', 'Contact'].entries()) {
        const found = await db.transaction((tx) => lockMirrorsOfTicket(tx, at(entity, '12', instance)));
        assert.deepEqual(
          found.map(({ id }) => id),
          [mirrors[n]?.id],
          `${entity} of ${instance}`,
        );
        assert.deepEqual(
          (await locked(at(entity, '12', instance))).mirrors.map(({ id }) => id),
          [mirrors[n]?.id],
        );
        const [mirror] = found;
        assert.equal(mirror === undefined ? null : endOf(mirror, at(entity, '12', instance)).instance, instance);
      }
    assert.deepEqual((await locked(at('User'))).mirrors, []);
  });

  it('are traced, listed and forgotten apart', async () => {
    const { db } = connection;
    assert.deepEqual(await findTicket(db, 'acme', '12'), ticket);
    assert.equal(await findTicket(db, 'acme', 'Contact 12'), null, 'that is the number of a contact');
    const { actions, mirrors } = await loadTrace(db, ticket, { notes: false });
    assert.deepEqual(
      mirrors.map(({ ends }) => [ends.customer.entity, ends.supplier.entity]),
      [['ticket', 'ticket']],
    );
    const ids = await all<{ id: string }>(sql`select id from actions where entity = 'ticket' order by at`);
    assert.deepEqual(
      actions.map(({ id }) => id),
      ids.map(({ id }) => id),
    );
    await db.execute(sql`update actions set reason = null`);
    assert.equal((await saidOn(db, ticket)).length, 1);
    assert.equal((await saidOn(db, contact)).length, 2);
    await db.transaction((tx) => forgetUncarried(tx, contact));
    assert.deepEqual(await all(sql`select distinct entity from actions`), [{ entity: 'ticket' }]);
  });

  it('are merged and deleted separately', async () => {
    const { db } = connection;
    const refs = () =>
      all(sql`select first_entity as entity, first_ticket as ticket, state from mirrors order by first_entity`);
    await log(ticket, [action('30')], 'of the ticket');
    await log(contact, [action('30')], 'of the contact');
    assert.equal((await lastSnapshot(db, ticket))?.summary, 'of the ticket');
    assert.equal((await lastSnapshot(db, contact))?.summary, 'of the contact');
    await db.execute(sql`update writes set state = 'made' where ticket = '12'`);
    await db.transaction((tx) => followMerge(tx, contact, 'Acme', '99'));
    assert.deepEqual(await refs(), [
      { entity: 'Contact', ticket: '99', state: 'open' },
      { entity: 'ticket', ticket: '12', state: 'open' },
    ]);
    assert.deepEqual(
      await all(sql`select entity, ticket from writes where instance = 'acme' and state = 'made' order by entity`),
      [
        { entity: 'Contact', ticket: '99' },
        { entity: 'ticket', ticket: '12' },
      ],
    );
    await db.transaction((tx) => ticketGone(tx, at('Contact', '12'), 'Acme'));
    await db.transaction((tx) => ticketGone(tx, ticket, 'Acme'));
    assert.deepEqual(await refs(), [
      { entity: 'Contact', ticket: '99', state: 'open' },
      { entity: 'ticket', ticket: '12', state: 'closed' },
    ]);
  });
});
