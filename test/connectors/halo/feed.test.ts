/** The feed and the search for a lost ticket on desks that cap their pages, count wrongly, and order as they like. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Helpdesk } from '#connectors/contract/helpdesk.ts';
import { commandFor, failure, longEnough, newDelivery, performAt } from '#test/connectors/bench.ts';
import type { HaloBench } from './harness.ts';
import { haloBench } from './harness.ts';

for (const profile of ['usual', 'other'] as const) {
  describe(`a busy desk with ${profile} answers`, () => {
    let bench: HaloBench;
    let desk: Helpdesk;
    const many = 130;
    const tickets: string[] = [];
    before(async () => {
      bench = await haloBench('acme', profile);
      desk = bench.helpdesk;
      for (let index = 0; index < many; index++) {
        tickets.push(await bench.people.createTicket({ summary: `Ticket ${index}`, html: 'x' }));
      }
    });
    after(() => bench?.stop());

    /** Everything the feed gives until it is quiet. */
    async function drained(start: string, limit: number, from = desk): Promise<{ names: string[]; cursor: string }> {
      const names: string[] = [];
      let cursor = start;
      for (let looks = 0; looks < 300; looks++) {
        const page = await from.feed(cursor, limit, longEnough());
        names.push(...page.tickets);
        ({ cursor } = page);
        if (!page.more && page.tickets.length === 0) return { names, cursor };
      }
      throw new Error(`the feed never came to rest: ${names.length} names`);
    }

    test('more changes within the overlap than fit a page are all given, and then it is quiet', async () => {
      const wide = bench.connect({ options: { overlapMs: 600_000 } });
      const start = await wide.feedStart(longEnough());
      await bench.client.recompute();
      const { names, cursor } = await drained(start, 20, wide);
      for (const ticket of tickets) assert.ok(names.includes(ticket), ticket);
      assert.equal(new Set(names).size, names.length);
      assert.deepEqual((await wide.feed(cursor, 20, longEnough())).tickets, []);
      await bench.people.agentNote(tickets[0] ?? '', { visible: false, html: 'news' });
      assert.deepEqual((await drained(cursor, 20, wide)).names, [tickets[0]]);
    });

    test('tickets that change without anybody doing anything hide no news', async () => {
      let cursor = (await drained(await desk.feedStart(longEnough()), 50)).cursor;
      const seen = new Set<string>();
      for (let round = 0; round < 5; round++) {
        await bench.client.recompute();
        const quiet = tickets[round * 7] ?? '';
        await bench.people.agentNote(quiet, { visible: false, html: `news ${round}` });
        const page = await drained(cursor, 50);
        for (const name of page.names) seen.add(name);
        ({ cursor } = page);
        assert.ok(seen.has(quiet));
      }
    });

    test('a call that is cut off continues where it was, and loses nothing', async () => {
      const start = await desk.feedStart(longEnough());
      await bench.client.recompute();
      await bench.client.fault({ kind: '500', match: { path: 'page_no=2', times: 1 } });
      assert.equal((await failure(desk.feed(start, 200, longEnough()))).class, 'retry');
      const { names } = await drained(start, 200);
      for (const ticket of tickets) assert.ok(names.includes(ticket), ticket);
    });

    test('the rest of a long look is given without asking again, also to a connector that remembers nothing', async () => {
      const start = await desk.feedStart(longEnough());
      await bench.client.recompute();
      const first = await desk.feed(start, 40, longEnough());
      assert.deepEqual([first.tickets.length, first.more], [40, true]);
      await bench.client.clearRequests();
      const second = await desk.feed(first.cursor, 40, longEnough());
      assert.equal((await bench.client.requests()).total, 0);
      const again = await bench.restarted().feed(first.cursor, 40, longEnough());
      assert.deepEqual(again.tickets, second.tickets);
    });

    test('it begins at now, whichever ticket changed last', async () => {
      await bench.people.agentNote(tickets[0] ?? '', { visible: false, html: 'the oldest ticket, changed last' });
      const start = await desk.feedStart(longEnough());
      assert.deepEqual((await drained(start, 50)).names, []);
    });

    test('a ticket of ours is found among more new ones than fit a page, by what it is marked with', async () => {
      const open = {
        summary: 'Lost among many',
        account: 'Acme',
        requester: { name: 'Tom Becker' },
        farNumber: '1',
        farUrl: 'https://x.example/1',
      };
      const [step] = desk.steps(commandFor(null, { open, note: 'x' }));
      assert.ok(step !== undefined);
      const [marker, since] = [`${newDelivery()}-0`, new Date(Date.now() - 1_000).toISOString()];
      await bench.faults.loseReply();
      assert.equal((await failure(performAt(desk, step, marker))).class, 'in-doubt');
      for (let index = 0; index < 60; index++) {
        await bench.people.createTicket({ summary: index % 2 === 0 ? open.summary : 'Another', html: 'x' });
      }
      const found = await bench.restarted().find(step, marker, since, longEnough());
      assert.equal((await bench.client.ticket(Number(found?.ticketId))).third_party_id_string, marker);
      assert.equal(await desk.find(step, `${newDelivery()}-0`, since, longEnough()), null);
    });
  });
}
