/** Faults on the way between two gateways. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Trick } from '#test/support/fault-proxy.ts';
import type { Fault } from './fault.ts';

const longestRequest = 6_000;

const html = { 'content-type': 'text/html' };
const json = { 'content-type': 'application/json' };
const page = '<html><title>Sign in</title></html>';
/** Answers that come from a proxy before the gateway instead of the gateway, and answers that never come. */
const tricks: readonly Trick[] = [
  { kind: 'lose-reply' },
  { kind: 'cut' },
  { kind: 'answer', status: 200, headers: html, body: page },
  { kind: 'answer', status: 200, headers: json, body: '{}' },
  { kind: 'answer', status: 200, headers: json, body: '{"results":[]}' },
  { kind: 'answer', status: 204 },
  { kind: 'answer', status: 302, headers: { location: 'https://portal.example/' } },
  { kind: 'answer', status: 404, headers: html, body: page },
  { kind: 'answer', status: 504, headers: html, body: page },
];

export const lineFaults: readonly Fault[] = [
  {
    name: 'line-cut',
    says: 'connections between gateways break at any byte, either way',
    area: 'line',
    async strike(world, ms, chance) {
      for (const { front } of world.sites)
        for (let n = 0; n < 10; n += 1)
          front.cut({
            way: chance.oneIn(2) ? 'up' : 'down',
            afterBytes: Math.floor(chance.next() ** 2 * longestRequest),
          });
      await sleep(ms);
      for (const { front } of world.sites) front.mend();
    },
  },
  {
    name: 'line-down',
    says: 'one gateway can’t be reached by the other',
    area: 'line',
    async strike(world, ms, chance) {
      const { front } = chance.pick(world.sites);
      front.down(true);
      await sleep(ms);
      front.down(false);
    },
  },
  {
    name: 'line-portal',
    says: 'a proxy before a gateway loses answers or sends its own',
    area: 'line',
    async strike(world, ms, chance) {
      const site = chance.pick(world.sites);
      const endMs = Date.now() + ms;
      while (Date.now() < endMs) {
        site.portal()?.arm({ ...chance.pick(tricks), path: /^\/(?!hooks)/ });
        await sleep(chance.between(50, 400));
      }
      for (const one of world.sites) one.portal()?.clear();
    },
  },
];
