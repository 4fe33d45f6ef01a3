// A side without a gateway: it reads by cursor, reports outcomes, and may be called when there is something new.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { Webhook } from 'standardwebhooks';
import { makeLog } from '#config/log.ts';
import { createHttpClient } from '#connectors/kit/http.ts';
import { rows } from '#db/base/client.ts';
import { endRead } from '#db/exchange/offers.ts';
import { beginDrain } from '#db/carry/couriers.ts';
import { putOffers } from '#db/exchange/put-offers.ts';
import { createVersionCache } from '#db/settings/settings-in-force.ts';
import { entriesSchema } from '#gateway/exchange/schemas.ts';
import { callWebhooks } from '#activities/exchange/call-webhooks.ts';
import { escalation, receiptOf, wireOf } from '#test/db/exchange/receive-rig.ts';
import { startApiRig, type ApiRig } from './api-rig.ts';

describe('reading by cursor', () => {
  let rig: ApiRig;
  let token: string;
  let mirror: string;
  before(async () => {
    rig = await startApiRig('reading');
    token = await rig.token('tool-north', 'customer');
    const opening = escalation({ ticket: 't1', origin: `${rig.url}/i/tool` });
    mirror = opening.constant.id;
    const reply = await rig.call('POST', '/v1/supplier/tickets', { token, json: { action: opening } });
    assert.match(reply.text, /"accepted"/);
  });
  after(() => rig.close());

  let seq = 0;
  /** Our desk says something, and its courier offers it. */
  async function offered(kind: 'action' | 'receipt' = 'action', on = mirror): Promise<string> {
    const { db } = rig.connection;
    const id = kind === 'action' ? randomUUID() : mirror;
    const delivery = randomUUID();
    seq += 1;
    if (kind === 'action') {
      await db.execute(sql`insert into actions (id, instance, ticket, external_id, origin, at, author, audience, visibility, words, hash, via)
        values (${id}, 'north', '7', ${id}, 'north', now(), '{"name":"Sam","role":"agent"}', 'desks', 'visible', '{"kind":"Correspond","fields":{}}', 'x', '{north}')`);
    }
    await db.execute(
      sql`update lanes set last_seq = greatest(last_seq, ${seq}), due_at = now() where mirror = ${on} and to_instance = 'tool'`,
    );
    await db.execute(
      sql`insert into deliveries (id, mirror, to_instance, seq, kind, action) values (${delivery}, ${on}, 'tool', ${seq}, ${kind}, ${id})`,
    );
    const wire = wireOf({ id, seq, origin: `${rig.url}/i/north` });
    const epoch = await beginDrain(db, 'tool');
    await putOffers(db, 'tool-north', { mirror: on, to: 'tool' }, epoch, [
      {
        delivery,
        seq,
        hash: 'h',
        action: kind === 'action' ? wire : null,
        receipt: kind === 'receipt' ? receiptOf(id, seq) : null,
      },
    ]);
    return delivery;
  }
  const read = async (query: string, at = '/v1/supplier/actions'): Promise<ReturnType<typeof entriesSchema.parse>> => {
    const reply = await rig.call('GET', `${at}?${query}`, { token });
    assert.equal(reply.status, 200, reply.text);
    return entriesSchema.parse(reply.body);
  };
  const standing = async (
    delivery: string,
  ): Promise<{ accepted: boolean; outcome: string | null; code: string | null }> => {
    const [row] = await rows<{ accepted: boolean; outcome: string | null; code: string | null }>(
      rig.connection.db,
      sql`select accepted_at is not null as accepted, outcome, reason->>'code' as code from deliveries where id = ${delivery}`,
    );
    assert.ok(row);
    return { ...row };
  };

  it('what is offered can be read again until a later cursor is asked for; then it has arrived', async () => {
    const [first, second, receipt] = [await offered(), await offered(), await offered('receipt')];
    const page = await read('after=0&limit=2');
    assert.equal(page.entries.length, 2);
    assert.deepEqual((await read('after=0&limit=2')).entries, page.entries);
    assert.equal((await standing(first)).accepted, false);
    const rest = await read(`after=${page.next}`);
    assert.deepEqual(
      rest.entries.map((entry) => [entry.action, entry.receipt?.action]),
      [[null, mirror]],
    );
    assert.deepEqual(await standing(first), { accepted: true, outcome: null, code: null });
    assert.deepEqual(await standing(second), { accepted: true, outcome: null, code: null });
    assert.equal((await standing(receipt)).outcome, null);
    assert.deepEqual((await read(`after=${rest.next}`)).entries, []);
    assert.equal((await standing(receipt)).outcome, 'applied');
    assert.ok(rig.woken.includes('tool'));
  });

  it('the receipt of the tool ends it; without one it counts as applied after an hour', async () => {
    const [told, silent] = [await offered(), await offered()];
    const page = await read('after=0&limit=100');
    await read(`after=${page.next}`);
    const action = page.entries.at(-2)?.action?.constant.id ?? '';
    const reply = await rig.call('POST', `/v1/supplier/tickets/${mirror}/receipts`, {
      token,
      json: {
        receipts: [receiptOf(action, 2, { after: 1, outcome: 'refused', reason: { code: 'no-thanks', text: 'No.' } })],
      },
    });
    assert.match(reply.text, /"accepted"/, reply.text);
    assert.deepEqual(await standing(told), { accepted: true, outcome: 'refused', code: 'no-thanks' });
    const cache = createVersionCache();
    await endRead(rig.connection.db, cache);
    assert.equal((await standing(silent)).outcome, null);
    await rig.connection.db.execute(sql`update offers set read_at = now() - interval '61 minutes'`);
    await endRead(rig.connection.db, cache);
    assert.deepEqual(await standing(silent), { accepted: true, outcome: 'applied', code: 'read-by-client' });
  });

  it('one mirror can be read alone, and nothing of another link is shown', async () => {
    await offered();
    const all = await read('after=0&limit=100');
    const one = await read('after=0&limit=100', `/v1/supplier/tickets/${mirror}/actions`);
    assert.deepEqual(one.entries, all.entries);
    const other = await rig.token('beta-north', 'customer');
    assert.deepEqual((await rig.call('GET', '/v1/supplier/actions', { token: other })).body, { entries: [], next: 0 });
    const reply = await rig.call('GET', `/v1/supplier/tickets/${mirror}/actions`, { token: other });
    assert.equal(reply.status, 404);
  });

  it('while somebody offers, a reader waits: no position is passed over', async () => {
    const before = (await read('after=0&limit=100')).next;
    const readers = Array.from({ length: 4 }, async () => {
      const seen: number[] = [];
      for (let after = before; seen.length < 10;) {
        const page = await read(`after=${after}&limit=3`);
        seen.push(...page.entries.map(({ position }) => position));
        after = page.next;
      }
      return seen;
    });
    const offering = (async () => {
      for (let n = 0; n < 10; n += 1) await offered();
    })();
    const [, ...seen] = await Promise.all([offering, ...readers]);
    const [first] = seen;
    for (const one of seen) assert.deepEqual(one, first);
    assert.equal(new Set(first).size, 10);
  });

  it('bad cursors and limits are refused', async () => {
    for (const query of ['after=-1', 'after=x', 'limit=0', 'limit=1000', 'after=1e400'])
      assert.equal((await rig.call('GET', `/v1/supplier/actions?${query}`, { token })).status, 422, query);
  });

  it('a webhook is called with a signature once there is something, again until it answers, and ends with 410', async () => {
    const calls: { readonly headers: Record<string, string>; readonly body: string }[] = [];
    let answer = 500;
    const server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => void (body += chunk));
      request.on('end', () => {
        calls.push({ headers: request.headers as Record<string, string>, body });
        response.writeHead(answer).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
    const http = createHttpClient({ allow: { http: true, privateAddresses: ['127.0.0.0/8'] } });
    const { db } = rig.connection;
    const call = (): Promise<void> =>
      callWebhooks({ db, http, open: rig.open, log: makeLog({ level: 'silent', name: 'test' }) });
    const dueAgain = async (): Promise<void> => void (await db.execute(sql`update webhooks set retry_at = null`));
    try {
      const made = await rig.call('PUT', '/v1/webhook', { token, json: { url } });
      assert.equal(made.status, 200, made.text);
      const { secret } = made.body as { secret: string };
      assert.match(secret, /^whsec_/);
      const [row] = await rows<{ secret: string }>(db, sql`select secret from webhooks`);
      assert.doesNotMatch(row?.secret ?? secret, /whsec_/);
      await offered();
      await call();
      assert.equal(calls.length, 1);
      await call();
      assert.equal(calls.length, 1, 'it is left alone for a while');
      answer = 204;
      await dueAgain();
      await call();
      const [failed, told] = calls;
      assert.ok(failed && told);
      const said = new Webhook(secret).verify(told.body, told.headers) as { type: string; data: { position: number } };
      assert.equal(said.type, 'ferry.entries');
      assert.equal(said.data.position, (await read('after=0&limit=100')).next);
      assert.equal(failed.headers['webhook-id'], told.headers['webhook-id']);
      assert.throws(() => new Webhook(secret).verify(`${told.body} `, told.headers));
      await dueAgain();
      await call();
      assert.equal(calls.length, 2, 'nothing new, nothing to tell');
      answer = 410;
      await offered();
      await call();
      assert.equal(calls.length, 3);
      await offered();
      await dueAgain();
      await call();
      assert.equal(calls.length, 3, 'it wants no more');
      assert.equal((await rig.call('DELETE', '/v1/webhook', { token })).status, 204);
      assert.equal((await rows(db, sql`select 1 as one from webhooks`)).length, 0);
    } finally {
      await http.close();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
