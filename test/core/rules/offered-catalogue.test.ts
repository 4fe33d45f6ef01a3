import assert from 'node:assert/strict';
import { test } from 'node:test';
import { offeredCatalogue } from '#core/rules/offered-catalogue.ts';
import type { SideSettings } from '#core/rules/settings.ts';
import { acmeCatalogue, inbound, northwindCatalogue, outbound } from '#test/core/fixtures.ts';

function side(part: Partial<SideSettings> = {}): SideSettings {
  return { account: { name: 'Other' }, inbound: inbound(), outbound: outbound(), ...part } as SideSettings;
}

test('a side offers the action kinds that it may send, by mark or by name, and no other', () => {
  const names = (settings: SideSettings): readonly string[] =>
    offeredCatalogue(settings, acmeCatalogue, 'customer').kinds.map(({ name }) => name);
  assert.deepEqual(names(side()), ['Resolve', 'Escalate', 'Note to supplier']);
  assert.ok(names(side({ outbound: outbound({ actions: [' public  note '] }) })).includes('Public Note'));
  assert.deepEqual(offeredCatalogue(side(), acmeCatalogue, 'customer').kinds[0], {
    name: 'Resolve',
    hidden: false,
    mails: true,
  });
});

test('a side offers only fields that its rules name, however deep in a condition', () => {
  const escalates = { any: [{ kind: 'Escalate' }, { not: { all: [{ field: 'scope', equals: 'Everybody' }] } }] };
  const settings = side({
    inbound: inbound({ fields: [{ from: 'Hurry', to: 'Urgent' }] }),
    outbound: outbound({ escalates }),
  });
  const { fields } = offeredCatalogue(settings, acmeCatalogue, 'customer');
  assert.deepEqual(
    fields.map(({ name }) => name),
    ['Scope', 'Urgent'],
  );
  assert.deepEqual(offeredCatalogue(side(), acmeCatalogue, 'customer').fields, []);
});

test('a supplier offers the ticket types that it opens, each once; a customer offers all of its own', () => {
  const ticketTypes = [
    { from: 'Incident', to: 'managed incident' },
    { from: 'Request', to: 'Managed Incident' },
  ];
  const settings = side({ inbound: inbound({ ticketTypes, ticketTypeDefault: 'Customer Task' }) });
  assert.deepEqual(offeredCatalogue(settings, northwindCatalogue, 'supplier').types, [
    { name: 'Managed Incident' },
    { name: 'Customer Task' },
  ]);
  assert.deepEqual(offeredCatalogue(side(), acmeCatalogue, 'customer').types, acmeCatalogue.types);
});

test('nothing of accounts and teams is offered', () => {
  assert.deepEqual(Object.keys(offeredCatalogue(side(), northwindCatalogue, 'supplier')).toSorted(), [
    'categories',
    'fields',
    'kinds',
    'priorities',
    'statuses',
    'types',
  ]);
});
