import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command, TicketSnapshot } from '#core/words/vocabulary.ts';
import { fieldsNotTaken, isSeen, statusUndone, type LoggedReadBack } from '#core/log/read-back.ts';

const command: Command = {
  ticketId: '1',
  kind: null,
  note: null,
  visibility: 'visible',
  mailsUser: false,
  author: { display: 'Ann Lee (Acme)' },
  at: '2026-03-04T05:06:07Z',
  status: 'open',
  fields: { Started: '2026-03-04T09:00:00.000Z', Asset: null },
  attachments: [],
};

const snapshot: TicketSnapshot = {
  ticketId: '1',
  number: '#1',
  url: 'http://desk.example/1',
  summary: 'VPN drops',
  description: '',
  status: 'Open',
  closed: false,
  category: 'Network',
  type: null,
  priority: null,
  fields: { started: '2026-03-04T09:00:00Z' },
  account: null,
  requester: null,
};

const nothing: LoggedReadBack = { seen: new Set(), people: [] };

/** Whether the desk, which recorded nothing and named no id, has done it. */
function done(part: Partial<Command> = {}, ticket: Partial<TicketSnapshot> = {}, logged = nothing): boolean {
  const step = { name: 'all', command: { ...command, ...part }, fingerprints: ['x'] } as const;
  const last = { index: 0, made: { ticketId: '1', actionIds: [] } };
  return isSeen('d', last, step, logged, { ...snapshot, ...ticket });
}

test('a bare change to the present value is done, although the desk records nothing', () => {
  assert.ok(done());
  assert.ok(done({ category: 'Network', priority: null, summary: 'VPN drops' }));
});

test('a bare change that the ticket does not show is not', () => {
  assert.ok(!done({}, { status: 'new' }));
  assert.ok(!done({ fields: { Asset: 'LT-1' } }));
  assert.ok(!done({ category: 'Hardware' }));
  assert.ok(!done({ priority: 'High' }));
  assert.ok(!done({ summary: 'Other' }));
});

test('a note, a file, an action kind or a reference must be shown, whatever the state of the ticket', () => {
  assert.ok(!done({ note: '<p>Hello</p>' }));
  assert.ok(!done({ kind: 'Update' }));
  assert.ok(!done({ supplierReference: { number: '#7', url: '' } }));
  assert.ok(done({ note: '<p>Hello</p>' }, {}, { ...nothing, seen: new Set(['d/0']) }));
});

const spellings = [
  ['In Progress', 'in  progress'],
  ['In Progress', ' IN\u00a0PROGRESS '],
  ['Erled\u00edgt', 'erledi\u0301gt'],
] as const;

test('a status by another spelling of its name is the status that was asked for, as it is for every other rule', () => {
  for (const [asked, shown] of spellings) {
    assert.equal(statusUndone({ ...command, status: asked }, { ...snapshot, status: shown }, nothing), null);
    assert.equal(statusUndone({ ...command, status: shown }, { ...snapshot, status: asked }, nothing), null);
    assert.ok(done({ status: asked }, { status: shown }));
  }
});

test('a status that nobody known changed was undone, and one that a person changed was not', () => {
  const person = {
    words: { kind: null, status: 'Closed', fields: {} },
  } as unknown as LoggedReadBack['people'][number];
  assert.equal(statusUndone(command, { ...snapshot, status: 'Closed' }, nothing), 'open');
  assert.equal(statusUndone(command, { ...snapshot, status: 'Closed' }, { ...nothing, people: [person] }), null);
});

test('chosen options match in whatever order, spelling and repetition a desk shows them; a missing one does not', () => {
  const asked = { ...command, fields: { Sites: ['York', 'Leeds', 'York'] } };
  const shown = (...sites: string[]): TicketSnapshot => ({ ...snapshot, fields: { sites } });
  const logged: LoggedReadBack = { seen: new Set(), people: [] };
  assert.deepEqual(fieldsNotTaken(asked, shown('leeds', 'York'), logged), []);
  assert.deepEqual(fieldsNotTaken(asked, shown('Leeds', 'York', 'YORK'), logged), []);
  assert.deepEqual(fieldsNotTaken(asked, shown('York'), logged), ['Sites']);
  assert.deepEqual(fieldsNotTaken(asked, shown('York', 'Leeds', 'Hull'), logged), ['Sites']);
});
