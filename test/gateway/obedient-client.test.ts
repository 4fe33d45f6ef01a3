// A client with tight limits that only obeys Retry-After: everything it sends arrives, once and in order.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { clientLimits } from '#gateway/limits/standard.ts';
import { digestOf, startApiRig, type ApiRig, type Reply } from './api-rig.ts';

describe('a client that exceeds its limits and waits as long as the server asks', () => {
  let rig: ApiRig;
  before(async () => {
    rig = await startApiRig('obedient', {
      federation: {
        limits: {
          ...clientLimits(),
          requests: { perMinute: 240, atOnce: 2 },
          bytes: { perMinute: 60 * 32 * 1024, atOnce: 16 * 1024 },
          actions: { perMinute: 600, atOnce: 4 },
          requestsAtATime: 1,
          waitingRequests: 1,
          mostWaitMs: 50,
          refusalMs: 20,
        },
      },
    });
  });
  after(() => rig.close());

  let refused = 0;
  /**
   * Repeats the request after exactly the time that the answer names, as often as necessary. An answer without a time
   * is a fault.
   */
  const obeying = async (ask: () => Promise<Reply>): Promise<Reply> => {
    for (;;) {
      const reply = await ask();
      if (reply.status !== 429) return reply;
      refused += 1;
      const seconds = Number(reply.headers.get('retry-after'));
      assert.ok(seconds >= 1 && seconds <= 60, `Retry-After ${seconds}`);
      await sleep(seconds * 1_000);
    }
  };

  it('brings every action and every file through, none twice, in the order of its lanes', async () => {
    await rig.token('acme-north', 'customer');
    const tickets = ['one', 'two'];
    const lanes = await Promise.all(
      tickets.map(async (ticket) => {
        const first = await rig.escalation({ ticket });
        const opened = await obeying(() => rig.call('POST', '/v1/supplier/tickets', { json: { action: first } }));
        assert.equal(opened.status, 200, opened.text);
        const mirror = first.constant.id;
        for (let seq = 2; seq < 14; seq += 3) {
          const bytes = new Uint8Array(randomBytes(2_000));
          const { sha256, header } = digestOf(bytes);
          const put = await obeying(() =>
            rig.call('PUT', `/v1/attachments/${sha256}`, { body: bytes, headers: { 'content-digest': header } }),
          );
          assert.equal(put.status, 200, put.text);
          const files = [{ sha256, name: `${ticket}-${seq}.bin` }];
          const actions = await Promise.all(
            [seq, seq + 1, seq + 2].map((n) =>
              rig.signed({ seq: n, after: n - 1, ticket, ...(n === seq ? { files } : {}) }),
            ),
          );
          const path = `/v1/supplier/tickets/${mirror}/actions`;
          const said = await obeying(() => rig.call('POST', path, { json: { actions } }));
          const { results } = said.body as { results: readonly { status: string }[] };
          // Nothing of a refused request was accepted, so the repeated request is new.
          assert.deepEqual(
            results.map(({ status }) => status),
            ['accepted', 'accepted', 'accepted'],
            said.text,
          );
        }
        return mirror;
      }),
    );
    assert.ok(refused > 0, 'it was over its limits');
    for (const mirror of lanes) {
      const arrived = await rig.connection.db.execute<{ seq: number; files: number }>(sql`
        select d.seq::int as seq, (select count(*)::int from attachments f where f.action = d.action) as files
        from deliveries d where d.mirror = ${mirror} and d.kind = 'action' order by d.id`);
      assert.deepEqual(
        [...arrived].map(({ seq, files }) => [seq, files]),
        Array.from({ length: 13 }, (_, at) => [at + 1, at % 3 === 1 ? 1 : 0]),
      );
    }
  });
});
