/** Faults at desks, at their webhooks, at name resolution, and at the gateway that receives webhooks. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Mishap } from '#faults/desk/vices.ts';
import type { Hook } from '#faults/world.ts';
import type { Fault } from './fault.ts';

/** The weights of the mishaps, relative to the share of requests that chance draws. */
type Shares = Partial<Record<Mishap, number>>;

/** Makes one desk fail for a while: 10 to 60 of 100 requests, times the weight. */
function erring(name: string, says: string, parts: Shares): Fault {
  return {
    name,
    says,
    area: 'desk',
    async strike(world, ms, chance) {
      const desk = chance.pick(world.desks);
      const share = chance.between(0.1, 0.6);
      for (const [mishap, part] of Object.entries(parts)) desk.vices.shares.set(mishap as Mishap, share * part);
      await sleep(ms);
      desk.vices.shares.clear();
      desk.cutOff();
    },
  };
}

function webhooks(name: string, says: string, by: (plain: Hook, late: () => number) => Hook): Fault {
  return {
    name,
    says,
    area: 'webhooks',
    async strike(world, ms, chance) {
      world.hook = by(world.plainHook, () => chance.between(0, 5_000));
      await sleep(ms);
      world.hook = world.plainHook;
    },
  };
}

export const deskFaults: readonly Fault[] = [
  {
    name: 'desk-down',
    says: 'a desk is down',
    area: 'desk',
    async strike(world, ms, chance) {
      const desk = chance.pick(world.desks);
      await desk.pause();
      await sleep(ms);
      await desk.resume();
    },
  },
  erring('desk-loses', 'a desk’s answers are lost after the work is done', { lost: 1 }),
  erring('desk-cuts', 'a desk’s answers are cut in the middle', { cut: 1 }),
  erring('desk-503', 'a desk answers 503', { error: 1 }),
  erring('desk-504', 'a desk does the work and answers 504 with HTML', { 'late-error': 1 }),
  erring('desk-429', 'a desk answers 429 with Retry-After', { busy: 0.3 }),
  erring('desk-403', 'a desk forgets our rights', { forbidden: 0.6 }),
  erring('desk-hangs', 'a desk does not answer', { hang: 0.4 }),
  erring('desk-slow', 'a desk takes up to 2.5 s more', { slow: 1 }),
  erring('desk-portal', 'a portal before a desk answers 200 with HTML, or redirects', { portal: 0.6, redirect: 0.4 }),
  erring('desk-garbled', 'a desk does the work and answers HTML, {} or nothing', {
    garbled: 0.4,
    empty: 0.4,
    'no-content': 0.2,
  }),
  erring('desk-everything', 'a desk does all of these', {
    ...{ lost: 0.2, cut: 0.15, error: 0.15, hang: 0.1, slow: 0.15, portal: 0.1, garbled: 0.1, empty: 0.1 },
    ...{ busy: 0.04, forbidden: 0.05, 'late-error': 0.1 },
  }),
  {
    name: 'poisoned-tickets',
    says: 'tickets can’t be read, each third one',
    area: 'desk',
    async strike(world, ms, chance) {
      const desk = chance.pick(world.desks);
      for (const id of desk.records.tickets.keys()) if (chance.oneIn(3)) desk.vices.poisoned.add(id);
      await sleep(ms);
      desk.vices.poisoned.clear();
    },
  },
  {
    name: 'hidden-tickets',
    says: 'each third ticket is not there, as its desk says, for a second or a few',
    area: 'desk',
    async strike(world, ms, chance) {
      const { records, vices } = chance.pick(world.desks);
      for (const id of records.tickets.keys()) if (chance.oneIn(3)) vices.hidden.add(id);
      await sleep(Math.min(ms, chance.between(1_000, 4_000)));
      vices.hidden.clear();
    },
  },
  {
    name: 'desk-clock',
    says: 'a desk’s clock jumps by minutes, forth or back, and is set right',
    area: 'clock',
    async strike(world, ms, chance) {
      const { clock } = chance.pick(world.desks);
      const rightMs = clock.skewMs;
      clock.jumped = true;
      clock.skewMs = rightMs + Math.round(chance.between(-300_000, 300_000));
      await sleep(ms);
      clock.skewMs = rightMs;
    },
  },
  webhooks('webhooks-lost', 'no webhook arrives', () => () => {}),
  webhooks('webhooks-late', 'each webhook arrives three times, up to 5 s late', (plain, late) => (desk, ticket) => {
    for (let n = 0; n < 3; n += 1) setTimeout(() => plain(desk, ticket), late()).unref();
  }),
  {
    name: 'no-names',
    says: 'no name resolves',
    area: 'names',
    async strike(world, ms) {
      await Promise.all(world.sites.map((site) => site.loseNames(true)));
      // Open connections need no name resolution.
      for (const desk of world.desks) desk.cutOff();
      await sleep(ms);
      await Promise.all(world.sites.map((site) => site.loseNames(false)));
    },
  },
  {
    name: 'kill-gateway',
    says: 'a gateway is killed',
    area: 'gateway',
    async strike(world, ms, chance) {
      const site = chance.pick(world.sites);
      await site.gateway()?.kill9();
      await sleep(ms * chance.next());
      await site.startGateway();
    },
  },
];
