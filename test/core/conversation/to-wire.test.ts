import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionToSend, constantToSend, senderTicket, type ToSend } from '#core/conversation/to-wire.ts';
import { wireLimits, type WireAction } from '#core/wire.ts';
import type { Directory } from '#core/words/directory.ts';
import { action, file, outgoing, snapshot } from '#test/core/fixtures.ts';

const id = '019b0000-0000-7000-8000-000000000001';
const directory: Directory = {
  publicUrl: 'https://acme.example',
  peers: new Map([['north', 'https://north.example/i/north']]),
  own: new Set(['acme']),
};
const from: ToSend['from'] = {
  entity: 'ticket',
  ticketId: '7',
  number: '#7',
  url: 'https://desk.example/7',
  snapshot: snapshot(),
};
const toSend: ToSend = {
  delivery: { seq: 3, escalation: false, releasedAt: null },
  action: { id, trace: null, signed: null, attachments: [] },
  from,
};
const said = outgoing({ action: action({ id, origin: 'acme', via: ['acme', 'acme', 'north'] }) });

function built(given: ToSend = toSend, what = said): WireAction {
  const { constant } = constantToSend(given, what, directory);
  const found = actionToSend(given, what, directory, constant, {});
  assert.equal(found.kind, 'action', JSON.stringify(found));
  return (found as Extract<typeof found, { kind: 'action' }>).action;
}

test('instances are named by their issuers, each once on the way, and without a trace the id serves as one', () => {
  const sent = built();
  assert.equal(sent.constant.origin, 'https://acme.example/i/acme');
  assert.deepEqual(sent.via, ['https://acme.example/i/acme', 'https://north.example/i/north']);
  assert.equal(sent.trace, id.replaceAll('-', ''));
  assert.deepEqual([sent.seq, sent.late], [3, false]);
  assert.equal('escalation' in sent, false);
});

test('what came signed from elsewhere travels on unchanged, whatever is recorded about it here', () => {
  const { constant, text } = constantToSend(toSend, said, directory);
  const { attachments: _, ...kept } = constant;
  const relayed = {
    ...toSend,
    action: { ...toSend.action, signed: JSON.stringify({ ...kept, note: '<p>As signed</p>' }) },
  };
  const again = constantToSend(relayed, outgoing({ action: action({ id, note: '<p>Altered</p>' }) }), directory);
  assert.equal(again.constant.note, '<p>As signed</p>');
  assert.equal(again.constant.origin, constant.origin);
  assert.notEqual(again.text, text);
});

test('an escalation says what the ticket is about, within the limit', () => {
  const delivery = { ...toSend.delivery, escalation: true, releasedAt: '2026-11-21T12:00:00.000Z' };
  const long = { ...from, snapshot: snapshot({ summary: 'x'.repeat(wireLimits.summary + 9) }) };
  const sent = built({ ...toSend, delivery, from: long });
  assert.equal(sent.escalation?.summary.length, wireLimits.summary);
  assert.equal(sent.late, true);
  assert.equal(built({ ...toSend, delivery }, { ...said, summary: 'Own words' }).escalation?.summary, 'Own words');
});

test('what is beyond the limits of the API is named, not cut', () => {
  const what = outgoing({ action: action({ id, origin: 'acme', note: 'x'.repeat(wireLimits.noteLength + 1) }) });
  const { constant } = constantToSend(toSend, what, directory);
  assert.deepEqual(actionToSend(toSend, what, directory, constant, {}), { kind: 'beyond', where: 'constant.note' });
});

test('a file without a digest can not be sent', () => {
  const what = outgoing({ action: action({ id, origin: 'acme', attachments: [file()] }) });
  assert.throws(() => constantToSend(toSend, what, directory), /digest of a staged file/);
});

test("the sender's ticket is as last read, else as the mirror knows it, else absent", () => {
  const { number, url } = snapshot();
  assert.deepEqual(senderTicket(from), { id: '7', number, url, closed: false });
  assert.deepEqual(senderTicket({ ...from, snapshot: null, number: null }), {
    id: '7',
    number: '7',
    url: 'https://desk.example/7',
    closed: false,
  });
  assert.equal(senderTicket({ ...from, ticketId: null }), null);
});

test('a ticket is sent without its entity, as to gateways that know none; another record says what it is', () => {
  const { number, url } = snapshot();
  assert.deepEqual(Object.keys(built().ticket), ['id', 'number', 'url', 'closed']);
  assert.deepEqual(senderTicket({ ...from, entity: 'Case' }), { id: '7', entity: 'Case', number, url, closed: false });
});
