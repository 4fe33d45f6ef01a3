// Another organisation's records by its own words for them: a case 12 and a ticket 12 of one peer never meet.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import type { WireAction } from '#core/wire.ts';
import { mirrorStanding } from '#db/exchange/standing.ts';
import { escalation, receiptOf, startReceiveRig, wireOf, type Answer, type ReceiveRig } from './receive-rig.ts';

const said = (answer: Answer | null): readonly string[] =>
  (answer?.results ?? []).map(({ status, reason: why }) => (why === undefined ? status : `${status} ${why.code}`));

describe('a case 12 and a ticket 12 of another gateway', () => {
  let rig: ReceiveRig;
  before(async () => {
    rig = await startReceiveRig('wire_entities');
  });
  after(() => rig.close());

  const asCase = (action: WireAction): WireAction => ({ ...action, ticket: { ...action.ticket, entity: 'Case' } });
  const open = (action: WireAction) => rig.receive({ actions: [action], open: true });
  const mirrored = (id: string) =>
    rig.one<{ entity: string; ticket: string; state: string }>(
      sql`select first_entity as entity, first_ticket as ticket, state from mirrors where id = ${id}`,
    );

  it('open a mirror each, and only the same one again is refused', async () => {
    const [plain, kase] = [escalation({ ticket: '12' }), asCase(escalation({ ticket: '12' }))];
    assert.deepEqual([said(await open(plain)), said(await open(kase))], [['accepted'], ['accepted']]);
    for (const action of [escalation({ ticket: '12' }), asCase(escalation({ ticket: '12' }))])
      assert.deepEqual(said(await open(action)), ['refused already-escalated']);
    const spelled = { ...escalation({ ticket: '12' }), ticket: { ...plain.ticket, entity: 'ticket' } };
    assert.deepEqual(said(await open(spelled)), ['refused already-escalated'], '"ticket" is what no word means');
    assert.equal((await mirrored(plain.constant.id))?.entity, 'ticket');
    assert.equal((await mirrored(kase.constant.id))?.entity, 'Case');
    assert.deepEqual(
      await rig.all(sql`select entity, id::text as id from actions where ticket = '12' order by entity desc`),
      [
        { entity: 'ticket', id: plain.constant.id },
        { entity: 'Case', id: kase.constant.id },
      ],
    );
  });

  it('stand each as its own actions say', async () => {
    const [plain, kase] = [escalation({ ticket: '13' }), asCase(escalation({ ticket: '13' }))];
    await open(plain);
    await open(kase);
    await rig.send(kase.constant.id, asCase(wireOf({ seq: 2, ticket: '13', closed: true, status: 'Done' })));
    assert.deepEqual(
      await rig.all(
        sql`select entity, (snapshot->>'closed')::boolean as closed from tickets where external_id = '13' order by entity desc`,
      ),
      [
        { entity: 'ticket', closed: false },
        { entity: 'Case', closed: true },
      ],
    );
    await rig.send(plain.constant.id, wireOf({ seq: 2, ticket: '13' }));
    assert.equal((await mirrored(kase.constant.id))?.entity, 'Case');
  });

  it('are distinguished when a restored peer sends again what it has read again', async () => {
    const instant = new Date().toISOString();
    const kase = asCase(escalation({ ticket: '14', at: instant }));
    await open(kase);
    const note = { ticket: '14', at: instant, note: '<p>the same</p>' };
    await rig.send(kase.constant.id, asCase(wireOf({ seq: 2, ...note })));
    await rig.connection.db.execute(
      sql`update mirrors set state = 'open', second_ticket = 'N14' where id = ${kase.constant.id}`,
    );
    const plain = escalation({ ticket: '14', at: instant, again: true });
    assert.deepEqual(said(await open(plain)), ['accepted']);
    assert.equal((await mirrored(kase.constant.id))?.entity, 'Case', 'its mirror keeps its id');
    await rig.send(plain.constant.id, wireOf({ seq: 2, again: true, ...note }));
    assert.deepEqual(
      await rig.all(
        sql`select kind from deliveries where mirror = ${plain.constant.id} and to_instance = 'north' order by seq`,
      ),
      [{ kind: 'action' }, { kind: 'action' }],
    );
    const caseAgain = asCase(escalation({ ticket: '14', at: instant, again: true }));
    assert.deepEqual(said(await open(caseAgain)), ['accepted']);
    assert.equal(await mirrored(kase.constant.id), undefined, 'the case’s own mirror goes by the new id');
  });

  it('are each bound by their own receipt, and our peer learns of them in the same words', async () => {
    const { db } = rig.connection;
    const ids = [randomUUID(), randomUUID(), randomUUID()];
    for (const [n, id] of ids.entries()) {
      await db.execute(
        sql`insert into mirrors (id, link, first_instance, first_entity, first_ticket, second_instance)
          values (${id}, 'north-far', 'north', ${n === 2 ? 'Case' : 'ticket'}, ${`o${n}`}, 'far-peer')`,
      );
      await db.execute(
        sql`insert into lanes (mirror, to_instance, link, last_seq, head_seq) values
          (${id}, 'far-peer', 'north-far', 1, 1), (${id}, 'north', 'north-far', 0, 1)`,
      );
      await db.execute(
        sql`insert into actions (id, instance, ticket, external_id, origin, at, author, audience, visibility, words, hash, via)
          values (${id}, 'north', ${`o${n}`}, ${id}, 'north', now(), '{"name":"Ann","role":"agent"}', 'desks', 'visible',
            '{"kind":"Correspond","fields":{}}', 'x', '{north}')`,
      );
      await db.execute(
        sql`insert into deliveries (mirror, to_instance, seq, kind, action, escalation, accepted_at)
          values (${id}, 'far-peer', 1, 'action', ${id}, true, now())`,
      );
    }
    const [one = '', two = '', three = ''] = ids;
    const far = { id: '12', number: 'F-12', url: 'https://far.example/12', closed: false };
    const bind = (id: string, ticket: WireAction['ticket']) => rig.receipts(id, [receiptOf(id, 1, { ticket })]);
    assert.deepEqual(said(await bind(one, far)), ['accepted']);
    assert.deepEqual(said(await bind(two, { ...far, entity: 'Case' })), ['accepted']);
    assert.deepEqual(said(await bind(three, { ...far, entity: 'Case' })), ['refused ticket-taken']);
    assert.deepEqual(
      await rig.all(
        sql`select second_entity as entity, second_ticket as ticket from mirrors where second_ticket = '12' order by 1 desc`,
      ),
      [
        { entity: 'ticket', ticket: '12' },
        { entity: 'Case', ticket: '12' },
      ],
    );
    const standing = async (mirror: string) =>
      (await mirrorStanding(db, { link: 'north-far', to: 'customer', mirror }))?.ticket;
    assert.deepEqual(Object.keys((await standing(one)) ?? {}), ['id', 'number', 'url', 'closed'], 'as it always was');
    assert.equal((await standing(three))?.entity, 'Case');
  });
});
