import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { createDesks } from '#activities/desk/desks.ts';
import type { Desks } from '#activities/deps.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { ConnectorContext, Helpdesk } from '#connectors/contract/helpdesk.ts';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { promiseWrite } from '#db/carry/writes.ts';
import { addInstance } from '#test/federation/rig.ts';
import { waitingDelivery } from '#test/support/waiting-delivery.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';
import { until } from '#test/support/wait.ts';

describe('the desk of an instance', () => {
  let database: TestDatabase;
  let connection: Connection;
  let desks: Desks;
  /** What answers at each address, and how often its identity was requested. */
  const at = new Map<string, string | null | Error>();
  let asked = 0;
  before(async () => {
    database = await freshDatabase('desks');
    connection = connect(database.url, { max: 2 });
  });
  after(async () => {
    await connection.close();
    await database.drop();
  });
  const process = (): Desks =>
    createDesks({
      db: connection.db,
      http: { request: () => assert.fail('nothing is sent'), stream: () => assert.fail('nothing is sent') },
      openSecret: () => Promise.resolve('{}'),
      createHelpdesk: (_type, { url }) =>
        Promise.resolve({
          traits: { rate: null },
          identity: () => {
            asked += 1;
            const told = at.get(url) ?? null;
            return told instanceof Error ? Promise.reject(told) : Promise.resolve(told);
          },
        } as unknown as Helpdesk),
    });
  beforeEach(async () => {
    await connection.sql`truncate instances, feeds, couriers, catalogues`;
    at.clear();
    at.set('http://a', 'desk A');
    at.set('http://b', 'desk B');
    for (const id of ['a', 'b']) await addInstance(connection, id, `http://${id}`, {});
    desks = process();
    asked = 0;
  });
  const identityOf = async (id: string): Promise<unknown> =>
    (await rows(connection.db, sql`select identity from instances where id = ${id}`))[0]?.['identity'];
  const refused = async (code: string, id = 'a', from = desks): Promise<HelpdeskError> => {
    const error: unknown = await from.of(id).then(
      () => assert.fail('it was given'),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof HelpdeskError, String(error));
    assert.equal(error.code, code);
    return error;
  };
  const change = (url: string): Promise<unknown> =>
    connection.sql`update instances set url = ${url}, version = version + 1 where id = 'a'`;

  it('is asked which one it is at the first contact, which is kept, and not for each use', async () => {
    for (let use = 0; use < 20; use += 1) await desks.of('a');
    assert.equal(asked, 1);
    assert.equal(await identityOf('a'), 'desk A');
    await process().of('a');
    assert.equal(asked, 2, 'once per process');
  });

  it('is not given where another one answers at the address, in this process and the next, until it is back', async () => {
    await desks.of('a');
    at.set('http://a', 'a twin');
    desks.doubt('a');
    assert.match((await refused('other-desk')).message, /--moved a/);
    await refused('other-desk', 'a', process());
    assert.equal(await identityOf('a'), 'desk A');
    at.set('http://a', 'desk A');
    assert.equal((await desks.of('a')).instance, 'a');
  });

  it('is not used if the helpdesk no longer reports an identity', async () => {
    await desks.of('a');
    at.set('http://a', null);
    await refused('other-desk', 'a', process());
  });

  it('is asked again when its settings change, and nothing is promised by the earlier ones', async () => {
    const { version } = await desks.of('a');
    const delivery = await waitingDelivery(connection.db, 'a');
    const promise = (by: number) =>
      promiseWrite(connection.db, {
        ...{ delivery, step: 0, instance: 'a', entity: 'ticket', epoch: 0 },
        ...{ version: by, ticket: '1', marker: 'm', fingerprints: [], plan: null, timeoutMs: 1_000 },
      });
    await change('http://b');
    assert.equal((await promise(version)).kind, 'lost');
    assert.equal((await promise(version + 1)).kind, 'promised');
    desks.doubt('a');
    await refused('other-desk');
  });

  it('cannot be a second instance', async () => {
    await desks.of('b');
    await change('http://b');
    assert.match((await refused('same-desk')).message, /known as b/);
    assert.equal(await identityOf('a'), null);
  });

  it('that reports no identity is used, and recognised by its address alone', async () => {
    at.set('http://a', null);
    await desks.of('a');
    assert.equal(await identityOf('a'), null);
    at.set('http://a', 'desk A');
    desks.doubt('a');
    await desks.of('a');
    assert.equal(await identityOf('a'), 'desk A', 'an earlier instance is known from the next contact on');
  });

  it('that cannot be asked is not used, and is a separate kind of trouble', async () => {
    at.set('http://a', new HelpdeskError('retry', 'connection-refused', 'Nobody answers.'));
    await refused('connection-refused');
    at.set('http://a', 'desk A');
    assert.equal((await desks.of('a')).instance, 'a');
  });

  it('is made again with what its connector found out by the way, which is kept once', async () => {
    const made: ConnectorContext[] = [];
    const learning = createDesks({
      db: connection.db,
      http: { request: () => assert.fail('nothing is sent'), stream: () => assert.fail('nothing is sent') },
      openSecret: () => Promise.resolve('{}'),
      createHelpdesk: (_type, context) => {
        made.push(context);
        return Promise.resolve({ traits: { rate: null } } as unknown as Helpdesk);
      },
    });
    const versionOf = async (): Promise<unknown> =>
      (await rows(connection.db, sql`select version from instances where id = 'a'`))[0]?.['version'];
    await learning.of('a');
    const before = Number(await versionOf());
    for (let time = 0; time < 5; time += 1) made[0]?.learn?.({ requestLimit: 700 });
    await until(
      async () => {
        await learning.of('a');
        return made.length === 2;
      },
      { what: 'the connector is made again' },
    );
    assert.deepEqual(made[1]?.learned, { requestLimit: 700 });
    made[1]?.learn?.({ requestLimit: 700 });
    assert.equal(await versionOf(), before + 1);
  });
});
