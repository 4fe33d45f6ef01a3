// What was refused on a link is carried once more, over a real database.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { createWouldOf } from '#activities/exchange/would.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { rows } from '#db/base/client.ts';
import { applyLinks } from '#operate/apply/apply.ts';
import { replayLink, type ReplayQuestion, type ReplayResult } from '#operate/deliveries/replay-link.ts';
import type { Actor, PreviewOperator } from '#operate/operator.ts';
import { ids } from '#test/cli/log.ts';
import { goodYaml } from '#test/cli/support.ts';
import { ann, somebody } from '#test/support/operator.ts';
import { createTexts, type Texts } from '#text-worker/texts.ts';
import { assertSame, link, openWorkplace, type Workplace } from './workplace.ts';

let place: Workplace;
let texts: Texts;
before(() => {
  texts = createTexts();
});
after(() => texts.close());
beforeEach(async () => {
  place = await openWorkplace();
});
afterEach(() => place.close());

function replaying(actor: Actor = ann): PreviewOperator {
  const unreachable = (): Promise<never> =>
    Promise.reject(new HelpdeskError('retry', 'no-answer', 'The desk was not answered.'));
  const { db } = place;
  return {
    ...place.as(actor),
    wouldOf: createWouldOf({ db, texts, publicUrl: undefined, of: unreachable }),
    readTicket: unreachable,
  };
}

const replay = (question: Partial<ReplayQuestion> = {}, actor: Actor = ann): Promise<ReplayResult> =>
  replayLink(replaying(actor), { link, ...question });

type Delivery = { readonly outcome: string | null; readonly seq: number; readonly quiet: boolean };
const deliveryOf = async (id: string): Promise<Delivery | undefined> =>
  (await rows<Delivery>(place.db, sql`select outcome, seq::int, quiet from deliveries where id = ${id}`))[0];

/** As if this desk had refused it once its mirror was open. */
const refuse = (id: string, at = '2026-03-01T10:00:00Z'): Promise<unknown> =>
  place.db.execute(sql`update deliveries set outcome = 'refused', held_at = null, ended_at = ${at}::timestamptz,
    reason = '{"code":"unmapped-action","text":"It was not mapped."}' where id = ${id}`);

test('what was refused is carried once more behind what waits, and a second time there is nothing to do', async () => {
  const first = await replay();
  assert.deepEqual([first.outcome, first.replayed, first.more], ['replayed', 1, false]);
  assert.deepEqual(
    first.entries.map(({ delivery, becomes, why, ended }) => [delivery, becomes, why, ended?.reason?.code]),
    [[ids.toAcme, 'replay', null, 'refused-by-desk']],
  );
  assert.deepEqual(await deliveryOf(ids.toAcme), { outcome: null, seq: 4, quiet: true });
  const audited = (await place.audit()).at(-1);
  assert.deepEqual([audited?.what, audited?.subject], ['replay', `deliveries/${ids.toAcme}`]);
  const start = await place.dump();
  assert.deepEqual(await replay(), { outcome: 'nothing', entries: [], replayed: 0, more: false });
  assertSame(await place.dump(), start);
});

test('a dry run and answering no show what would happen to each, and change nothing', async () => {
  const start = await place.dump();
  const dry = await replay({ dryRun: true });
  assert.equal(dry.outcome, 'dry-run');
  const [entry] = dry.entries;
  assert.ok(entry?.would?.verdict === 'apply');
  assert.equal(entry.would.command.kind, 'Internal Note');
  assert.doesNotMatch(JSON.stringify(dry), /planted/);
  assert.equal((await replay({ confirm: () => Promise.resolve(false) })).outcome, 'declined');
  assertSame(await place.dump(), start);
});

test('what would be refused again by the settings of today is left alone, with the reason', async () => {
  const unmapped = goodYaml.replace('          - { from: Update, to: Internal Note }\n', '');
  assert.equal((await applyLinks(place.as(), unmapped, place.secrets)).outcome, 'applied');
  const start = await place.dump();
  const found = await replay();
  assert.equal(found.outcome, 'nothing');
  const [entry] = found.entries;
  assert.deepEqual([entry?.becomes, entry?.why], ['stays', 'still']);
  assert.ok(entry?.would?.verdict === 'refuse' && entry.would.reason.code === 'unmapped-action');
  assertSame(await place.dump(), start);
});

test('no end user is mailed by what is carried once more, unless that is asked for', async () => {
  await refuse(ids.held);
  const quiet = await replay({ deliveries: [ids.held], dryRun: true });
  assert.ok(quiet.entries[0]?.would?.verdict === 'apply');
  assert.equal(quiet.entries[0].would.command.mailsUser, false);
  assert.deepEqual(
    quiet.entries[0].would.drops.map(({ code }) => code),
    ['replayed-quietly'],
  );
  const loud = await replay({ deliveries: [ids.held], mail: true, dryRun: true });
  assert.ok(loud.entries[0]?.would?.verdict === 'apply');
  assert.equal(loud.entries[0].would.command.mailsUser, true);
  await replay({ deliveries: [ids.held] });
  assert.equal((await deliveryOf(ids.held))?.quiet, true, 'the carrier is to know it too');
  await refuse(ids.held);
  await replay({ deliveries: [ids.held], mail: true });
  assert.equal((await deliveryOf(ids.held))?.quiet, false);
});

test('chosen deliveries and those of a time are replayed alone, in the order in which they were recorded', async () => {
  await refuse(ids.held, '2026-03-01T12:00:00Z');
  const named = async (question: Partial<ReplayQuestion>): Promise<(string | null)[]> =>
    (await replay({ ...question, dryRun: true })).entries.map(({ delivery }) => delivery);
  assert.deepEqual(await named({}), [ids.toAcme, ids.held]);
  assert.deepEqual(await named({ deliveries: [ids.held] }), [ids.held]);
  assert.deepEqual(await named({ since: '2026-03-01T11:00:00Z' }), [ids.held]);
  assert.deepEqual(await named({ until: '2026-03-01T11:00:00Z' }), [ids.toAcme]);
  assert.deepEqual(await named({ since: '2026-03-01T12:00:00Z', until: '2026-03-01T12:00:00Z' }), []);
  await replay();
  assert.deepEqual([(await deliveryOf(ids.toAcme))?.seq, (await deliveryOf(ids.held))?.seq], [4, 5]);
});

test('an escalation, what the other side refused, and what is no longer kept stay unchanged, with the reason', async () => {
  await refuse(ids.toNorthwind);
  assert.deepEqual(
    (await replay({ deliveries: [ids.toNorthwind] })).entries.map(({ becomes, why }) => [becomes, why]),
    [['stays', 'opens']],
  );
  await place.db.execute(sql`update actions set words = null, author = null, note = null where id = ${ids.update}`);
  assert.deepEqual(
    (await replay({ deliveries: [ids.toAcme] })).entries.map(({ becomes, why }) => [becomes, why]),
    [['stays', 'expired']],
  );
  await place.db.execute(sql`update instances set type = 'peer' where id = 'acme'`);
  assert.deepEqual(
    (await replay({ deliveries: [ids.toAcme] })).entries.map(({ becomes, why }) => [becomes, why]),
    [['stays', 'elsewhere']],
  );
});

test('what does not exist, or is not theirs to carry, is refused and changes nothing', async () => {
  const start = await place.dump();
  const codes: readonly (readonly [() => Promise<unknown>, string])[] = [
    [() => replayLink(replaying(), { link: 'acme' }), 'unknown-link'],
    [() => replay({ deliveries: ['one'] }), 'not-an-id'],
    [() => replay({ deliveries: ['01990000-0000-7000-8000-000000000000'] }), 'unknown-delivery'],
    [() => replay({}, somebody('viewer')), 'not-allowed'],
    [() => replay({}, somebody('operator', ['other'])), 'out-of-reach'],
  ];
  for (const [run, code] of codes) await assert.rejects(run, { code });
  assertSame(await place.dump(), start);
});
