// A ticket that two organisations share is forgotten at one, and at the other when somebody there says so.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { never, until } from '#test/support/wait.ts';
import type { Organisation } from './organisations.ts';
import { startTwoOrganisations, type TwoOrganisations } from './two-organisations.ts';

describe('a ticket of two organisations that is to be forgotten', () => {
  let both: TwoOrganisations;
  let acme: Organisation;
  let north: Organisation;
  let ticket: string;
  let far: string;
  before(async () => {
    both = await startTwoOrganisations('erase');
    ({ acme, north } = both);
    ({ ticket, far } = await both.opened());
    await acme.desk.note(ticket, '<p>planted by acme</p>');
    await north.desk.note(far, '<p>planted by north</p>');
    await both.agree();
  });
  after(() => both?.close());

  const notes = async ({ rig }: Organisation): Promise<number> =>
    (await rows(rig.connection.db, sql`select 1 as one from actions where note is not null or words is not null`))
      .length;
  const state = async ({ rig }: Organisation): Promise<string | undefined> =>
    (await rows<{ state: string }>(rig.connection.db, sql`select state from erasures`))[0]?.state;
  const told = ({ desk }: Organisation, id: string): number => desk.ticket(id).actions.length;

  it('goes at once where it is erased; the other side keeps it until somebody there has decided', async () => {
    const erased = await acme.ferry('erase', 'ticket', 'acme', ticket, '--yes');
    assert.equal(erased.code, 0, erased.err);
    assert.match(erased.out, /Erased: \d+ actions/);
    assert.match(erased.out, /the other gateway is asked within a minute/);
    assert.match(
      erased.out,
      new RegExp(`These helpdesks still have it[^]*acme ${ticket}[^]*north-peer \\S+ \\(the other side\\)`),
    );
    assert.equal(await notes(acme), 0);
    await until(async () => (await state(north)) === 'waiting' && (await state(acme)) === 'waiting', {
      what: 'the other side to be asked',
      timeoutMs: 90_000,
    });
    assert.ok((await notes(north)) > 0);
    assert.match((await north.ferry('erase', 'status')).out, /the other side .* waits for somebody/);
  });

  it('reaches it too, and the first gets its answer', async () => {
    const [row] = await rows<{ id: string }>(north.rig.connection.db, sql`select id from erasures`);
    const answered = await north.ferry('erase', 'answer', row?.id ?? '', '--yes', '--because', 'Gladly.');
    assert.equal(answered.code, 0, answered.err);
    assert.equal(await notes(north), 0);
    // It would ask again within a minute.
    await acme.rig.connection.db.execute(sql`update erasures set ask_at = now()`);
    await until(async () => (await state(acme)) === 'done', { what: 'the answer', timeoutMs: 60_000 });
    assert.match((await acme.ferry('erase', 'status')).out, /erased: Gladly\./);
  });

  it('is not carried again, and what people write from then on is, in order', async () => {
    const before = [told(acme, ticket), told(north, far)];
    for (const organisation of [acme, north])
      await organisation.rig.hint(organisation.id, organisation === acme ? ticket : far);
    await never(() => told(acme, ticket) > (before[0] ?? 0) || told(north, far) > (before[1] ?? 0), {
      what: 'what was erased to be carried again',
      forMs: 2_000,
    });
    await acme.desk.note(ticket, '<p>after it</p>');
    await until(() => north.desk.ticket(far).actions.some(({ note }) => note?.includes('after it')), {
      what: 'a later note',
      timeoutMs: 60_000,
    });
    for (const organisation of [acme, north]) {
      const proof = await organisation.ferry(
        'verify',
        organisation.id,
        organisation === acme ? ticket : far,
        '--offline',
      );
      assert.doesNotMatch(proof.out, /planted|broken/);
    }
  });
});
