import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { canonicalConstant } from '#core/log/constant.ts';
import { refKey } from '#core/words/ref.ts';
import { wireAction, wireEntity, wireRef, wireTicket } from '#core/wire.ts';

const ticket = { id: '12', number: '#12', url: 'https://acme.example/12', closed: false };

test('a ticket on the wire that names no entity is a ticket, and is passed on without one', () => {
  assert.deepEqual(wireRef('acme', wireTicket.parse(ticket)), { instance: 'acme', entity: 'ticket', externalId: '12' });
  assert.deepEqual({ ...ticket, ...wireEntity('ticket') }, ticket);
  assert.deepEqual(wireTicket.parse(ticket), ticket);
});

test('another entity is named, and is another record', () => {
  const named = wireTicket.parse({ ...ticket, ...wireEntity('Case') });
  assert.equal(named.entity, 'Case');
  assert.notEqual(refKey(wireRef('acme', named)), refKey(wireRef('acme', ticket)));
  assert.equal(wireTicket.safeParse({ ...ticket, entity: '' }).success, false);
  assert.equal(wireTicket.safeParse({ ...ticket, entity: 'x'.repeat(256) }).success, false);
});

test('refs have one key only if they name one record, whatever their parts contain', () => {
  const parts = ['a', 'b', '', '\n', '"', 'a\nb', 'a","b', ' '];
  const keys = parts.flatMap((instance) =>
    parts.flatMap((entity) => parts.map((externalId) => refKey({ instance, entity, externalId }))),
  );
  assert.equal(new Set(keys).size, keys.length);
});

test('an action that was signed before entities were named has the same canonical text and hash', () => {
  // As version 0.1.0 made them.
  const text =
    '{"at":"2026-11-22T09:00:00.000Z","attachments":[],"audience":"desks","author":{"email":"ann@acme.example","name":"Ann Agent","role":"agent"},"id":"0198f0a0-0000-7000-8000-000000000001","note":"<p>The VPN drops.</p>","origin":"https://acme.example/i/acme"}';
  const action = wireAction.parse({
    seq: 1,
    after: 0,
    constant: {
      id: '0198f0a0-0000-7000-8000-000000000001',
      origin: 'https://acme.example/i/acme',
      author: { name: 'Ann Agent', email: 'ann@acme.example', role: 'agent' },
      at: '2026-11-22T09:00:00.000Z',
      audience: 'desks',
      note: '<p>The VPN drops.</p>',
      attachments: [],
    },
    words: { kind: 'Escalate' },
    via: ['https://acme.example/i/acme'],
    trace: '0'.repeat(32),
    ticket: { ...ticket, entity: 'Case' },
  });
  const canonical = canonicalConstant(action.constant as Parameters<typeof canonicalConstant>[0]);
  assert.equal(canonical, text);
  assert.equal(
    createHash('sha256').update(canonical).digest('hex'),
    'bd369e6b9819f86725c68195a518b3c143147addfb7953a13bfd43c2830258dd',
  );
});
