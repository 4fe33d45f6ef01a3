import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '#core/conversation/decide.ts';
import type { DecideInput } from '#core/conversation/decide-input.ts';
import { action, decideInput, inbound, outgoing, short, snapshot, words } from './fixtures.ts';

const statuses = [{ from: 'Done', to: 'Resolved' }];

function bare(
  part: Parameters<typeof words>[0],
  settings: Parameters<typeof inbound>[0],
  more: Partial<DecideInput> = {},
) {
  const changed = outgoing({
    action: action({ note: null, words: words({ kind: 'Status', ...part }), audience: 'team' }),
  });
  return decide(decideInput({ outgoing: changed, inbound: inbound(settings), ...more }));
}

test('a bare change of status needs no mapping of its kind: it is a plain change', () => {
  const verdict = bare({ status: 'Done' }, { statuses });
  assert.ok(verdict.kind === 'apply');
  assert.equal(verdict.command.kind, null);
  assert.equal(verdict.command.status, 'Resolved');
  assert.equal(verdict.command.note, null);
});

test('a bare change does not take the default action', () => {
  const verdict = bare({ status: 'Done' }, { statuses, actionDefault: 'Internal Update' });
  assert.ok(verdict.kind === 'apply');
  assert.equal(verdict.command.kind, null);
});

test('a bare change whose kind is mapped uses that kind', () => {
  const verdict = bare({ status: 'Done' }, { statuses, actions: [{ from: 'Status', to: 'Resolve', mailsUser: true }] });
  assert.ok(verdict.kind === 'apply');
  assert.deepEqual(
    [verdict.command.kind, verdict.command.status, verdict.command.mailsUser],
    ['Resolve', 'Resolved', true],
  );
});

test('a closing action that is mapped mails once: where the ticket is closed already it does nothing', () => {
  const settings = { statuses, actions: [{ from: 'Status', to: 'Resolve', mailsUser: true }] };
  assert.equal(
    short(bare({ status: 'Done' }, settings, { snapshot: snapshot({ status: 'Resolved', closed: true }) })),
    'skip(no-op)',
  );
});

test('a mapped action whose kind sets a status is applied although nothing else changed', () => {
  const settings = { actions: [{ from: 'Close', to: 'Resolve' }] };
  assert.equal(short(bare({ kind: 'Close' }, settings)), 'apply');
  assert.equal(short(bare({ kind: 'Close' }, settings, { snapshot: snapshot({ status: 'Resolved' }) })), 'skip(no-op)');
});

test('where everything was dropped the reason is that of the first drop', () => {
  assert.equal(short(bare({ status: 'Scheduled' }, { statuses })), 'skip(unmapped-status)');
  assert.equal(short(bare({ category: 'Cloud' }, {})), 'skip(unmapped-category)');
  assert.equal(
    short(bare({ fields: { Asset: 'x' } }, { fields: [{ from: 'Asset', to: 'Service' }] })),
    'skip(field-waits-for-action)',
  );
});

test('what is already so gives no command', () => {
  assert.equal(
    short(bare({ status: 'Done' }, { statuses }, { snapshot: snapshot({ status: 'Resolved' }) })),
    'skip(no-op)',
  );
});

test('an unmapped status is dropped with its reason and the note still goes', () => {
  const verdict = decide(
    decideInput({ outgoing: outgoing({ action: action({ words: words({ status: 'Scheduled' }) }) }) }),
  );
  assert.ok(verdict.kind === 'apply');
  assert.equal(verdict.command.status, undefined);
  assert.equal(verdict.command.note, '<p>Hello</p>');
  assert.deepEqual(
    verdict.drops.map(({ code }) => code),
    ['unmapped-status'],
  );
});

test('a bare change whose kind is mapped onto one that is gone is a plain change, with the reason', () => {
  const verdict = bare({ status: 'Done' }, { statuses, actions: [{ from: 'Status', to: 'Vanished' }] });
  assert.ok(verdict.kind === 'apply');
  assert.deepEqual([verdict.command.kind, verdict.drops.map(({ code }) => code)], [null, ['unknown-in-catalogue']]);
});
