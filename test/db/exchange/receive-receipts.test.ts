// What others report about the outcome of what was sent to them.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { receiptOf, startReceiveRig, type Answer, type ReceiveRig } from './receive-rig.ts';

const said = (answer: Answer | null): readonly string[] =>
  (answer?.results ?? []).map(({ status, reason: why }) => (why === undefined ? status : `${status} ${why.code}`));

describe('receipts from another gateway', () => {
  let rig: ReceiveRig;
  before(async () => {
    rig = await startReceiveRig('receipts');
  });
  after(() => rig.close());

  /** One of our tickets, escalated to far-peer, with further actions, all handed over. */
  async function sent(ticket: string, more = 0): Promise<string[]> {
    const { db } = rig.connection;
    const ids = Array.from({ length: more + 1 }, () => randomUUID());
    const [mirror] = ids;
    await db.execute(
      sql`insert into mirrors (id, link, first_instance, first_ticket, first_number, second_instance)
        values (${mirror}, 'north-far', 'north', ${ticket}, ${`#${ticket}`}, 'far-peer')`,
    );
    await db.execute(
      sql`insert into lanes (mirror, to_instance, link, last_seq, head_seq) values
        (${mirror}, 'far-peer', 'north-far', ${ids.length}, 1), (${mirror}, 'north', 'north-far', 0, 1)`,
    );
    for (const [n, id] of ids.entries()) {
      await db.execute(
        sql`insert into actions (id, instance, ticket, external_id, origin, at, author, audience, visibility, words, hash, via)
          values (${id}, 'north', ${ticket}, ${id}, 'north', now(), '{"name":"Ann","role":"agent"}', 'desks', 'visible',
            '{"kind":"Correspond","fields":{}}', 'x', '{north}')`,
      );
      await db.execute(
        sql`insert into deliveries (mirror, to_instance, seq, kind, action, escalation, accepted_at)
          values (${mirror}, 'far-peer', ${n + 1}, 'action', ${id}, ${n === 0}, now())`,
      );
    }
    return ids;
  }

  const outcomeOf = (action: string) =>
    rig.one<{ outcome: string | null; reason: { code: string } | null; far: unknown }>(
      sql`select outcome, reason, far from deliveries where action = ${action} and to_instance = 'far-peer'`,
    );
  const told = (mirror: string) =>
    rig.all<{ action: string; outcome: string }>(
      sql`select action, receipt->>'outcome' as outcome from deliveries where mirror = ${mirror} and to_instance = 'north' and kind = 'receipt' order by seq`,
    );
  let tickets = 1_899;
  const next = () => {
    tickets += 1;
    return { id: `${tickets}`, number: `F-${tickets}`, url: `https://far.example/${tickets}`, closed: false };
  };

  it('the receipt of an escalation binds the far ticket and tells our desk its number', async () => {
    const ticket = next();
    const [id = ''] = await sent('1');
    const answer = await rig.receipts(id, [receiptOf(id, 1, { ticket })]);
    assert.deepEqual(said(answer), ['accepted']);
    assert.equal(answer?.accepted, 1);
    assert.deepEqual(answer?.wake, ['north']);
    assert.deepEqual(
      await rig.one(
        sql`select state, second_ticket as t, second_number as n, second_url as u from mirrors where id = ${id}`,
      ),
      { state: 'open', t: ticket.id, n: ticket.number, u: ticket.url },
    );
    const row = await outcomeOf(id);
    assert.equal(row?.outcome, 'applied');
    assert.deepEqual(row?.far, {
      attempts: 1,
      endedAt: '2026-11-22T09:00:01.000Z',
      acceptedAt: '2026-11-22T09:00:00.000Z',
    });
    assert.deepEqual(await told(id), [{ action: id, outcome: 'applied' }]);
  });

  it('a refusal tells our desk in the words of the other, once, however often it comes', async () => {
    const ticket = next();
    const [id = '', second = ''] = await sent('2', 1);
    await rig.receipts(id, [receiptOf(id, 1, { ticket })]);
    const refusal = receiptOf(second, 2, {
      outcome: 'refused',
      reason: { code: 'unmapped-action', text: 'Nobody maps "Correspond" there.' },
    });
    assert.deepEqual(said(await rig.receipts(id, [refusal])), ['accepted']);
    assert.deepEqual(said(await rig.receipts(id, [refusal])), ['duplicate']);
    assert.deepEqual(said(await rig.receipts(id, [refusal, refusal])), ['duplicate', 'duplicate']);
    assert.equal((await outcomeOf(second))?.reason?.code, 'unmapped-action');
    assert.deepEqual(await told(id), [
      { action: id, outcome: 'applied' },
      { action: second, outcome: 'refused' },
    ]);
  });

  it('a refused escalation ends what waited after it', async () => {
    const [id = '', second = ''] = await sent('3', 1);
    await rig.receipts(id, [receiptOf(id, 1, { outcome: 'refused', reason: { code: 'unmapped-type', text: 'No.' } })]);
    assert.equal((await rig.one(sql`select state from mirrors where id = ${id}`))?.['state'], 'refused');
    assert.equal((await outcomeOf(second))?.outcome, 'skipped');
  });

  it('receipts keep the order of their lane: a gap waits', async () => {
    const ticket = next();
    const [id = '', second = ''] = await sent('4', 1);
    assert.deepEqual(said(await rig.receipts(id, [receiptOf(second, 2)])), ['deferred gap']);
    assert.deepEqual(said(await rig.receipts(id, [receiptOf(id, 1, { ticket }), receiptOf(second, 2)])), [
      'accepted',
      'accepted',
    ]);
  });

  it('a receipt of what was never sent on this lane is refused, and leaves no gap', async () => {
    const ticket = next();
    const [id = ''] = await sent('5');
    const [other = ''] = await sent('5b');
    const answer = await rig.receipts(id, [receiptOf(other, 1), receiptOf(id, 2, { ticket })]);
    assert.deepEqual(said(answer), ['refused unknown-action', 'accepted']);
    assert.equal((await outcomeOf(other))?.outcome, null);
  });

  it('an unknown mirror and one of another link are nothing; the wrong side tells nothing', async () => {
    const [id = ''] = await sent('6');
    assert.equal(await rig.receipts(randomUUID(), [receiptOf(id, 1)]), null);
    assert.equal(await rig.receipts(id, [receiptOf(id, 1)], 'supplier', 'acme-north'), null);
    assert.deepEqual(said(await rig.receipts(id, [receiptOf(id, 1)], 'customer')), ['refused unknown-action']);
  });

  it('a suspended link defers; a closing one still accepts outcomes', async () => {
    const ticket = next();
    const [id = ''] = await sent('7');
    const { db } = rig.connection;
    await db.execute(sql`update links set state = 'suspended' where id = 'north-far'`);
    assert.deepEqual(said(await rig.receipts(id, [receiptOf(id, 1, { ticket })])), ['deferred link-suspended']);
    await db.execute(sql`update links set state = 'closing' where id = 'north-far'`);
    assert.deepEqual(said(await rig.receipts(id, [receiptOf(id, 1, { ticket })])), ['accepted']);
    await db.execute(sql`update links set state = 'active' where id = 'north-far'`);
  });

  it('the standing of the far ticket closes the mirror with ours', async () => {
    const ticket = next();
    const [id = '', second = ''] = await sent('8', 1);
    await rig.connection.db.execute(
      sql`insert into tickets (instance, external_id, snapshot) values ('north', '8', '{"ticketId":"8","closed":true}')`,
    );
    await rig.receipts(id, [receiptOf(id, 1, { ticket: { ...ticket, id: '908' } })]);
    await rig.receipts(id, [receiptOf(second, 2, { ticket: { ...ticket, id: '908', closed: true } })]);
    assert.equal((await rig.one(sql`select state from mirrors where id = ${id}`))?.['state'], 'closed');
  });

  /** Two actions that their origins, ours and another organisation's, call by one id; both handed over. Their ids here. */
  async function sentOfOneName(ticket: string, other: { readonly origin: string; readonly signed?: string }) {
    const [mirror = '', ours = '', theirs = ''] = await sent(ticket, 2);
    await rig.receipts(mirror, [receiptOf(mirror, 1, { ticket: next() })]);
    await rig.connection.db.execute(
      sql`update actions set said_id = ${ours}, origin = ${other.origin}, signed = ${other.signed ?? null} where id = ${theirs}`,
    );
    return { mirror, ours, theirs };
  }
  const north = 'https://north.example/i/north';
  const outcomes = async (...ids: readonly string[]) =>
    Promise.all(ids.map(async (id) => (await outcomeOf(id))?.outcome));

  for (const [how, name, other] of [
    ['a stranger', 'https://bank.example/i/desk', { origin: 'https://bank.example/i/desk' }],
    ['a peer that is known by an id here', 'https://beta.example/i/beta', { origin: 'beta-peer' }],
    [
      'a peer whose name was forgotten since',
      'https://gone.example/i/gone',
      { origin: 'gone-peer', signed: JSON.stringify({ origin: 'https://gone.example/i/gone' }) },
    ],
  ] as const)
    it(`of two origins that use one id, ours and ${how}, the one is meant that a receipt names`, async () => {
      const { mirror, ours, theirs } = await sentOfOneName(`one-${how}`, other);
      const of = (origin: string, seq: number, after = seq - 1) =>
        receiptOf(ours, seq, { origin, after, outcome: origin === name ? 'refused' : 'applied' });
      assert.deepEqual(said(await rig.receipts(mirror, [of(name, 2)])), ['accepted']);
      assert.deepEqual(await outcomes(ours, theirs), [null, 'refused']);
      assert.deepEqual(said(await rig.receipts(mirror, [of(name, 2), of(north, 3)])), ['duplicate', 'accepted']);
      assert.deepEqual(await outcomes(ours, theirs), ['applied', 'refused']);
      assert.deepEqual(said(await rig.receipts(mirror, [of(north, 3), of(name, 2)])), ['duplicate', 'duplicate']);
      const unknown = of('https://nobody.example/i/nobody', 4);
      assert.deepEqual(said(await rig.receipts(mirror, [unknown])), ['refused unknown-action']);
    });

  it('one batch tells of both, and each ends as it says', async () => {
    const { mirror, ours, theirs } = await sentOfOneName('both', { origin: 'beta-peer' });
    const batch = [
      receiptOf(ours, 2, { origin: 'https://beta.example/i/beta', outcome: 'skipped' }),
      receiptOf(ours, 3, { origin: north }),
    ];
    assert.deepEqual(said(await rig.receipts(mirror, batch)), ['accepted', 'accepted']);
    assert.deepEqual(await outcomes(ours, theirs), ['applied', 'skipped']);
  });

  it('a receipt of a gateway that names no origins means the first that was sent of that id', async () => {
    const { mirror, ours, theirs } = await sentOfOneName('old', { origin: 'beta-peer' });
    assert.deepEqual(said(await rig.receipts(mirror, [receiptOf(ours, 2)])), ['accepted']);
    assert.deepEqual(await outcomes(ours, theirs), ['applied', null]);
  });

  for (const [outcome, tells] of [
    ['applied', []],
    ['refused', ['refused']],
  ] as const)
    it(`what another way was said to have brought there, and has not, ends ${outcome} when the other side says so`, async () => {
      const [id = '', second = ''] = await sent(`copy-${outcome}`, 1);
      const there = { code: 'already-there', text: 'It came by another way.' };
      await rig.receipts(id, [
        receiptOf(id, 1, { ticket: next() }),
        receiptOf(second, 2, { outcome: 'skipped', reason: there }),
      ]);
      assert.equal((await outcomeOf(second))?.outcome, 'skipped');
      const after = receiptOf(second, 3, { outcome, reason: { code: 'unmapped-action', text: 'Nobody maps it.' } });
      assert.deepEqual(said(await rig.receipts(id, [after])), ['accepted']);
      assert.deepEqual(said(await rig.receipts(id, [after])), ['duplicate']);
      const row = await outcomeOf(second);
      assert.deepEqual([row?.outcome, row?.reason?.code], [outcome, 'unmapped-action']);
      assert.deepEqual(
        (await told(id)).filter(({ action }) => action === second).map((one) => one.outcome),
        tells,
      );
    });

  it('what has ended otherwise stays as it is, whatever is told later', async () => {
    const [id = '', second = ''] = await sent('twice', 1);
    await rig.receipts(id, [receiptOf(id, 1, { ticket: next() }), receiptOf(second, 2)]);
    await rig.receipts(id, [receiptOf(second, 3, { outcome: 'refused' })]);
    assert.equal((await outcomeOf(second))?.outcome, 'applied');
  });

  it("a far ticket that is another escalation's is refused, and keeps nothing else from coming", async () => {
    const ticket = next();
    const [first = ''] = await sent('10');
    const [second = ''] = await sent('11');
    await rig.receipts(first, [receiptOf(first, 1, { ticket })]);
    assert.deepEqual(said(await rig.receipts(second, [receiptOf(second, 1, { ticket })])), ['refused ticket-taken']);
    assert.equal((await outcomeOf(second))?.outcome, null);
    assert.deepEqual(said(await rig.receipts(second, [receiptOf(second, 2, { after: 0, ticket: next() })])), [
      'accepted',
    ]);
  });

  it('ten at once end a delivery once', async () => {
    const ticket = next();
    const [id = ''] = await sent('9');
    const receipt = receiptOf(id, 1, { ticket: { ...ticket, id: '909' } });
    const answers = await Promise.all(Array.from({ length: 10 }, () => rig.receipts(id, [receipt])));
    assert.equal(answers.flatMap(said).filter((status) => status === 'accepted').length, 1);
    assert.equal((await told(id)).length, 1);
  });
});
