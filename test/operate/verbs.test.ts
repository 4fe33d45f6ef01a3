// What holds for every verb that changes something.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'drizzle-orm';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { Client } from '#db/base/client.ts';
import { makePairingCode } from '#db/links/pairing-code.ts';
import { applyLinks } from '#operate/apply/apply.ts';
import { addClient } from '#operate/clients/add.ts';
import { revokeClient } from '#operate/clients/revoke.ts';
import { rotateClient } from '#operate/clients/rotate.ts';
import { release } from '#operate/deliveries/release.ts';
import { replayLink } from '#operate/deliveries/replay-link.ts';
import { resume } from '#operate/deliveries/resume.ts';
import { retry } from '#operate/deliveries/retry.ts';
import { skip } from '#operate/deliveries/skip.ts';
import { rotateKeys } from '#operate/keys/rotate.ts';
import { closeLink } from '#operate/links/close.ts';
import { changeContact } from '#operate/links/contact.ts';
import { purgeLink } from '#operate/links/purge.ts';
import { ensureKeys, signingKey } from '#db/links/keys.ts';
import { rememberKey, retireOriginKey } from '#db/exchange/origin-keys.ts';
import { reinstate as reinstateKey } from '#operate/keys/reinstate.ts';
import { retire as retireKey } from '#operate/keys/retire.ts';
import { pauseLink } from '#operate/links/pause.ts';
import { resumeLink } from '#operate/links/resume.ts';
import { rotateLink } from '#operate/links/rotate.ts';
import { quarantineLink } from '#operate/links/quarantine.ts';
import { suspendLink } from '#operate/links/suspend.ts';
import { rollbackSettings } from '#operate/settings/rollback.ts';
import type { HelpdeskOperator, PeerOperator } from '#operate/operator.ts';
import { accept } from '#operate/pairing/accept.ts';
import { checkLink } from '#operate/pairing/check.ts';
import { invite } from '#operate/pairing/invite.ts';
import { Refused } from '#operate/refused.ts';
import { goodYaml } from '#test/cli/support.ts';
import { ids } from '#test/cli/log.ts';
import { ann, somebody } from '#test/support/operator.ts';
import { assertSame, link, openWorkplace, plantPeerLink, type Workplace } from './workplace.ts';

type Case = {
  readonly name: string;
  /** What must exist beforehand. */
  readonly before?: (place: Workplace) => Promise<unknown>;
  readonly verb: (operator: HelpdeskOperator & PeerOperator, place: Workplace) => Promise<unknown>;
  readonly what: string;
  readonly subject: string | RegExp;
  /** Of the row's detail. */
  readonly difference: Readonly<Record<string, unknown>>;
};

const run = (db: Client, query: ReturnType<typeof sql>): Promise<unknown> => db.execute(query);
const setState =
  (state: string) =>
  ({ db }: Workplace) =>
    run(db, sql`update links set state = ${state} where id = ${link}`);
const tool = { role: 'customer', instance: 'acme', contact: null } as const;
const newTool = (place: Workplace): Promise<{ readonly client: string }> =>
  addClient(place.as(), 'tool-link', () => tool);
const toolClient = async ({ audit }: Workplace): Promise<string> =>
  (await audit()).find(({ what }) => what === 'client-add')?.subject.slice('clients/'.length) ?? '';
const contact = { name: 'Lena Ott', email: 'lena@northwind.example' };

const cases: readonly Case[] = [
  {
    name: 'retry',
    verb: (operator) => retry(operator, 'acme'),
    what: 'retry',
    subject: 'instances/acme',
    difference: { lanes: 1 },
  },
  {
    name: 'release',
    verb: (operator) => release(operator, ids.held),
    what: 'release',
    subject: `deliveries/${ids.held}`,
    difference: { link, to: 'acme', heldFor: 'late-mail' },
  },
  {
    name: 'skip',
    verb: (operator) => skip(operator, ids.held),
    what: 'skip',
    subject: `deliveries/${ids.held}`,
    difference: { link, to: 'acme', held: true, waitedFor: 'late-mail' },
  },
  {
    name: 'resume',
    before: ({ db }) =>
      run(db, sql`update mirrors set paused_at = now(), pause_reason = 'ping-pong' where id = ${ids.escalation}`),
    verb: (operator) => resume(operator, ids.escalation),
    what: 'resume',
    subject: `mirrors/${ids.escalation}`,
    difference: { link, pausedFor: 'ping-pong' },
  },
  {
    name: 'settings rollback',
    before: (place) =>
      applyLinks(place.as(), goodYaml.replace('Done, to: Resolved', 'Done, to: With supplier'), place.secrets),
    verb: (operator) => rollbackSettings(operator, `${link}/customer`, 1),
    what: 'rollback',
    subject: `links/${link}`,
    difference: {
      of: `links/${link}/customer`,
      to: 1,
      changes: [
        {
          op: 'change',
          path: `links.${link}.customer.inbound.statuses[1].to`,
          before: 'With supplier',
          after: 'Resolved',
        },
      ],
    },
  },
  {
    name: 'link suspend',
    verb: (operator) => suspendLink(operator, link, 'Audit week.'),
    what: 'link-suspended',
    subject: `links/${link}`,
    difference: { from: 'active', to: 'suspended', because: 'Audit week.' },
  },
  {
    name: 'link pause',
    verb: (operator) =>
      pauseLink(
        operator,
        link,
        { until: '2026-12-01T06:00:00.000Z', why: 'New disks.' },
        Date.parse('2026-11-30T00:00:00Z'),
      ),
    what: 'link-paused',
    subject: `links/${link}`,
    difference: { from: 'active', to: 'suspended', until: '2026-12-01T06:00:00.000Z', why: 'New disks.' },
  },
  {
    name: 'replay',
    verb: (operator) =>
      replayLink(
        {
          ...operator,
          wouldOf: () => Promise.resolve({ verdict: 'hold', reason: { code: 'in-doubt', text: 'It is in doubt.' } }),
          readTicket: () => Promise.resolve(null),
        },
        { link },
      ),
    what: 'replay',
    subject: `deliveries/${ids.toAcme}`,
    difference: { link, to: 'acme', refusedFor: 'refused-by-desk', mail: false },
  },
  {
    name: 'link quarantine',
    verb: (operator) => quarantineLink(operator, link),
    what: 'link-quarantined',
    subject: `links/${link}`,
    difference: { from: 'active', to: 'quarantined' },
  },
  {
    name: 'link resume',
    before: setState('suspended'),
    verb: (operator) => resumeLink(operator, link),
    what: 'link-active',
    subject: `links/${link}`,
    difference: { from: 'suspended', to: 'active', differed: 0, again: 0, waiting: 0 },
  },
  {
    name: 'link contact',
    verb: (operator) => changeContact(operator, link, 'far', contact),
    what: 'contact',
    subject: `links/${link}`,
    difference: { whose: 'far', from: null, to: contact },
  },
  {
    name: 'link close',
    verb: (operator) => closeLink(operator, link, { drainMs: 0, because: 'The contract ends.' }),
    what: 'close',
    subject: `links/${link}`,
    difference: {
      from: 'active',
      to: 'closing',
      mirrors: 1,
      refused: 1,
      because: 'The contract ends.',
      peerTold: 'none',
    },
  },
  {
    name: 'link purge',
    before: setState('closed'),
    verb: (operator) => purgeLink(operator, link),
    what: 'purge',
    subject: `links/${link}`,
    difference: { mirrors: 1, actions: 3, files: 0 },
  },
  {
    name: 'link rotate',
    before: newTool,
    verb: (operator) => rotateLink(operator, 'tool-link'),
    what: 'link-rotate',
    subject: 'links/tool-link',
    difference: {},
  },
  {
    name: 'link rotate with another gateway',
    before: ({ db }) => plantPeerLink(db, 'far-link'),
    verb: (operator) => rotateLink(operator, 'far-link'),
    what: 'link-rotate',
    subject: 'links/far-link',
    difference: { instance: 'acme' },
  },
  {
    name: 'key rotate',
    verb: (operator) => rotateKeys(operator, 'acme'),
    what: 'key-rotate',
    subject: 'instances/acme',
    difference: {},
  },
  {
    name: 'key retire of one of ours',
    before: ({ db, as }) => ensureKeys(db, as().seal, 'acme'),
    verb: async (operator) => {
      const { kid } = await signingKey(operator.db, operator.open, 'acme', 'provenance');
      return retireKey(operator, kid, { because: 'stolen' });
    },
    what: 'key-retire',
    subject: 'instances/acme',
    difference: { use: 'provenance', because: 'stolen' },
  },
  {
    name: 'key retire of another organisation’s',
    before: ({ db }) => rememberKey(db, 'https://far.example/i/far', 'stolen', { x: 'x' }, null),
    verb: (operator) => retireKey(operator, 'stolen'),
    what: 'key-retire',
    subject: 'origins/https://far.example/i/far',
    difference: { kid: 'stolen', because: null },
  },
  {
    name: 'key reinstate',
    before: async ({ db }) => {
      await rememberKey(db, 'https://far.example/i/far', 'mistaken', { x: 'x' }, null);
      await retireOriginKey(db, 'https://far.example/i/far', 'mistaken');
    },
    verb: (operator) => reinstateKey(operator, 'mistaken', { because: 'It was another one.' }),
    what: 'key-reinstate',
    subject: 'origins/https://far.example/i/far',
    difference: { kid: 'mistaken', because: 'It was another one.' },
  },
  {
    name: 'client add with a new link',
    verb: (operator) => addClient(operator, 'tool-link', () => tool),
    what: 'client-add',
    subject: /^clients\/tool-link-/,
    difference: { link: 'tool-link', role: 'customer', madeLink: true, instance: 'acme', tool: 'tool-link-tool' },
  },
  {
    name: 'client add to a link that is there',
    before: newTool,
    verb: (operator) => addClient(operator, 'tool-link', () => tool),
    what: 'client-add',
    subject: /^clients\/tool-link-/,
    difference: { link: 'tool-link', role: 'customer' },
  },
  {
    name: 'client rotate',
    before: newTool,
    verb: async (operator, place) => rotateClient(operator, await toolClient(place)),
    what: 'client-rotate',
    subject: /^clients\/tool-link-/,
    difference: { link: 'tool-link' },
  },
  {
    name: 'client revoke',
    before: newTool,
    verb: async (operator, place) => revokeClient(operator, await toolClient(place)),
    what: 'client-revoke',
    subject: /^clients\/tool-link-/,
    difference: { link: 'tool-link', isPeer: false },
  },
  {
    name: 'link invite',
    verb: (operator) => invite(operator, { side: 'customer', instance: 'acme', link: 'new-link', contact: null }),
    what: 'invite',
    subject: 'links/new-link',
    difference: { side: 'customer', instance: 'acme' },
  },
  {
    name: 'link accept',
    verb: (operator) =>
      accept(operator, makePairingCode('http://127.0.0.1:1/i/far', 'supplier').code, {
        instance: 'acme',
        contact: null,
      }),
    what: 'accept',
    subject: 'links/acme-far',
    difference: { side: 'customer', instance: 'acme', issuer: 'http://127.0.0.1:1/i/far' },
  },
  {
    name: 'link check',
    before: ({ db }) => plantPeerLink(db, 'far-link'),
    verb: (operator) => checkLink(operator, 'far-link'),
    what: 'link-check',
    subject: 'links/far-link',
    difference: {},
  },
  {
    name: 'apply',
    verb: (operator, { secrets }) =>
      applyLinks(
        operator,
        goodYaml.replace('{ from: Done, to: Resolved }', '{ from: Done, to: With supplier }'),
        secrets,
      ),
    what: 'apply',
    subject: `links/${link}`,
    difference: {
      changes: [
        {
          op: 'change',
          path: 'links.acme-northwind.customer.inbound.statuses[1].to',
          before: 'Resolved',
          after: 'With supplier',
        },
      ],
    },
  },
];

for (const { name, before, verb, what, subject, difference } of cases)
  test(`${name} changes nothing for somebody without the right, nothing where the audit can't be written, and else leaves one row there`, async () => {
    const place = await openWorkplace();
    try {
      await before?.(place);
      const start = await place.dump();
      const strangers = [somebody(null), somebody('viewer'), somebody('admin', ['another-link'])];
      for (const stranger of strangers) {
        const code = stranger.reach === 'all' ? 'not-allowed' : 'out-of-reach';
        await assert.rejects(
          () => verb(place.as(stranger), place),
          (error) => error instanceof Refused && error.code === code && error.kind === 'forbidden',
        );
        assertSame(await place.dump(), start);
      }

      await place.breakAudit();
      await assert.rejects(() => verb(place.as(), place));
      assertSame(await place.dump(), start);
      await place.mendAudit();

      const earlier = (await place.audit()).length;
      await verb(place.as(), place);
      assert.notEqual(await place.dump(), start);
      const [row, ...more] = (await place.audit()).slice(earlier);
      assert.ok(row !== undefined);
      assert.deepEqual(more, [], 'one row');
      assert.equal(row.by, ann.name);
      assert.equal(row.what, what);
      if (typeof subject === 'string') assert.equal(row.subject, subject);
      else assert.match(row.subject, subject);
      const { actor, ...detail } = row.detail;
      assert.deepEqual(actor, { kind: 'person', id: ann.id });
      assert.deepEqual({ ...detail, ...difference }, detail, 'the difference that it made');
      assert.doesNotMatch(JSON.stringify(row), /planted/, 'no secret');
    } finally {
      await place.close();
    }
  });

const refused: readonly (readonly [string, string, string, Case['verb'], Case['before']?])[] = [
  ['a delivery that is not there', 'unknown-delivery', 'unknown', (operator) => release(operator, ids.lone)],
  ['a delivery that has ended', 'ended', 'state', (operator) => skip(operator, ids.toAcme)],
  ['what is no id', 'not-an-id', 'wrong', (operator) => skip(operator, "'; drop table deliveries")],
  ['a mirror that is not paused', 'not-paused', 'state', (operator) => resume(operator, ids.escalation)],
  ['an instance that is not there', 'unknown-instance', 'unknown', (operator) => retry(operator, 'acmee')],
  ['a link that is not there', 'unknown-link', 'unknown', (operator) => suspendLink(operator, 'acme')],
  ['a link that is suspended', 'not-active', 'state', (operator) => suspendLink(operator, link), setState('suspended')],
  [
    'a link that is in quarantine',
    'not-active',
    'state',
    (operator) => quarantineLink(operator, link),
    setState('quarantined'),
  ],
  ['a link that is active', 'not-suspended', 'state', (operator) => resumeLink(operator, link)],
  ['a link that has not ended', 'not-closed', 'state', (operator) => purgeLink(operator, link)],
  [
    'a link that has ended',
    'link-closed',
    'state',
    (operator) => closeLink(operator, link, { drainMs: 0 }),
    setState('closed'),
  ],
  ['a link without a peer', 'never-paired', 'state', (operator) => checkLink(operator, link)],
  ['a link of this gateway alone', 'nothing-to-rotate', 'state', (operator) => rotateLink(operator, link)],
  ['a client that is not there', 'unknown-client', 'unknown', (operator) => rotateClient(operator, 'nobody')],
  ['a use that is none', 'unknown-use', 'wrong', (operator) => rotateKeys(operator, 'acme', 'door')],
  [
    'what is no code',
    'not-a-code',
    'wrong',
    (operator) => accept(operator, 'a code that nobody made', { instance: 'acme', contact: null }),
  ],
  [
    'a code with a letter too few',
    'damaged-code',
    'wrong',
    (operator) => accept(operator, 'ferry_x', { instance: 'acme', contact: null }),
  ],
  [
    'a link that is taken',
    'link-exists',
    'state',
    (operator) => invite(operator, { side: 'customer', instance: 'acme', link, contact: null }),
  ],
  [
    'a gateway that nobody can call',
    'no-public-url',
    'setup',
    (operator) => invite({ ...operator, publicUrl: undefined }, { side: 'customer', instance: 'acme', contact: null }),
  ],
  [
    'a peer that does not answer what it has',
    'peer-unreachable',
    'unavailable',
    (operator) => resumeLink({ ...operator, peers: { ...operator.peers, calls: () => silent } }, 'far-link'),
    async ({ db }) => {
      await plantPeerLink(db, 'far-link');
      await run(db, sql`update links set state = 'quarantined' where id = 'far-link'`);
    },
  ],
];

const silence = async (): Promise<never> => {
  throw new HelpdeskError('retry', 'no-answer', 'GET http://127.0.0.1:1 was not answered.');
};
const silent = { link: silence, lanes: silence, close: silence };

for (const [name, code, kind, verb, before] of refused)
  test(`${name} is refused as ${code}, and changes nothing`, async () => {
    const place = await openWorkplace();
    try {
      await before?.(place);
      const start = await place.dump();
      await assert.rejects(
        () => verb(place.as(), place),
        (error) => error instanceof Refused && error.code === code && error.kind === kind,
      );
      assertSame(await place.dump(), start);
    } finally {
      await place.close();
    }
  });

test('answering no changes nothing: resuming, closing, purging', async () => {
  const place = await openWorkplace();
  try {
    const no = (): Promise<boolean> => Promise.resolve(false);
    const start = await place.dump();
    assert.deepEqual(await closeLink(place.as(), link, { drainMs: 0, confirm: no }), { outcome: 'declined' });
    assertSame(await place.dump(), start);
    await setState('closed')(place);
    const closed = await place.dump();
    assert.equal(await purgeLink(place.as(), link, no), null);
    assertSame(await place.dump(), closed);
  } finally {
    await place.close();
  }
});

test('what is done already is neither done nor audited again: a client that was revoked', async () => {
  const place = await openWorkplace();
  try {
    const { client } = await newTool(place);
    assert.equal((await revokeClient(place.as(), client)).done, true);
    const rows = (await place.audit()).length;
    assert.equal((await revokeClient(place.as(), client)).done, false);
    assert.equal((await place.audit()).length, rows);
  } finally {
    await place.close();
  }
});

test('a person in charge of a link may do there what their role allows, and no more', async () => {
  const place = await openWorkplace();
  try {
    const operator = place.as(somebody('operator', [link]));
    assert.equal(await release(operator, ids.held), 'acme');
    await suspendLink(operator, link);
    await assert.rejects(() => closeLink(operator, link, { drainMs: 0 }), { code: 'not-allowed' });
    await assert.rejects(() => retry(operator, 'acme'), { code: 'out-of-reach' });
    assert.deepEqual(
      (await place.audit()).filter(({ by }) => by === 'Ben Ott').map(({ what }) => what),
      ['release', 'link-suspended'],
    );
  } finally {
    await place.close();
  }
});
