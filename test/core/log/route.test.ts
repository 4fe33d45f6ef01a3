import assert from 'node:assert/strict';
import { test } from 'node:test';
import { route, type Route, type RouteInput } from '#core/log/route.ts';
import { daysBefore, mirror, opening, outbound, routeAction, routeInput, words } from '#test/core/fixtures.ts';

function shortRoute(result: Route): string {
  if (result.opens !== null) return `opens ${result.opens.link}`;
  if (result.reason !== null) return result.reason.code;
  return result.deliveries.map(({ mirror: id, again }) => (again === true ? `${id} again` : id)).join(' ');
}

const escalate = routeAction({ words: words({ kind: 'Escalate' }) });
const supplierSide = mirror({ id: 'm2', link: 'contoso-acme', side: 'supplier' });
const otherSupplier = mirror({
  id: 'm3',
  link: 'acme-contoso',
  supplier: { instance: 'contoso', name: 'Contoso', ticketId: '3', number: 'C-3', url: 'https://contoso.example/3' },
});
const silent = outbound();
const named = outbound({ actions: ['Note to supplier'] });

const cases: readonly (readonly [string, Partial<RouteInput>, string])[] = [
  ['what escalates opens the link', { action: escalate, mirrors: [] }, 'opens acme-northwind'],
  [
    'what escalates opens although another link has a mirror',
    { action: escalate, mirrors: [otherSupplier] },
    'opens acme-northwind',
  ],
  [
    'escalating again goes down the lane of the live mirror, to be refused there',
    { action: escalate, mirrors: [mirror()] },
    'm1 again',
  ],
  [
    'escalating again while the first is still opening is queued after it',
    { action: escalate, mirrors: [mirror({ state: 'opening' })] },
    'm1 again',
  ],
  [
    'escalating after a refusal opens another ticket',
    { action: escalate, mirrors: [mirror({ state: 'refused' })] },
    'opens acme-northwind',
  ],
  [
    'escalating after it closed opens another ticket',
    { action: escalate, mirrors: [mirror({ state: 'closed', closeReason: 'done', closedAt: daysBefore(1) })] },
    'opens acme-northwind',
  ],
  [
    'a mirror on the same link seen from the supplier side is no obstacle to escalating',
    { action: escalate, mirrors: [mirror({ side: 'supplier' })] },
    'opens acme-northwind',
  ],
  [
    'what would open two links opens none, since nobody said which',
    { action: escalate, mirrors: [], openings: [opening(), opening({ link: 'acme-contoso', linkName: 'Contoso' })] },
    'no-target',
  ],
  [
    'without settings for escalating nothing opens',
    { action: escalate, mirrors: [], openings: [opening({ outbound: silent })] },
    'no-mirror',
  ],
  ['an action on a ticket without a mirror goes nowhere', { mirrors: [] }, 'no-mirror'],
  [
    'an action on a ticket with one mirror goes there; whether it leaves is asked later',
    { outboundOf: { m1: silent } },
    'm1',
  ],
  ['an opening mirror takes what follows its escalation', { mirrors: [mirror({ state: 'opening' })] }, 'm1'],
  ['a refused mirror takes nothing', { mirrors: [mirror({ state: 'refused' })] }, 'not-opened'],
  [
    'for 30 days replies still travel on a closed mirror',
    { mirrors: [mirror({ state: 'closed', closeReason: 'done', closedAt: daysBefore(29) })] },
    'm1',
  ],
  [
    'after 30 days the reply is still brought to its mirror, so that its refusal reaches the agent',
    { mirrors: [mirror({ state: 'closed', closeReason: 'done', closedAt: daysBefore(31) })] },
    'm1',
  ],
  [
    'a live mirror is preferred to closed ones',
    {
      mirrors: [
        mirror({ id: 'old', state: 'closed', closeReason: 'done', closedAt: daysBefore(1), superseded: true }),
        mirror({ id: 'new' }),
      ],
    },
    'new',
  ],
  [
    'an ended shadow mirror takes nothing',
    { mirrors: [mirror({ state: 'closed', closeReason: 'shadow-ended', closedAt: daysBefore(1) })] },
    'closed',
  ],
  [
    'with several mirrors and none addressed it goes nowhere',
    { mirrors: [mirror(), otherSupplier], outboundOf: { m1: silent, m3: silent } },
    'no-target',
  ],
  [
    'with several mirrors it goes where the settings name its kind',
    { mirrors: [mirror(), otherSupplier], outboundOf: { m1: silent, m3: named } },
    'm3',
  ],
  [
    'with several mirrors the choice made for this use decides the side',
    {
      action: routeAction({ sendTo: 'supplier', visibility: 'visible' }),
      mirrors: [mirror(), supplierSide],
      outboundOf: { m1: silent, m2: named },
    },
    'm1',
  ],
  [
    'with several mirrors the choice of the customer goes to the customer',
    {
      action: routeAction({ sendTo: 'customer', visibility: 'visible' }),
      mirrors: [mirror(), supplierSide],
      outboundOf: { m1: named, m2: silent },
    },
    'm2',
  ],
  [
    'a choice that fits two suppliers goes to neither unless the settings name the kind for one',
    {
      action: routeAction({ sendTo: 'supplier' }),
      mirrors: [mirror(), otherSupplier],
      outboundOf: { m1: silent, m3: silent },
    },
    'no-target',
  ],
  [
    'a choice that fits two suppliers goes to the one whose settings name the kind',
    {
      action: routeAction({ sendTo: 'supplier' }),
      mirrors: [mirror(), otherSupplier],
      outboundOf: { m1: named, m3: silent },
    },
    'm1',
  ],
  [
    'with several mirrors the choice of nobody wins over the settings',
    { action: routeAction({ sendTo: 'none' }), mirrors: [mirror(), otherSupplier] },
    'not-sent',
  ],
  [
    'an end user’s own reply goes to the desks this one is a customer of, not to its customers',
    {
      action: routeAction({
        author: { name: 'Priya', role: 'user' },
        words: words({ kind: 'Reply' }),
        visibility: 'visible',
      }),
      mirrors: [mirror(), supplierSide],
      outboundOf: { m1: silent, m2: silent },
    },
    'm1',
  ],
  [
    'an end user’s own reply goes nowhere with userReplies off everywhere',
    {
      action: routeAction({ author: { name: 'Priya', role: 'user' }, visibility: 'visible' }),
      mirrors: [mirror(), otherSupplier],
      outboundOf: { m1: outbound({ userReplies: false }), m3: outbound({ userReplies: false }) },
    },
    'user-reply-off',
  ],
  [
    'hidden at a desk in the middle is for its suppliers and never for its customers',
    { mirrors: [mirror(), supplierSide], outboundOf: { m1: named, m2: named } },
    'm1',
  ],
  [
    'visible at a desk in the middle goes both ways where both settings name it',
    {
      action: routeAction({ visibility: 'visible' }),
      mirrors: [mirror(), supplierSide],
      outboundOf: { m1: named, m2: named },
    },
    'm1 m2',
  ],
  [
    'settings that are missing for a mirror name nothing',
    { mirrors: [mirror(), otherSupplier], outboundOf: {} },
    'no-target',
  ],
];

for (const [name, part, expected] of cases) {
  test(name, () => {
    assert.equal(shortRoute(route(routeInput(part))), expected);
  });
}

test('a field set to the supplier’s name escalates, and a mark that is already set does not fire again', () => {
  const openings = [opening({ outbound: outbound({ escalates: { field: 'Supplier', equals: 'Northwind' } }) })];
  const set = routeAction({ words: words({ kind: 'CustomField', fields: { Supplier: 'Northwind' } }) });
  const other = routeAction({ words: words({ kind: 'CustomField', fields: { Asset: 'x' } }) });
  assert.equal(shortRoute(route(routeInput({ action: set, mirrors: [], openings }))), 'opens acme-northwind');
  assert.equal(shortRoute(route(routeInput({ action: other, mirrors: [], openings }))), 'no-mirror');
});

test('the audience is fixed from how the note shows and whether it is sent', () => {
  const visible = routeAction({ visibility: 'visible' });
  assert.equal(route(routeInput()).audience, 'desks');
  assert.equal(route(routeInput({ outboundOf: { m1: silent } })).audience, 'team');
  assert.equal(route(routeInput({ action: visible })).audience, 'user');
  assert.equal(route(routeInput({ action: visible, mirrors: [mirror({ side: 'supplier' })] })).audience, 'desks');
  assert.equal(route(routeInput({ action: routeAction({ visibility: 'unknown' }) })).audience, 'team');
});

test('what goes both ways from a desk in the middle has the narrower of both audiences', () => {
  for (const mirrors of [
    [mirror(), supplierSide],
    [supplierSide, mirror()],
  ]) {
    const visible = routeAction({ visibility: 'visible' });
    const result = route(routeInput({ action: visible, mirrors, outboundOf: { m1: named, m2: named } }));
    assert.equal(result.audience, 'desks');
  }
});

test('a reason names the desks among which one must be chosen', () => {
  const result = route(routeInput({ mirrors: [mirror(), otherSupplier], outboundOf: {} }));
  assert.match(result.reason?.text ?? '', /Northwind, Contoso/);
});
