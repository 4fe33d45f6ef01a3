import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'drizzle-orm';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { closeLink } from '#operate/links/close.ts';
import { changeContact } from '#operate/links/contact.ts';
import { purgeLink } from '#operate/links/purge.ts';
import { pauseLink } from '#operate/links/pause.ts';
import { resumeLink } from '#operate/links/resume.ts';
import { rotateLink } from '#operate/links/rotate.ts';
import { quarantineLink } from '#operate/links/quarantine.ts';
import { suspendLink } from '#operate/links/suspend.ts';
import { changes, refuses, run, setState, newTool } from '#test/operate/verb-cases.ts';
import { assertSame, link, openWorkplace, plantPeerLink } from '#test/operate/workplace.ts';

const contact = { name: 'Lena Ott', email: 'lena@northwind.example' };

const silence = async (): Promise<never> => {
  throw new HelpdeskError('retry', 'no-answer', 'GET http://127.0.0.1:1 was not answered.');
};
const silent = { link: silence, lanes: silence, close: silence };

changes([
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
]);

refuses([
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
  ['a link of this gateway alone', 'nothing-to-rotate', 'state', (operator) => rotateLink(operator, link)],
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
]);

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
