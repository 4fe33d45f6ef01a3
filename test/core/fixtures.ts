/** Values for the tests of core: an Acme that escalates to a Northwind whose words differ on purpose. */
import type { DecideInput } from '#core/conversation/decide-input.ts';
import type { MirrorView } from '#core/words/mirror.ts';
import type { Opening, RouteAction, RouteInput } from '#core/log/route.ts';
import type { Outgoing, SendInput } from '#core/conversation/send.ts';
import { inboundSchema, outboundSchema, type Inbound, type Outbound } from '#core/rules/settings.ts';
import type {
  Action,
  Attachment,
  Catalogue,
  CatalogueKind,
  TicketSnapshot,
  Verdict,
  Words,
} from '#core/words/vocabulary.ts';
import type { z } from 'zod';

export const now = '2026-11-21T12:00:00.000Z';

export function daysBefore(days: number): string {
  return new Date(Date.parse(now) - days * 86_400_000).toISOString();
}

export function minutesBefore(minutes: number): string {
  return new Date(Date.parse(now) - minutes * 60_000).toISOString();
}

export function words(part: Partial<Words> = {}): Words {
  return { kind: 'Update', fields: {}, ...part };
}

export function action(part: Partial<Action> = {}): Action {
  return {
    id: 'a1',
    origin: 'northwind',
    author: { name: 'Ann Lee', email: 'ann@northwind.example', role: 'agent' },
    at: minutesBefore(1),
    audience: 'desks',
    note: '<p>Hello</p>',
    attachments: [],
    words: words(),
    via: ['northwind'],
    ...part,
  };
}

export function file(part: Partial<Attachment> = {}): Attachment {
  return { id: 'f1', name: 'log.txt', type: 'text/plain', sizeBytes: 3, inline: false, sha256: null, ...part };
}

export function mirror(part: Partial<MirrorView> = {}): MirrorView {
  return {
    id: 'm1',
    link: 'acme-northwind',
    state: 'open',
    closeReason: null,
    closedAt: null,
    mode: 'live',
    superseded: false,
    paused: false,
    side: 'customer',
    customer: { instance: 'acme', name: 'Acme IT', ticketId: '7', number: '#7', url: 'https://acme.example/7' },
    supplier: { instance: 'northwind', name: 'Northwind', ticketId: '9', number: 'NW-9', url: 'https://nw.example/9' },
    ...part,
  };
}

export function inbound(part: z.input<typeof inboundSchema> = {}): Inbound {
  return inboundSchema.parse(part);
}

export function outbound(part: z.input<typeof outboundSchema> = {}): Outbound {
  return outboundSchema.parse(part);
}

export function kind(name: string, part: Partial<CatalogueKind> = {}): CatalogueKind {
  return { name, hidden: false, mails: false, sends: 'none', status: null, ...part };
}

export const acmeCatalogue: Catalogue = {
  statuses: [
    { name: 'New', closed: false },
    { name: 'With supplier', closed: false },
    { name: 'Resolved', closed: true },
  ],
  categories: ['Network>VPN', 'Hardware>Laptop'],
  types: [{ name: 'Incident' }, { name: 'Service Request' }],
  priorities: ['High', 'Low'],
  fields: [
    { name: 'Supplier', type: 'option', options: ['Northwind MSP', 'Contoso'] },
    { name: 'Scope', type: 'option', options: ['One person', 'Everybody'] },
    { name: 'Sites', type: 'options', options: ['Leeds', 'York'] },
    { name: 'Needed by', type: 'date' },
    { name: 'Window', type: 'datetime' },
    { name: 'People', type: 'number' },
    { name: 'Urgent', type: 'boolean' },
    { name: 'Service', type: 'text' },
    { name: 'Plan', type: 'html' },
  ],
  kinds: [
    kind('Internal Update', { hidden: true }),
    kind('Public Note'),
    kind('Email User', { mails: true }),
    kind('Resolve', { mails: true, sends: 'supplier', status: 'Resolved' }),
    kind('Escalate', { hidden: true, sends: 'supplier', status: 'With supplier' }),
    kind('Note to supplier', { hidden: true, sends: 'supplier' }),
    kind('User reply'),
  ],
  accounts: ['Northwind MSP'],
  teams: ['Service Desk'],
};

export const northwindCatalogue: Catalogue = {
  statuses: [
    { name: 'In progress', closed: false },
    { name: 'Awaiting client', closed: false },
    { name: 'Done - confirm', closed: true },
  ],
  categories: ['Connectivity>Remote access', 'Devices>Endpoint'],
  types: [{ name: 'Managed Incident' }, { name: 'Customer Task' }],
  priorities: ['P2', 'P4'],
  fields: [
    { name: 'Reach', type: 'option', options: ['Single user', 'Whole company'] },
    { name: 'Places', type: 'options', options: ['Leeds', 'York'] },
    { name: 'Client due', type: 'date' },
    { name: 'Change window', type: 'datetime' },
    { name: 'Headcount', type: 'number' },
    { name: 'Hurry', type: 'boolean' },
    { name: 'Service name', type: 'text' },
    { name: 'Plan', type: 'html' },
  ],
  kinds: [
    kind('Update', { sends: 'customer' }),
    kind('Indirect email', { sends: 'customer' }),
    kind('Resolve third party', { sends: 'customer', status: 'Done - confirm' }),
    kind('Internal Note', { hidden: true }),
    kind('Client Note'),
    kind('Email customer', { mails: true }),
  ],
  accounts: ['Acme', 'Contoso'],
  teams: ['Second line'],
};

export function snapshot(part: Partial<TicketSnapshot> = {}): TicketSnapshot {
  return {
    ticketId: '7',
    number: '#7',
    url: 'https://acme.example/7',
    summary: 'VPN drops every hour',
    description: '<p>It drops.</p>',
    status: 'With supplier',
    closed: false,
    category: 'Network>VPN',
    type: 'Incident',
    priority: 'High',
    fields: {},
    account: null,
    requester: { name: 'Priya Nair', email: 'priya@acme.example', role: 'user' },
    ...part,
  };
}

export function routeAction(part: Partial<RouteAction> = {}): RouteAction {
  return {
    words: words({ kind: 'Note to supplier' }),
    visibility: 'hidden',
    author: { name: 'Dana Reyes', role: 'agent' },
    ...part,
  };
}

export function opening(part: Partial<Opening> = {}): Opening {
  return {
    link: 'acme-northwind',
    linkName: 'Northwind',
    supplierInstance: 'northwind',
    outbound: outbound({ escalates: { kind: 'Escalate' } }),
    mode: 'live',
    ...part,
  };
}

export function routeInput(part: Partial<RouteInput> = {}): RouteInput {
  const mirrors = part.mirrors ?? [mirror()];
  const named = outbound({ actions: ['Note to supplier'] });
  return {
    action: routeAction(),
    instance: 'acme',
    openings: [opening()],
    outboundOf: Object.fromEntries(mirrors.map(({ id }) => [id, named])),
    now,
    ...part,
    mirrors,
  };
}

/** From Acme, the customer, by default. */
export function sendInput(part: Partial<SendInput> = {}): SendInput {
  return {
    action: action({ origin: 'acme', via: ['acme'], words: words({ kind: 'Note to supplier' }) }),
    visibility: 'hidden',
    side: 'customer',
    outbound: outbound({ actions: ['Note to supplier'] }),
    snapshot: snapshot(),
    escalation: false,
    senderName: 'Acme IT',
    relayed: false,
    publicThread: [],
    ...part,
  };
}

export function outgoing(part: Partial<Outgoing> = {}): Outgoing {
  return { action: action(), mailed: false, drops: [], ...part };
}

/** At Acme, the customer, from Northwind, by default. */
export function decideInput(part: Partial<DecideInput> = {}): DecideInput {
  return {
    outgoing: outgoing(),
    escalation: false,
    mirror: mirror(),
    inbound: inbound({ actions: [{ from: 'Update', to: 'Internal Update' }] }),
    account: { name: 'Northwind MSP' },
    catalogue: acmeCatalogue,
    snapshot: snapshot(),
    senderName: 'Northwind',
    now,
    linkMode: 'live',
    ...part,
  };
}

/** An escalation as it arrives at Northwind. */
export function openingInput(part: Partial<DecideInput> = {}): DecideInput {
  const supplier = { instance: 'northwind', name: 'Northwind', ticketId: null, number: null, url: null };
  return decideInput({
    outgoing: outgoing({
      action: action({
        origin: 'acme',
        via: ['acme'],
        author: { name: 'Dana Reyes', email: 'dana@acme.example', role: 'agent' },
        words: words({ kind: 'Escalate', status: 'With supplier', category: 'Network>VPN', type: 'Incident' }),
      }),
      summary: 'VPN drops every hour',
    }),
    escalation: true,
    mirror: mirror({ state: 'opening', side: 'supplier', supplier }),
    inbound: inbound(),
    account: { name: 'Acme', site: 'Head office', team: 'Second line', standIn: 'desk@acme.example' },
    catalogue: northwindCatalogue,
    snapshot: null,
    senderName: 'Acme IT',
    ...part,
  });
}

/** Summarises the verdict: `apply`, or its kind with the reason's code. */
export function short(verdict: Verdict | { readonly kind: 'send' }): string {
  return 'reason' in verdict ? `${verdict.kind}(${verdict.reason.code})` : verdict.kind;
}
