/**
 * The two desks as the demo shows them: Acme's and Northwind's seeds, plus everyday tickets that make a desk look real,
 * and two more customers at Northwind. The words and numbers of the seeds stay unchanged.
 */
import type { HaloSeed, SeedTicket } from '#twins/halo/seed.ts';
import { acmeNames, acmeSeed } from './acme.ts';
import { northwindNames, northwindSeed } from './northwind.ts';

/** Northwind's records for its two other customers: accounts, sites, and the users that stand in for requesters. */
export const otherCustomers = {
  bluebird: { account: 'Bluebird Dental', site: 'Bluebird practice', standIn: 'service-desk@bluebird.example' },
  cobalt: { account: 'Cobalt Hotels', site: 'Cobalt head office', standIn: 'service-desk@cobalt.example' },
} as const;

const nobodyYet = { fields: {}, attachments: [] } as const;
const firstLine = { agent_id: 1, team: '1st Line' } as const;
const secondLine = { agent_id: 2, team: '2nd Line' } as const;
const serviceDesk = { agent_id: 41, team: 'Service Desk' } as const;
const projects = { agent_id: 42, team: 'Projects' } as const;

const acmeTickets: readonly SeedTicket[] = [
  {
    ...{ id: 997, summary: 'Shared mailbox for the spring fair', hoursAgo: 52, ...nobodyYet, ...secondLine },
    details_html: '<p>Could we have a shared mailbox fair@acme.example for six people?</p>',
    ...{ tickettype_id: 2, status_id: 9, priority_id: 4, category_1: 'Software>E-mail', user_id: 2 },
    actions: [
      { agent: acmeNames.agents.sam, outcome: 'Update', note_html: '<p>Done, all six of you have access.</p>' },
    ],
  },
  {
    ...{ id: 998, summary: 'Locked out after the password change', hoursAgo: 27, ...nobodyYet, ...firstLine },
    details_html: '<p>The new password works on the laptop but not on the shop-floor terminal.</p>',
    ...{ tickettype_id: 1, status_id: 8, priority_id: 2, category_1: 'Access>Account', user_id: 2 },
    actions: [
      {
        agent: acmeNames.agents.dana,
        outcome: 'Update',
        note_html: '<p>The terminal had kept the old one. It works now.</p>',
      },
    ],
  },
  {
    ...{ id: 999, summary: 'Wi-Fi is slow in meeting room 4', hoursAgo: 20, ...nobodyYet, ...secondLine },
    details_html: '<p>Video calls freeze as soon as more than three of us are in there.</p>',
    ...{ tickettype_id: 1, status_id: 2, priority_id: 3, category_1: 'Network>Wi-Fi', user_id: 1 },
    actions: [
      {
        agent: acmeNames.agents.sam,
        outcome: 'Internal Note',
        note_html: '<p>Two access points on the same channel. Moving one of them tonight.</p>',
      },
    ],
  },
  {
    ...{ id: 1000, summary: 'Second screen for the reception', hoursAgo: 5, ...nobodyYet, ...firstLine },
    details_html: '<p>We would like a second screen at the reception desk.</p>',
    ...{ tickettype_id: 2, status_id: 4, priority_id: 4, category_1: 'Hardware>Laptop', user_id: 1 },
    actions: [
      { agent: acmeNames.agents.dana, outcome: 'Update', note_html: '<p>Which size fits beside the phone?</p>' },
    ],
  },
];

const northwindTickets: readonly SeedTicket[] = [
  {
    ...{ id: 24013, summary: 'Move the booking system to the new host', hoursAgo: 70, ...nobodyYet, ...projects },
    details_html: '<p>Agreed for the quiet season; a window on a Tuesday night.</p>',
    ...{ tickettype_id: 32, status_id: 24, priority_id: 4, category_1: 'Cloud>Messaging', user_id: 75 },
  },
  {
    ...{ id: 24014, summary: 'Door cards of two night porters', hoursAgo: 30, ...nobodyYet, ...serviceDesk },
    details_html: '<p>Two new colleagues need cards from Friday on.</p>',
    ...{ tickettype_id: 33, status_id: 29, priority_id: 4, category_1: 'Cloud>Identity', user_id: 75 },
  },
  {
    ...{ id: 24015, summary: 'X-ray viewer does not open', hoursAgo: 22, ...nobodyYet, ...serviceDesk },
    details_html: '<p>Since the update it closes right after the start.</p>',
    ...{ tickettype_id: 31, status_id: 23, priority_id: 2, category_1: 'Devices>Endpoint', user_id: 74 },
    actions: [
      {
        agent: northwindNames.agents.lena,
        outcome: 'Update',
        note_html: '<p>Please try the shortcut "Viewer (safe)" and tell us what it says.</p>',
      },
    ],
  },
  {
    ...{ id: 24016, summary: 'Guest Wi-Fi drops on the third floor', hoursAgo: 3, ...nobodyYet, ...serviceDesk },
    details_html: '<p>Guests in rooms 301 to 312 complain.</p>',
    ...{ tickettype_id: 31, status_id: 22, priority_id: 3, category_1: 'Connectivity>Wireless', user_id: 75 },
  },
];

/** Moves the other tickets into the past, since the demo's own ticket must be the newest. */
function someTimeAgo(ticket: SeedTicket): SeedTicket {
  return ticket.id === acmeNames.tickets.vpn ? ticket : { ...ticket, hoursAgo: 2 };
}

export const acmeDemoSeed: HaloSeed = { ...acmeSeed, tickets: [...acmeTickets, ...acmeSeed.tickets.map(someTimeAgo)] };

const { bluebird, cobalt } = otherCustomers;

export const northwindDemoSeed: HaloSeed = {
  ...northwindSeed,
  clients: [...northwindSeed.clients, { id: 14, name: cobalt.account, inactive: false }],
  sites: [...northwindSeed.sites, { id: 20, name: cobalt.site, client_id: 14 }],
  users: [
    ...northwindSeed.users,
    { id: 75, name: 'Owen Hart', emailaddress: 'owen.hart@cobalt.example', site_id: 20, inactive: false },
    { id: 76, name: 'Bluebird Service Desk', emailaddress: bluebird.standIn, site_id: 19, inactive: false },
    { id: 77, name: 'Cobalt Service Desk', emailaddress: cobalt.standIn, site_id: 20, inactive: false },
  ],
  tickets: [...northwindTickets, ...northwindSeed.tickets.map(someTimeAgo)],
};
