import assert from 'node:assert/strict';
import { test } from 'node:test';
import { breaker, type Passage } from '#core/log/breaker.ts';
import { canonicalConstant, constantHash } from '#core/log/constant.ts';
import { afterApplied, mirrorEvents, nextLife, takesReplies, type MirrorEvent } from '#core/log/mirror-life.ts';
import { mirrorStates, type CloseReason, type MirrorState } from '#core/words/mirror.ts';
import { isReasonCode, reason, reasonCodes } from '#core/words/reasons.ts';
import { receiptCommand, type ReceiptView } from '#core/conversation/receipt.ts';
import { authDelayMs, isOverdue, nextTry, retryCapMs } from '#core/words/retry.ts';
import { action, daysBefore, file, minutesBefore, mirror, now } from './fixtures.ts';

// A mirror's life

type Ends = MirrorState | CloseReason;

/** The effect of each event on a live mirror in each state; closed ones count as closed yesterday. */
const table: Readonly<Record<MirrorState, Readonly<Record<MirrorEvent, Ends>>>> = {
  opening: {
    'escalation-applied': 'open',
    'escalation-refused': 'refused',
    'both-closed': 'opening',
    reopened: 'opening',
    gone: 'gone',
    merged: 'merged',
    'went-live': 'opening',
    'link-closed': 'link-closed',
  },
  open: {
    'escalation-applied': 'open',
    'escalation-refused': 'open',
    'both-closed': 'done',
    reopened: 'open',
    gone: 'gone',
    merged: 'merged',
    'went-live': 'open',
    'link-closed': 'link-closed',
  },
  closed: {
    'escalation-applied': 'done',
    'escalation-refused': 'done',
    'both-closed': 'done',
    reopened: 'open',
    gone: 'gone',
    merged: 'merged',
    'went-live': 'done',
    'link-closed': 'link-closed',
  },
  refused: {
    'escalation-applied': 'refused',
    'escalation-refused': 'refused',
    'both-closed': 'refused',
    reopened: 'refused',
    gone: 'refused',
    merged: 'refused',
    'went-live': 'refused',
    'link-closed': 'refused',
  },
};

function inState(state: MirrorState) {
  return state === 'closed' ? mirror({ state, closeReason: 'done', closedAt: daysBefore(1) }) : mirror({ state });
}

for (const state of mirrorStates) {
  for (const event of mirrorEvents) {
    const ends = table[state][event];
    test(`a mirror that is ${state} is, after ${event}, ${ends}`, () => {
      const life = nextLife(inState(state), event, now);
      assert.equal(life.closeReason ?? life.state, ends);
      assert.equal(life.closedAt === null, life.state !== 'closed');
      assert.equal(life.closeReason === null, life.state !== 'closed');
    });
  }
}

test('going live ends shadow mirrors and no others', () => {
  assert.equal(nextLife(mirror({ mode: 'shadow' }), 'went-live', now).closeReason, 'shadow-ended');
  assert.equal(nextLife(mirror(), 'went-live', now).state, 'open');
});

test('it closes when both statuses are closed, not when one is', () => {
  const by = (customerClosed: boolean | null, supplierClosed: boolean | null) =>
    afterApplied({ mirror: mirror(), customerClosed, supplierClosed, now });
  assert.deepEqual(by(true, true), { state: 'closed', closeReason: 'done', closedAt: now });
  assert.equal(by(true, false).state, 'open');
  assert.equal(by(false, true).state, 'open');
  assert.equal(by(true, null).state, 'open');
});

test('it reopens within 30 days when one status is open again, unless a newer mirror exists', () => {
  const by = (part: Parameters<typeof mirror>[0]) =>
    afterApplied({
      mirror: mirror({ state: 'closed', closeReason: 'done', closedAt: daysBefore(29), ...part }),
      customerClosed: false,
      supplierClosed: true,
      now,
    }).state;
  assert.equal(by({}), 'open');
  assert.equal(by({ closedAt: daysBefore(31) }), 'closed');
  assert.equal(by({ superseded: true }), 'closed');
  assert.equal(by({ closeReason: 'gone' }), 'closed');
});

test('a mirror that was closed keeps the time at which it closed', () => {
  const life = nextLife(inState('closed'), 'gone', now);
  assert.equal(life.closedAt, daysBefore(1));
});

test('replies travel while it is opening, open, or closed for less than 30 days', () => {
  assert.ok(takesReplies(mirror({ state: 'opening' }), now));
  assert.ok(takesReplies(mirror(), now));
  assert.ok(takesReplies(inState('closed'), now));
  assert.ok(!takesReplies(mirror({ state: 'refused' }), now));
});

// The breaker

function talk(
  count: number,
  gapMs: number,
  skewMs = 0,
  directions: readonly string[] = ['acme', 'northwind'],
): Passage[] {
  return Array.from({ length: count }, (_, index) => {
    const direction = directions[index % directions.length] ?? '';
    const at = Date.parse(now) + index * gapMs + (index % 2 === 1 ? skewMs : 0);
    return { at: new Date(at).toISOString(), direction };
  });
}

test('ten changes of direction within a minute trip the breaker, nine do not', () => {
  assert.ok(breaker(talk(11, 5000)).tripped);
  assert.ok(!breaker(talk(10, 5000)).tripped);
});

test('ten changes of direction spread over more than a minute do not trip it', () => {
  assert.ok(!breaker(talk(11, 10_000)).tripped);
  assert.ok(!breaker(talk(100, 30_000)).tripped);
});

test('a catch-up of 500 notes in one direction does not trip it', () => {
  assert.ok(!breaker(talk(500, 1, 0, ['acme'])).tripped);
});

test('a catch-up of both desks, one after the other, does not trip it', () => {
  const caughtUp = [...talk(250, 1, 0, ['acme']), ...talk(250, 1, 0, ['northwind']), ...talk(3, 1)];
  assert.ok(!breaker(caughtUp).tripped);
});

test('a catch-up that alternates, of notes that people wrote over hours, does not trip it', () => {
  assert.ok(!breaker(talk(500, 60_000)).tripped);
});

test('the skew between the two desks’ clocks does not hide a ping-pong', () => {
  assert.ok(breaker(talk(20, 1000, 300_000)).tripped);
  assert.ok(breaker(talk(20, 1000, -3_600_000)).tripped);
});

test('a ping-pong is found after any lawful history', () => {
  const later = talk(11, 100).map(({ at, direction }) => ({
    at: new Date(Date.parse(at) + 7_200_000).toISOString(),
    direction,
  }));
  assert.ok(breaker([...talk(100, 60_000), ...later]).tripped);
});

test('an invalid time never trips it and never throws', () => {
  assert.ok(!breaker(Array.from({ length: 30 }, (_, index) => ({ at: 'soon', direction: String(index % 2) }))).tripped);
});

// Retries

test('retries back off exponentially with jitter and never beyond a minute', () => {
  const delays = [1, 2, 3, 4, 20, 1000].map((attempt) => nextTry({ attempt, trouble: 'retry', random: 0.999 }));
  assert.deepEqual(
    delays,
    delays.toSorted((a, b) => a - b),
  );
  assert.ok(Math.max(...delays) <= retryCapMs);
  assert.ok(nextTry({ attempt: 1, trouble: 'retry', random: 0 }) >= 250);
  assert.ok(
    nextTry({ attempt: 9, trouble: 'retry', random: 0 }) < nextTry({ attempt: 9, trouble: 'retry', random: 0.9 }),
  );
});

test('bad credentials are tried again every 15 minutes, no sooner', () => {
  assert.equal(nextTry({ attempt: 1, trouble: 'auth', random: 0.5 }), authDelayMs);
});

test('what the helpdesk asks for wins, in both directions', () => {
  assert.equal(nextTry({ attempt: 9, trouble: 'slow-down', retryAfterMs: 5, random: 0 }), 5);
  assert.equal(nextTry({ attempt: 1, trouble: 'slow-down', retryAfterMs: 900_000, random: 0 }), 900_000);
});

test('a delivery in trouble for an hour while its instance is up should be held', () => {
  assert.ok(!isOverdue(minutesBefore(59), now));
  assert.ok(isOverdue(minutesBefore(60), now));
});

// The constant part

test('the hash of the constant part does not depend on the words, on via, on key order or on the holder’s file ids', () => {
  const one = action({ attachments: [file({ id: 'a', sha256: 'ff' })] });
  const { words: _, via: __, ...constant } = one;
  const shuffled = Object.fromEntries(Object.entries(constant).toReversed()) as typeof constant;
  const elsewhere = { ...shuffled, attachments: [file({ id: 'b', name: 'renamed', sha256: 'ff' })] };
  assert.equal(constantHash(one), constantHash(elsewhere));
  assert.match(constantHash(one), /^[0-9a-f]{64}$/);
});

test('the hash changes with every part that is constant', () => {
  const base = action({ attachments: [file({ sha256: 'ff' })] });
  const changed = [
    { ...base, id: 'a2' },
    { ...base, origin: 'x' },
    { ...base, at: now },
    { ...base, audience: 'user' as const },
    { ...base, note: null },
    { ...base, note: '' },
    { ...base, author: { ...base.author, name: 'x' } },
    { ...base, attachments: [] },
    { ...base, attachments: [file({ sha256: 'fe' })] },
  ];
  const hashes = new Set([base, ...changed].map(constantHash));
  assert.equal(hashes.size, changed.length + 1);
});

test('the canonical form has its keys in a fixed order and leaves out what is absent', () => {
  assert.equal(
    canonicalConstant({ ...action(), author: { name: 'A', role: 'agent' }, at: now }),
    `{"at":"${now}","attachments":[],"audience":"desks","author":{"name":"A","role":"agent"},"id":"a1","note":"<p>Hello</p>","origin":"northwind"}`,
  );
});

// Reasons

test('every reason has a text of full sentences that needs no parameter', () => {
  for (const code of reasonCodes) {
    const { text } = reason(code);
    assert.match(text, /^[A-Z"[].*\.$/s, code);
    assert.doesNotMatch(text, /undefined|null|\bsupplierInstance\b/, code);
    assert.ok(text.length > 15, code);
  }
});

test('reason codes are unique, in kebab-case, and known again', () => {
  assert.equal(new Set(reasonCodes).size, reasonCodes.length);
  for (const code of reasonCodes) assert.ok(/^[a-z]+(?:-[a-z]+)*$/.test(code) && isReasonCode(code));
  assert.ok(!isReasonCode('toString'));
});

test('the far desk’s own words are quoted in a refusal', () => {
  const { text } = reason('refused-by-desk', {
    desk: 'Northwind',
    detail: 'You do not have access to this action at the moment',
  });
  assert.match(
    text,
    /Northwind refused it, in its words: You do not have access to this action at the moment\. Use an action/,
  );
});

// Receipts

function receipt(part: Partial<ReceiptView>, side: 'customer' | 'supplier' = 'customer') {
  return receiptCommand({
    receipt: {
      outcome: 'applied',
      reason: reason('applied-as-is'),
      farNumber: 'NW-9',
      farUrl: 'https://nw.example/9',
      farName: 'Northwind',
      escalation: false,
      action: { author: { name: 'Dana <b>', role: 'agent' }, at: minutesBefore(5), kind: 'Escalate' },
      ...part,
    },
    ticketId: '7',
    side,
    language: 'en',
    now,
  });
}

test('an applied escalation sets the supplier reference and writes nothing that anybody could see', () => {
  const command = receipt({ escalation: true });
  assert.deepEqual(command?.supplierReference, { number: 'NW-9', url: 'https://nw.example/9' });
  assert.deepEqual(
    [command?.note, command?.kind, command?.mailsUser, command?.visibility],
    [null, null, false, 'hidden'],
  );
});

test('what was applied or skipped otherwise is nothing to tell', () => {
  assert.equal(receipt({}), null);
  assert.equal(receipt({ outcome: 'skipped', reason: reason('no-op') }), null);
  assert.equal(receipt({ outcome: 'skipped', reason: reason('not-opened'), escalation: true }), null);
});

test('a refusal is a hidden note to the acting agent with the reason, on both sides, and mails nobody', () => {
  for (const side of ['customer', 'supplier'] as const) {
    const command = receipt(
      { outcome: 'refused', reason: reason('unmapped-action', { desk: 'Northwind', name: 'X' }) },
      side,
    );
    assert.equal(command?.visibility, 'hidden');
    assert.equal(command?.mailsUser, false);
    assert.match(
      command?.note ?? '',
      /&quot;Escalate&quot; by Dana &lt;b&gt; of 2026-11-21 11:55 UTC did not arrive at Northwind\./,
    );
    assert.match(command?.note ?? '', /no mapping for the action &quot;X&quot;/);
    assert.equal(command?.supplierReference, undefined);
  }
});

test('a refused escalation clears the supplier reference, so that it can be sent again', () => {
  const command = receipt({
    outcome: 'refused',
    reason: reason('refused-by-desk', { detail: '<script>' }),
    escalation: true,
  });
  assert.equal(command?.supplierReference, null);
  assert.doesNotMatch(command?.note ?? '', /<script>/);
});

test('news of the far ticket itself is reported without saying that something did not arrive', () => {
  const command = receipt({
    outcome: 'refused',
    reason: reason('gone', { desk: 'Northwind' }),
    action: { author: { name: '', role: 'automation' }, at: now, kind: null },
  });
  assert.match(command?.note ?? '', /^<p>The ticket at Northwind was deleted/);
});

test('escalating again while a ticket is open fills the reference with it, which had to be empty for that', () => {
  const command = receipt({
    outcome: 'refused',
    reason: reason('already-escalated', { number: 'NW-9' }),
    escalation: true,
    farNumber: 'NW-9',
    farUrl: 'https://northwind.example/9',
  });
  assert.deepEqual(command?.supplierReference, { number: 'NW-9', url: 'https://northwind.example/9' });
  assert.match(command.note ?? '', /NW-9/);
});
