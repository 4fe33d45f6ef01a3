import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { settingsInForce } from '#db/settings/settings.ts';
import { applyLinks } from '#operate/apply/apply.ts';
import { purgeLink } from '#operate/links/purge.ts';
import { diffSettings } from '#operate/settings/diff.ts';
import { logSettings } from '#operate/settings/log.ts';
import { rollbackSettings } from '#operate/settings/rollback.ts';
import { acmeCatalogue, goodYaml } from '#test/cli/support.ts';
import { somebody } from '#test/support/operator.ts';
import { assertSame, link, openWorkplace, plantPeerLink, type Workplace } from './workplace.ts';

let place: Workplace;
beforeEach(async () => {
  place = await openWorkplace();
});
afterEach(() => place.close());

const customer = `${link}/customer`;
const supplier = `${link}/supplier`;
const otherStatus = goodYaml.replace('{ from: Done, to: Resolved }', '{ from: Done, to: With supplier }');
const otherProfile = goodYaml.replace('actions: [Update, Indirect email]', 'actions: [Update]');
const inShadow = goodYaml.replace('mode: live', 'mode: shadow');

async function save(yaml: string): Promise<void> {
  const result = await applyLinks(place.as(), yaml, place.secrets);
  assert.equal(result.outcome, 'applied', JSON.stringify(result));
}

const versions = async (what?: string): Promise<string[]> =>
  (await logSettings(place.as(), { what })).map(({ subject, version }) => `${subject} ${version}`);

test('each save is a version, with who, when and what it changed, newest first', async () => {
  await save(otherStatus);
  const [newest, first] = await logSettings(place.as(), { what: customer });
  assert.deepEqual(
    { ...newest, at: '' },
    {
      subject: `links/${customer}`,
      version: 2,
      by: 'Ann Lee',
      at: '',
      inForce: true,
      changes: [
        {
          op: 'change',
          path: `links.${link}.customer.inbound.statuses[1].to`,
          before: 'Resolved',
          after: 'With supplier',
        },
      ],
    },
  );
  assert.ok(Math.abs(Date.parse(newest?.at ?? '') - Date.now()) < 600_000);
  assert.equal(first?.by, 'ann');
  assert.equal(first?.inForce, false);
});

test("a link's log has its own settings, those of its sides and of the profiles that they extend", async () => {
  await save(otherProfile);
  await save(inShadow.replace('actions: [Update, Indirect email]', 'actions: [Update]'));
  assert.deepEqual((await versions(link)).toSorted(), [
    `links/${link} 1`,
    `links/${link} 2`,
    `links/${customer} 1`,
    `links/${supplier} 1`,
    `links/${supplier} 2`,
    'profiles/msp 1',
    'profiles/msp 2',
  ]);
  assert.equal((await versions(link))[0], `links/${link} 2`);
  assert.deepEqual(await versions(`links/${supplier}`), [`links/${supplier} 2`, `links/${supplier} 1`]);
  assert.equal((await versions()).length, 7);
  assert.equal((await logSettings(place.as(), { limit: 2 })).length, 2);
});

test('a link with another gateway has its first version from the pairing on', async () => {
  await plantPeerLink(place.db, 'far-link');
  assert.deepEqual((await versions('far-link')).toSorted(), [
    'links/far-link 1',
    'links/far-link/customer 1',
    'links/far-link/supplier 1',
  ]);
  const result = await rollbackSettings(place.as(), 'far-link/customer', 1);
  assert.equal(result.outcome, 'wrong', 'what pairing made sets nothing that escalates, as applying a file would say');
});

test('two versions differ by the lines that somebody changed, and the one in force by nothing from itself', async () => {
  await save(otherStatus);
  await save(otherStatus.replace('{ from: In progress, to: With supplier }', '{ from: In progress, to: New }'));
  const diff = await diffSettings(place.as(), customer, { from: 1 });
  assert.deepEqual(
    diff.changes.map(({ path, before, after }) => [path, before, after]),
    [
      [`links.${link}.customer.inbound.statuses[0].to`, 'With supplier', 'New'],
      [`links.${link}.customer.inbound.statuses[1].to`, 'Resolved', 'With supplier'],
    ],
  );
  assert.deepEqual([diff.from.version, diff.to.version], [1, 3]);
  assert.equal((await diffSettings(place.as(), customer)).from.version, 2);
  assert.deepEqual((await diffSettings(place.as(), customer, { from: 3, to: 3 })).changes, []);
});

test('going back creates a new version equal to the old one, and the audit records who went back to which', async () => {
  await save(otherStatus);
  const before = await settingsInForce(place.db, customer);
  const result = await rollbackSettings(place.as(), customer, 1);
  assert.equal(result.outcome, 'applied', JSON.stringify(result));
  const after = await settingsInForce(place.db, customer);
  assert.deepEqual([before?.version, after?.version], [2, 3]);
  assert.deepEqual((await diffSettings(place.as(), customer, { from: 1, to: 3 })).changes, []);
  const audited = (await place.audit()).at(-1);
  assert.deepEqual([audited?.by, audited?.what, audited?.subject], ['Ann Lee', 'rollback', `links/${link}`]);
  assert.deepEqual([audited?.detail['of'], audited?.detail['to']], [`links/${customer}`, 1]);
  assert.equal((await rollbackSettings(place.as(), customer, 1)).outcome, 'unchanged', 'again it changes nothing');
});

test('a profile that goes back changes every side that extends it', async () => {
  await save(otherProfile);
  assert.deepEqual((await settingsInForce(place.db, supplier))?.settings.outbound.actions, ['Update']);
  const result = await rollbackSettings(place.as(), 'profiles/msp', 1);
  assert.equal(result.outcome, 'applied');
  assert.deepEqual(await versions('profiles/msp'), ['profiles/msp 3', 'profiles/msp 2', 'profiles/msp 1']);
  const after = await settingsInForce(place.db, supplier);
  assert.deepEqual(after?.settings.outbound.actions, ['Update', 'Indirect email']);
  assert.equal(after?.version, 3);
});

test("a link's own settings go back, and its sides stay as they are", async () => {
  await save(inShadow);
  await save(inShadow.replace('{ from: Done, to: Resolved }', '{ from: Done, to: With supplier }'));
  const result = await rollbackSettings(place.as(), link, 1);
  assert.equal(result.outcome, 'applied');
  assert.deepEqual(
    result.changes.map(({ path, after }) => [path, after]),
    [[`links.${link}.mode`, 'live']],
  );
  assert.equal((await settingsInForce(place.db, customer))?.settings.inbound.statuses[1]?.to, 'With supplier');
});

test('a side whose profile was changed since lists which of its lines will differ from that version', async () => {
  await save(otherProfile);
  const noStatus = otherProfile.replace(
    '        statuses:\n          - { from: Resolved, to: Done }',
    '        statuses: []',
  );
  await save(noStatus);
  const result = await rollbackSettings(place.as(), supplier, 1);
  assert.equal(result.outcome, 'applied', JSON.stringify(result));
  assert.deepEqual(
    result.otherwise.map(({ op, path, before }) => [op, path, before]),
    [['remove', `links.${link}.supplier.outbound.actions[1]`, 'Indirect email']],
  );
  assert.equal((await settingsInForce(place.db, supplier))?.settings.inbound.statuses[0]?.to, 'Done');
});

test('a version that no longer fits is refused with all its faults, as a file would be, and nothing is changed', async () => {
  await save(otherStatus);
  const operator = place.as();
  const renamed = { ...acmeCatalogue, statuses: acmeCatalogue.statuses.filter(({ name }) => name !== 'Resolved') };
  const helpdesks: typeof operator.helpdesks = {
    ...operator.helpdesks,
    readCatalogue: (target, signal) =>
      target.id === 'acme' ? Promise.resolve(renamed) : operator.helpdesks.readCatalogue(target, signal),
  };
  const start = await place.dump();
  const result = await rollbackSettings({ ...operator, helpdesks }, customer, 1);
  assert.equal(result.outcome, 'wrong');
  const faults = result.outcome === 'wrong' ? result.faults : [];
  assert.ok(
    faults.some(({ code, path }) => code === 'unknown-name' && path.endsWith('customer.inbound.statuses[1].to')),
    JSON.stringify(faults),
  );
  assert.ok(faults.every(({ line }) => line === 0));
  assertSame(await place.dump(), start);
});

test('a dry run and a no change nothing and show what would be changed', async () => {
  await save(otherStatus);
  const start = await place.dump();
  const dry = await rollbackSettings(place.as(), customer, 1, { dryRun: true });
  assert.deepEqual([dry.outcome, dry.changes.length], ['dry-run', 1]);
  const declined = await rollbackSettings(place.as(), customer, 1, { confirm: () => Promise.resolve(false) });
  assert.equal(declined.outcome, 'declined');
  assertSame(await place.dump(), start);
});

test('an unknown name is refused with the known ones, and changes nothing', async () => {
  const start = await place.dump();
  const codes: readonly (readonly [() => Promise<unknown>, string])[] = [
    [() => logSettings(place.as(), { what: 'acme-northwin' }), 'unknown-settings'],
    [() => logSettings(place.as(), { what: 'acme-northwind/door' }), 'not-a-subject'],
    [() => logSettings(place.as(), { what: 'profiles/msp/x' }), 'not-a-subject'],
    [() => logSettings(place.as(), { what: '' }), 'not-a-subject'],
    [() => logSettings(place.as(), { limit: 0 }), 'wrong-limit'],
    [() => diffSettings(place.as(), customer), 'first-version'],
    [() => diffSettings(place.as(), customer, { from: 7 }), 'unknown-version'],
    [() => rollbackSettings(place.as(), customer, 9), 'unknown-version'],
    [() => rollbackSettings(place.as(), 'profiles/nobody', 1), 'unknown-settings'],
  ];
  for (const [run, code] of codes) await assert.rejects(run, { code });
  await assert.rejects(() => logSettings(place.as(), { what: 'acme-northwin' }), /Did you mean .*acme-northwind/);
  assertSame(await place.dump(), start);
});

test('versions are seen by operators of their links only, and gone back to by administrators of all', async () => {
  await assert.rejects(() => logSettings(place.as(somebody('viewer'))), { code: 'not-allowed' });
  const ben = place.as(somebody('operator', [link]));
  assert.equal((await logSettings(ben, { what: customer })).length, 1);
  assert.deepEqual(
    [...new Set((await logSettings(ben)).map(({ subject }) => subject.split('/')[0]))],
    ['links'],
    'a profile concerns others as well',
  );
  await assert.rejects(() => logSettings(ben, { what: 'profiles/msp' }), { code: 'out-of-reach' });
  await assert.rejects(() => diffSettings(ben, 'other/customer'), { code: 'out-of-reach' });
  await assert.rejects(() => rollbackSettings(ben, customer, 1), { code: 'not-allowed' });
  await assert.rejects(() => rollbackSettings(place.as(somebody('admin', [link])), customer, 1), {
    code: 'out-of-reach',
  });
});

test('purging a link also deletes its versions', async () => {
  await place.db.execute(sql`update links set state = 'closed' where id = ${link}`);
  await purgeLink(place.as(), link);
  const left = await rows(place.db, sql`select 1 as one from saved_settings where subject like ${`links/${link}%`}`);
  assert.equal(left.length, 0);
  await assert.rejects(() => logSettings(place.as(), { what: link }), { code: 'unknown-settings' });
});
