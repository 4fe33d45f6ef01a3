// What holds for whatever settings and catalogues come, and for every pair that lint has nothing against.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decide } from '#core/conversation/decide.ts';
import { send } from '#core/conversation/send.ts';
import { findingCodes, placeText } from '#core/lint/finding.ts';
import { lintLink, type LintInput } from '#core/lint/lint.ts';
import { breakerChanges } from '#core/log/breaker.ts';
import { sideSchema, type SideSettings } from '#core/rules/settings.ts';
import { otherSide } from '#core/words/ends.ts';
import { sameName } from '#core/words/names.ts';
import type { Action, Catalogue, Command, SideName, TicketSnapshot } from '#core/words/vocabulary.ts';
import { action, kind, mirror, now, snapshot, words } from '#test/core/fixtures.ts';
import { anyLink } from './arbitraries.ts';

test('lint is total: whatever comes, each finding has a known code, a place within its side, and words for people', () => {
  fc.assert(
    fc.property(anyLink, (input) => {
      for (const { code, severity, place, why, fix } of lintLink(input)) {
        assert.ok(findingCodes.includes(code));
        assert.ok(severity === 'error' || severity === 'warning');
        assert.ok(place[0] === 'customer' || place[0] === 'supplier');
        assert.notEqual(place[0], input.remote);
        assert.match(placeText(place), /^(?:customer|supplier)\./);
        assert.ok(why.endsWith('.') && fix.length >= 10);
      }
    }),
    { numRuns: 1_500 },
  );
});

test('lint says the same of the same, and tells nothing twice', () => {
  fc.assert(
    fc.property(anyLink, (input) => {
      const found = lintLink(input).map((one) => JSON.stringify(one));
      assert.deepEqual(
        found,
        lintLink(structuredClone(input)).map((one) => JSON.stringify(one)),
      );
      assert.equal(new Set(found).size, found.length);
    }),
    { numRuns: 500 },
  );
});

test('with no catalogue known, nothing is said about what a desk has', () => {
  const needing = new Set(['unknown-name', 'field-type-differs', 'not-allowed', 'mandatory-field', 'own-sync-on']);
  fc.assert(
    fc.property(anyLink, (input) => {
      const found = lintLink({ ...input, customerCatalogue: null, supplierCatalogue: null });
      assert.ok(found.every(({ code }) => !needing.has(code)));
    }),
    { numRuns: 300 },
  );
});

const statusNames = ['s1', 's2', 's3', 's4'];
const kindNames = ['note', 'shown', 'sent', 'mails', 'closes', 'closes and mails'];

const rows = (from: readonly string[], to: readonly string[]) =>
  fc.uniqueArray(fc.record({ from: fc.constantFrom(...from), to: fc.constantFrom(...to) }), {
    maxLength: from.length,
    selector: (row) => row.from,
  });

const anyRow = fc.record(
  {
    from: fc.constantFrom(...kindNames),
    to: fc.constantFrom(...kindNames),
    audience: fc.constantFrom<'desks' | 'user'>('desks', 'user'),
    mailsUser: fc.boolean(),
    status: fc.constantFrom(...statusNames),
  },
  { requiredKeys: ['from', 'to', 'mailsUser'] },
);
/** As somebody writes it who knows what the kinds do. */
const usualRow = fc
  .record({ from: fc.constantFrom('sent', 'closes', 'closes and mails'), to: fc.constantFrom(...kindNames) })
  .map(({ from, to }) => {
    const mails = to.includes('mails') && !from.includes('mails');
    return { from, to, mailsUser: mails, ...(mails || to === 'shown' ? { audience: 'user' as const } : {}) };
  });

/** Sides that are often fit for use. */
const sideSettings = fc
  .record({
    statuses: rows(statusNames, statusNames),
    actions: fc.uniqueArray(fc.oneof({ arbitrary: usualRow, weight: 5 }, anyRow), {
      maxLength: 4,
      selector: (row) => row.from,
    }),
    sends: fc.subarray(['sent', 'closes', 'closes and mails', 'Status'], { minLength: 1 }),
    requester: fc.constantFrom('hidden', 'name+email'),
  })
  .map(({ statuses, actions, sends, requester }) => ({ statuses, actions, sends, requester }));

const deskCatalogue = (towards: 'customer' | 'supplier') =>
  fc
    .record({
      automations: fc.array(
        fc.record({
          name: fc.constantFrom('one', 'two'),
          on: fc.oneof(
            fc.record({ kind: fc.constantFrom(...kindNames) }),
            fc.record({ status: fc.constantFrom(...statusNames) }),
          ),
          does: fc.record(
            { kind: fc.constantFrom(...kindNames), status: fc.constantFrom(...statusNames), mailsUser: fc.boolean() },
            { requiredKeys: [] },
          ),
        }),
        { maxLength: 2 },
      ),
      own: fc.option(fc.constantFrom(...statusNames), { nil: null }),
    })
    .map(({ automations, own }): Catalogue => ({
      statuses: statusNames.map((name) => ({ name, closed: name === 's4' })),
      categories: [],
      types: [],
      priorities: [],
      fields: [],
      kinds: [
        kind('note', { hidden: true, status: own }),
        kind('shown'),
        kind('sent', { sends: towards }),
        kind('mails', { mails: true }),
        kind('closes', { status: 's4' }),
        kind('closes and mails', { mails: true, status: 's4' }),
        { ...kind('Status'), bare: true },
        kind('escalate', { hidden: true }),
      ],
      accounts: [],
      teams: [],
      automations,
    }));

const pair: fc.Arbitrary<LintInput> = fc
  .record({
    customer: sideSettings,
    supplier: sideSettings,
    customerCatalogue: deskCatalogue('supplier'),
    supplierCatalogue: deskCatalogue('customer'),
  })
  .map(({ customer, supplier, ...catalogues }) => {
    const side = ({ statuses, actions, sends, requester }: typeof customer, escalates: boolean): SideSettings =>
      sideSchema.parse({
        account: { name: 'x' },
        inbound: { statuses, actions, actionDefault: 'note' },
        outbound: { actions: sends, requester, ...(escalates ? { escalates: { kind: 'escalate' } } : {}) },
      });
    return {
      ...catalogues,
      customer: side(customer, true),
      supplier: side(supplier, false),
      names: { customer: 'Acme', supplier: 'Northwind' },
    };
  });

const desks = { customer: 'acme', supplier: 'northwind' } as const;

type Tickets = { readonly [side in SideName]: TicketSnapshot };

/** Computes the effect of an action recorded at one side; null if it does not leave or changes nothing. */
function carried(
  input: LintInput,
  from: SideName,
  recorded: Action,
  visible: boolean,
  tickets: Tickets,
): Command | null {
  const to = otherSide(from);
  const catalogueOf = (side: SideName): Catalogue | null =>
    side === 'customer' ? input.customerCatalogue : input.supplierCatalogue;
  const catalogueKind = catalogueOf(from)?.kinds.find(({ name }) => name === recorded.words.kind);
  const sent = send({
    action: recorded,
    visibility: visible ? 'visible' : 'hidden',
    side: from,
    outbound: input[from].outbound,
    snapshot: tickets[from],
    escalation: false,
    ...(catalogueKind === undefined ? {} : { catalogueKind }),
    senderName: input.names[from],
    relayed: false,
    publicThread: [],
  });
  const catalogue = catalogueOf(to);
  if (sent.kind !== 'send' || catalogue === null) return null;
  const verdict = decide({
    outgoing: sent.outgoing,
    escalation: false,
    mirror: mirror({ side: to }),
    inbound: input[to].inbound,
    account: input[to].account,
    catalogue,
    snapshot: tickets[to],
    senderName: input.names[from],
    now,
    linkMode: 'live',
  });
  return verdict.kind === 'apply' ? verdict.command : null;
}

function recordedAt(side: SideName, name: string, status: string | undefined, note: string | null): Action {
  return action({
    origin: desks[side],
    via: [desks[side]],
    at: now,
    audience: note === null ? 'team' : 'desks',
    note,
    words: words({ kind: name, ...(status === undefined ? {} : { status }) }),
  });
}

function afterwards(tickets: Tickets, at: SideName, command: Command, catalogue: Catalogue | null): Tickets {
  const own = catalogue?.kinds.find(({ name }) => name === command.kind)?.status ?? undefined;
  const status = command.status ?? own ?? tickets[at].status;
  return { ...tickets, [at]: { ...tickets[at], status, closed: status === 's4' } };
}

const start = fc.record({
  from: fc.constantFrom<SideName>('customer', 'supplier'),
  kind: fc.constantFrom('sent', 'closes', 'closes and mails', 'Status', ...kindNames),
  status: fc.option(fc.constantFrom(...statusNames), { nil: undefined }),
  statuses: fc.record({ customer: fc.constantFrom(...statusNames), supplier: fc.constantFrom(...statusNames) }),
});

test('a pair without errors comes to rest before the breaker would stop it, though each desk answers what Ferry writes with what its ticket is then', () => {
  let clean = 0;
  let answered = 0;
  fc.assert(
    fc.property(pair, start, (input, { from, kind: name, status, statuses }) => {
      fc.pre(lintLink(input).every(({ severity }) => severity !== 'error'));
      clean += 1;
      let tickets: Tickets = {
        customer: snapshot({ status: statuses.customer, closed: statuses.customer === 's4' }),
        supplier: snapshot({ status: statuses.supplier, closed: statuses.supplier === 's4' }),
      };
      let side = from;
      // A bare answer with the kind that was used, as a desk whose echoes are not recognised gives it.
      let open: readonly Action[] = [recordedAt(from, name, status, '<p>x</p>')];
      let turns = 0;
      for (; open.length > 0 && turns <= 50; turns += 1) {
        const to = otherSide(side);
        const answers: Action[] = [];
        for (const recorded of open) {
          const command = carried(input, side, recorded, true, tickets);
          if (command === null) continue;
          tickets = afterwards(
            tickets,
            to,
            command,
            to === 'customer' ? input.customerCatalogue : input.supplierCatalogue,
          );
          answers.push(recordedAt(to, command.kind ?? 'Status', tickets[to].status, null));
          answers.push(recordedAt(to, 'Status', tickets[to].status, null));
        }
        if (answers.length > 0) answered += 1;
        open = answers;
        side = to;
      }
      assert.ok(turns < breakerChanges, `${turns} turns`);
    }),
    { numRuns: 400, maxSkipsPerRun: 500 },
  );
  assert.ok(clean >= 400 && answered > 50, `${clean} pairs, ${answered} answers`);
});

test('a pair that lint has nothing against shows and mails an end user nothing of the supplier’s agents but where a row says so', () => {
  let shown = 0;
  fc.assert(
    fc.property(pair, start, (input, { kind: name, status, statuses }) => {
      const about = lintLink(input).filter(({ code, severity }) => severity === 'error' || code === 'audience-widens');
      fc.pre(about.length === 0);
      const tickets: Tickets = {
        customer: snapshot({ status: statuses.customer }),
        supplier: snapshot({ status: statuses.supplier }),
      };
      const command = carried(input, 'supplier', recordedAt('supplier', name, status, '<p>x</p>'), true, tickets);
      if (command === null || (command.visibility === 'hidden' && !command.mailsUser)) return;
      shown += 1;
      const row = input.customer.inbound.actions.find(({ from }) => sameName(from, name));
      assert.equal(row?.audience, 'user');
    }),
    { numRuns: 400, maxSkipsPerRun: 500 },
  );
  assert.ok(shown > 0);
});

test('a pair without errors never mails the end user twice when the supplier closes the ticket', () => {
  let mailed = 0;
  fc.assert(
    fc.property(pair, start, (input, { kind: name, status }) => {
      fc.pre(lintLink(input).every(({ severity }) => severity !== 'error'));
      const tickets: Tickets = { customer: snapshot({ status: 's1' }), supplier: snapshot({ status: 's1' }) };
      const own = input.supplierCatalogue?.kinds.find((one) => one.name === name);
      const said = own?.status ?? status;
      const command = carried(input, 'supplier', recordedAt('supplier', name, said, '<p>x</p>'), true, tickets);
      if (command === null) return;
      const after = afterwards(tickets, 'customer', command, input.customerCatalogue);
      if (!after.customer.closed) return;
      const automations = (input.customerCatalogue?.automations ?? []).filter(
        ({ on, does }) =>
          does.mailsUser === true &&
          ('kind' in on ? command.kind !== null && sameName(on.kind, command.kind) : sameName(on.status, 's4')),
      );
      const direct = own?.mails === true && input.customer.outbound.requester === 'name+email' ? 1 : 0;
      const mails = (command.mailsUser ? 1 : 0) + automations.length + direct;
      if (mails > 0) mailed += 1;
      assert.ok(mails <= 1, `${mails} mails`);
    }),
    { numRuns: 600, maxSkipsPerRun: 500 },
  );
  assert.ok(mailed > 0);
});
