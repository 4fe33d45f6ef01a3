import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitCommand, type DeskLimits } from '#core/conversation/fit.ts';
import { fingerprintBefore, fingerprintOf } from '#core/text/fingerprint.ts';
import { recognise } from '#core/log/recognise.ts';
import { sanitise } from '#core/text/html.ts';
import { cutBytes, cutText } from '#core/text/text.ts';
import { translateFields } from '#core/conversation/translate-fields.ts';
import { unrecorded } from '#core/log/unrecorded.ts';
import type { Command } from '#core/words/vocabulary.ts';
import { acmeCatalogue, file, inbound, snapshot, words } from '#test/core/fixtures.ts';

const limits: DeskLimits = {
  subject: { most: 20, unit: 'bytes' },
  field: null,
  fields: { Service: { most: 10, unit: 'characters' } },
  noteBytes: 1000,
  fileBytes: 100,
};

function command(part: Partial<Command> = {}): Command {
  return {
    ticketId: '7',
    kind: null,
    note: '<p>x</p>',
    visibility: 'visible',
    mailsUser: false,
    author: { display: 'Ann' },
    at: '2026-01-01T00:00:00Z',
    fields: {},
    attachments: [],
    ...part,
  };
}

test('what is within the limits stays unchanged, without a reason', () => {
  const given = command({ summary: 'short', fields: { Service: 'VPN' }, attachments: [file()] });
  assert.deepEqual(fitCommand(given, limits, 'Desk', null), { command: given, drops: [] });
  assert.equal(fitCommand(given, {}, 'Desk', null).command, given);
});

test('a subject that is too long is cut on a character, is whole in the note, and has a reason', () => {
  const open = {
    summary: 'Druckér im 3. Öbergeschoß',
    account: 'A',
    requester: { name: 'x' },
    farNumber: '1',
    farUrl: '',
  };
  const { command: fitted, drops } = fitCommand(command({ open }), limits, 'Desk', null);
  assert.equal(fitted.open?.summary, 'Druckér im 3. Ö…');
  assert.ok(Buffer.byteLength(fitted.open?.summary ?? '') <= 20);
  assert.equal(fitted.note, '<p>x</p><p><strong>Subject:</strong> Druckér im 3. Öbergeschoß</p>');
  assert.deepEqual(
    drops.map(({ code }) => code),
    ['shortened'],
  );
});

test('a field that is too long is cut and whole in the note, even where there was none', () => {
  const { command: fitted, drops } = fitCommand(
    command({ note: null, fields: { Service: 'one\ntwo three four', Other: 'x'.repeat(500), Gone: null } }),
    limits,
    'Desk',
    null,
  );
  assert.deepEqual(fitted.fields, { Service: 'one\ntwo t…', Other: 'x'.repeat(500), Gone: null });
  assert.equal(fitted.note, '<p><strong>Service:</strong> one<br />two three four</p>');
  assert.equal(drops.length, 1);
});

test('what was cut before and already has that value is not a change and gives no reason again', () => {
  const now = { summary: 'Druckér im 3. Ö…', fields: { Service: 'one two t…' } };
  const given = command({ note: null, summary: 'Druckér im 3. Öbergeschoß', fields: { Service: 'one two three' } });
  const { command: fitted, drops } = fitCommand(given, limits, 'Desk', now);
  assert.ok(!('summary' in fitted));
  assert.deepEqual([fitted.fields, fitted.note, drops], [{}, null, []]);
});

test('a file that the desk would not take leaves a line in the note and a reason', () => {
  const given = command({ attachments: [file({ name: 'big.iso', sizeBytes: 101 }), file({ sizeBytes: null })] });
  const { command: fitted, drops } = fitCommand(given, limits, 'Desk', null);
  assert.deepEqual(
    fitted.attachments.map(({ name }) => name),
    ['log.txt'],
  );
  assert.match(fitted.note ?? '', /\[File big\.iso is missing here: it is larger than Desk takes/);
  assert.deepEqual(
    drops.map(({ code }) => code),
    ['attachment-failed'],
  );
});

test('a note that is too long for the desk has a reason; its connector attaches it whole', () => {
  const { drops } = fitCommand(command({ note: 'x'.repeat(1001) }), limits, 'Desk', null);
  assert.deepEqual(
    drops.map(({ code }) => code),
    ['shortened'],
  );
});

test('nothing is cut within what people see as one character', () => {
  assert.equal(cutText('ab👩‍👩‍👧‍👦cd', 6), 'ab…');
  assert.equal(cutText('e\u0301e\u0301e\u0301', 4), 'e\u0301…');
  assert.equal(cutBytes('äöü', 5), 'ä…');
  assert.equal(cutBytes('abc', 3), 'abc');
  for (let most = 1; most < 40; most += 1) {
    const text = '👍🏽 naïve 🇩🇪 שלום x̧̌ end of it';
    assert.ok(Buffer.byteLength(cutBytes(text, most)) <= Math.max(most, 3));
    assert.ok(cutBytes(text, most).isWellFormed());
  }
});

const translating = {
  catalogue: acmeCatalogue,
  opening: false,
  row: undefined,
  target: undefined,
  bare: false,
} as const;

function sites(chosen: readonly string[], now: readonly string[] | null) {
  const row = {
    from: 'Places',
    to: 'Sites',
    options: [
      { from: 'North', to: 'Leeds' },
      { from: 'South', to: 'Leeds' },
    ],
  };
  return translateFields(
    {
      ...translating,
      words: words({ fields: { Places: chosen } }),
      inbound: inbound({ fields: [row] }),
      snapshot: snapshot({ fields: { Sites: now } }),
    },
    'Acme',
  );
}

test('options that are mapped onto one are one', () => {
  assert.deepEqual(sites(['North', 'South'], null).values, { Sites: ['Leeds'] });
});

test('chosen options are compared as sets: neither order nor repeats are a change, and a missing one is', () => {
  assert.equal(sites(['York', 'North'], ['Leeds', 'York']).changes, false);
  assert.equal(sites(['North', 'South'], ['leeds', 'Leeds']).changes, false);
  assert.equal(sites(['North', 'South'], ['Leeds', 'York']).changes, true);
  assert.equal(sites(['North', 'York'], ['Leeds', 'Leeds']).changes, true);
  const now = snapshot({ fields: { Sites: ['York', 'Leeds'] } });
  assert.deepEqual(unrecorded({ summary: now.summary, fields: { Sites: ['Leeds', 'York'] } }, now, []).fields, {});
});

test('two options for a field of one value are one where they are mapped onto the same', () => {
  const row = {
    from: 'Who',
    to: 'Scope',
    options: [
      { from: 'a', to: 'Everybody' },
      { from: 'b', to: 'Everybody' },
    ],
  };
  const input = { ...translating, inbound: inbound({ fields: [row] }), snapshot: snapshot() };
  const both = translateFields({ ...input, words: words({ fields: { Who: ['a', 'b'] } }) }, 'Acme');
  assert.deepEqual(both.values, { Scope: 'Everybody' });
});

test('a write that an earlier version promised is known by the fingerprint of that version', () => {
  const note = '<p>a &Alpha; b</p>';
  const recorded = { note, visibility: 'hidden', fields: {}, files: [] } as const;
  assert.match(fingerprintOf(recorded), /^note2:hidden:/);
  assert.match(fingerprintBefore(recorded), /^note:hidden:/);
  assert.equal(fingerprintOf(recorded), fingerprintOf({ ...recorded, note: '<p>a \u0391 b</p>' }));
  const write = {
    delivery: 'd',
    step: 0,
    marker: 'm',
    fingerprints: [fingerprintBefore(recorded)],
    state: 'open',
    actionIds: [],
    promisedAt: '2026-01-01T00:00:00Z',
    deadline: '2026-01-01T00:01:00Z',
  } as const;
  const seen = {
    externalId: '1',
    at: '2026-01-01T00:00:01Z',
    author: { name: 'Ferry', role: 'service' },
    bare: false,
    fingerprint: fingerprintOf(recorded),
  } as const;
  const of = (action: typeof seen & { readonly fingerprintBefore?: string }) =>
    recognise({ actions: [action], known: new Map(), writes: [write], liveSince: null, settleMs: 5000 });
  assert.equal(of({ ...seen, fingerprintBefore: fingerprintBefore(recorded) }).actions[0]?.as, 'echo');
  assert.equal(of(seen).stoppedAt, 0);
});

test('an HTML field is cut in its text, never within a tag, and is whole and unchanged in the note', () => {
  const html = `<p>Line <b>one</b> &amp; ${'👩‍👩‍👧‍👦'.repeat(3)}</p><ul><li>second</li><li>third</li></ul>`;
  for (let most = 20; most < html.length; most += 1) {
    const given = command({ fields: { Plan: html } });
    const { command: fitted, drops } = fitCommand(
      given,
      { fields: { Plan: { most, unit: 'characters', html: true } } },
      'Desk',
      null,
    );
    const short = String(fitted.fields['Plan']);
    assert.ok(short.length <= most, short);
    assert.equal(sanitise(short), short);
    assert.equal(fitted.note, `<p>x</p><p><strong>Plan:</strong></p>${html}`);
    assert.equal(drops.length, 1);
  }
  const whole = command({ fields: { Plan: html } });
  const fits = { fields: { Plan: { most: html.length, unit: 'characters', html: true } as const } };
  assert.equal(fitCommand(whole, fits, 'Desk', null).command, whole);
});
