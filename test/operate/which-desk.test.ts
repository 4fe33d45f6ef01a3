// One helpdesk in another's place, as `ferry apply` meets it.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { TicketSnapshot } from '#core/words/vocabulary.ts';
import { rows as found } from '#db/base/client.ts';
import { applyLinks, type ApplyOptions, type ApplyResult } from '#operate/apply/apply.ts';
import { goodYaml } from '#test/cli/support.ts';
import { ids } from '#test/cli/log.ts';
import { openWorkplace, type Workplace } from './workplace.ts';

describe('an address at which another helpdesk may answer', () => {
  let place: Workplace;
  const rows = async <Row extends Record<string, unknown>>(...asked: Parameters<typeof found>): Promise<Row[]> => [
    ...(await found<Row>(...asked)),
  ];
  /** The identity that each address reports; an error if nobody answers. */
  const told = new Map<string, string | null | Error>();
  /** The tickets at any address: their numbers and what they name. */
  let tickets: ReadonlyMap<string, readonly string[]>;
  let read: string[] = [];
  before(async () => {
    place = await openWorkplace();
  });
  after(() => place.close());
  const elsewhere = 'https://elsewhere.example';
  const urlOf = async (id: string): Promise<string> => String((await instance(id))['url']);
  const instance = async (id: string): Promise<Record<string, unknown>> =>
    (await rows<Record<string, unknown>>(place.db, sql`select * from instances where id = ${id}`))[0] ?? {};
  const mirror = async (): Promise<Record<string, unknown>> =>
    (await rows<Record<string, unknown>>(place.db, sql`select * from mirrors where id = ${ids.escalation}`))[0] ?? {};
  let urls: { readonly acme: string; readonly northwind: string };

  beforeEach(async () => {
    await place.close();
    place = await openWorkplace();
    urls = { acme: await urlOf('acme'), northwind: await urlOf('northwind') };
    told.clear();
    told.set(urls.acme, 'desk A').set(urls.northwind, 'desk N').set(elsewhere, 'desk X');
    await place.db.execute(sql`update instances set identity = case id when 'acme' then 'desk A' else 'desk N' end`);
    tickets = new Map([
      ['1001', ['NW-24018 https://northwind.example/24018']],
      ['24018', ['1001 https://acme.example/1001']],
    ]);
    read = [];
  });

  const apply = (yaml: string, options: ApplyOptions = {}): Promise<ApplyResult> => {
    const operator = place.as();
    return applyLinks(
      {
        ...operator,
        helpdesks: {
          ...operator.helpdesks,
          readIdentity: ({ url }) => {
            const found = told.get(url) ?? null;
            return found instanceof Error ? Promise.reject(found) : Promise.resolve(found);
          },
          readTicket: (_target, ticket) => {
            read.push(ticket);
            const suppliers = tickets.get(ticket);
            const snapshot = suppliers && ({ references: { customers: [], suppliers } } as unknown as TicketSnapshot);
            return Promise.resolve(snapshot ?? null);
          },
        },
      },
      yaml,
      place.secrets,
      options,
    );
  };
  /** The file, with Acme at another address. */
  const movedYaml = (): string => goodYaml.replace(urls.acme, elsewhere);
  const faults = (result: ApplyResult): string[] =>
    result.outcome === 'wrong' ? result.faults.map(({ code, path }) => `${code} ${path}`) : [result.outcome];

  test('is refused, and nothing is changed, until somebody says what it is', async () => {
    const was = await place.dump();
    assert.deepEqual(faults(await apply(movedYaml())), ['other-desk instances.acme.url']);
    told.set(elsewhere, null);
    assert.deepEqual(faults(await apply(movedYaml())), ['other-desk instances.acme.url']);
    assert.deepEqual(faults(await apply(movedYaml(), { unchecked: true })), ['other-desk instances.acme.url']);
    assert.equal(await place.dump(), was);
  });

  test('is refused as well if nobody knows what the earlier one was, or the new one cannot be asked', async () => {
    await place.db.execute(sql`update instances set identity = null`);
    assert.deepEqual(faults(await apply(movedYaml())), ['other-desk instances.acme.url']);
    told.set(elsewhere, new HelpdeskError('retry', 'connection-refused', 'Nobody answers.'));
    assert.deepEqual(faults(await apply(movedYaml(), { unchecked: true })), ['other-desk instances.acme.url']);
  });

  test('is refused where the file is as before, and another one answers', async () => {
    told.set(urls.acme, 'a twin');
    assert.deepEqual(faults(await apply(goodYaml)), ['other-desk instances.acme.url']);
  });

  test('is accepted if the helpdesk there is the known one', async () => {
    told.set(elsewhere, 'desk A');
    assert.equal((await apply(movedYaml())).outcome, 'applied');
    assert.deepEqual([(await mirror())['state'], (await instance('acme'))['identity']], ['open', 'desk A']);
  });

  test('cannot be a second instance of one helpdesk, stored or in the same file', async () => {
    told.set(elsewhere, 'desk N');
    assert.deepEqual(faults(await apply(movedYaml())).sort(), [
      'same-desk instances.acme.url',
      'same-desk instances.northwind.url',
    ]);
    assert.deepEqual(faults(await apply(movedYaml(), { moved: ['acme'] })).length, 2);
    assert.deepEqual(faults(await apply(movedYaml(), { replaced: ['acme'] })).length, 2);
  });

  test('is the same one when somebody says so, and its mirrored tickets name theirs', async () => {
    const result = await apply(movedYaml(), { moved: ['acme'] });
    assert.equal(result.outcome, 'applied');
    assert.deepEqual(read, ['1001']);
    assert.deepEqual([(await instance('acme'))['identity'], (await mirror())['paused_at']], ['desk X', null]);
    assert.ok(result.changes.some(({ path }) => path === 'instances.acme.identity'));
    assert.ok(
      (await place.audit()).some(
        ({ what, subject, by }) => what === 'apply' && subject === 'instances/acme' && by !== '',
      ),
    );
    assert.equal((await apply(movedYaml(), { moved: ['acme'] })).outcome, 'unchanged', 'said once more');
  });

  test('is not believed to be the same one where none of the tickets is found there', async () => {
    tickets = new Map([['1001', ['NW-1 https://other.example/1']]]);
    assert.deepEqual(faults(await apply(movedYaml(), { moved: ['acme'] })), ['not-moved instances.acme.url']);
    assert.deepEqual([await urlOf('acme'), (await mirror())['paused_at']], [urls.acme, null]);
  });

  test('pauses the mirrors whose tickets do not name theirs there, and says which', async () => {
    const other = '019a0000-0000-7000-8000-0000000000aa';
    await place.db
      .execute(sql`insert into mirrors (id, link, state, first_instance, first_ticket, first_number, second_instance, second_ticket, second_number)
      values (${other}, 'acme-northwind', 'open', 'acme', '1002', '1002', 'northwind', '24019', 'NW-24019')`);
    const result = await apply(movedYaml(), { moved: ['acme'] });
    assert.equal(result.outcome, 'applied');
    assert.match(result.warnings.join(), /1 of 2 .*1002/);
    const paused = await rows(place.db, sql`select id, pause_reason from mirrors where paused_at is not null`);
    assert.deepEqual(paused, [{ id: other, pause_reason: 'other-ticket' }]);
    assert.equal((await rows(place.db, sql`select 1 from notices where cause = ${`other-ticket/${other}`}`)).length, 1);
  });

  test('is a new one when somebody says so: nothing goes to its tickets of equal numbers, and reading starts again', async () => {
    await place.db.execute(sql`update feeds set cursor = '77' where instance = 'acme'`);
    assert.equal((await apply(movedYaml(), { replaced: ['acme'] })).outcome, 'applied');
    const { state, close_reason: why, first_entity: entity } = await mirror();
    assert.deepEqual([state, why, entity], ['closed', 'gone', 'ticket@1']);
    assert.deepEqual(await rows(place.db, sql`select 1 from deliveries where outcome is null`), []);
    assert.deepEqual(await rows(place.db, sql`select 1 from lanes where due_at is not null`), []);
    for (const table of ['tickets', 'actions'])
      assert.deepEqual(
        await rows(place.db, sql`select distinct entity from ${sql.raw(table)} where instance = 'acme'`),
        [{ entity: 'ticket@1' }],
      );
    assert.deepEqual(
      await rows(place.db, sql`select cursor, live_since from feeds join instances on id = instance where id = 'acme'`),
      [{ cursor: null, live_since: null }],
    );
    told.set(urls.acme, 'desk Y');
    assert.equal((await apply(goodYaml)).outcome, 'applied', 'without mirrors nobody need say it');
    assert.equal((await instance('acme'))['identity'], 'desk Y');
  });

  test('statements about instances that the file does not name, or repeated ones, are refused', async () => {
    assert.deepEqual(faults(await apply(goodYaml, { moved: ['nobody'] })), ['unknown-instance ']);
    assert.ok(
      faults(await apply(movedYaml(), { moved: ['acme'], replaced: ['acme'] })).includes(
        'moved-and-new instances.acme',
      ),
    );
    told.set(elsewhere, new HelpdeskError('retry', 'connection-refused', 'Nobody answers.'));
    assert.deepEqual(faults(await apply(movedYaml(), { moved: ['acme'] })), ['desk-unknown instances.acme.url']);
  });
});
