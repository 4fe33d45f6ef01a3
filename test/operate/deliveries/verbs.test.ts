import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'drizzle-orm';
import { release } from '#operate/deliveries/release.ts';
import { replayLink } from '#operate/deliveries/replay-link.ts';
import { resume } from '#operate/deliveries/resume.ts';
import { retry } from '#operate/deliveries/retry.ts';
import { skip } from '#operate/deliveries/skip.ts';
import { closeLink } from '#operate/links/close.ts';
import { suspendLink } from '#operate/links/suspend.ts';
import { ids } from '#test/cli/log.ts';
import { somebody } from '#test/support/operator.ts';
import { changes, refuses, run } from '#test/operate/verb-cases.ts';
import { link, openWorkplace } from '#test/operate/workplace.ts';

changes([
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
]);

refuses([
  ['a delivery that is not there', 'unknown-delivery', 'unknown', (operator) => release(operator, ids.lone)],
  ['a delivery that has ended', 'ended', 'state', (operator) => skip(operator, ids.toAcme)],
  ['what is no id', 'not-an-id', 'wrong', (operator) => skip(operator, "'; drop table deliveries")],
  ['a mirror that is not paused', 'not-paused', 'state', (operator) => resume(operator, ids.escalation)],
  ['an instance that is not there', 'unknown-instance', 'unknown', (operator) => retry(operator, 'acmee')],
]);

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
