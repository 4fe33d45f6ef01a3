// The first requests of docs/protocol.md, sent as they are printed there, to a gateway with such a link.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { Webhook } from 'standardwebhooks';
import { callWebhooks } from '#activities/exchange/call-webhooks.ts';
import { makeLog } from '#config/log.ts';
import type { HttpClient, HttpRequest } from '#connectors/contract/http.ts';
import { wireAction, wireReceipt } from '#core/wire.ts';
import { beginDrain } from '#db/carry/couriers.ts';
import { addClient, hashClientSecret } from '#db/links/clients.ts';
import { ensureKeys } from '#db/links/keys.ts';
import { putOffers } from '#db/exchange/put-offers.ts';
import { addLinkRows } from '#test/db/exchange/receive-rig.ts';
import { checkout } from '#test/support/process.ts';
import { startApiRig, type ApiRig } from './api-rig.ts';
import { assertAs, exchangesOf, send, type Answered, type Printed, type PrintedExchange } from './http-page.ts';

const publicUrl = 'https://ferry.northwind.example';
const exchanges = exchangesOf(readFileSync(join(checkout, 'docs/protocol.md'), 'utf8'));
const toTool = exchanges.filter(({ asked }) => asked.headers['host'] === 'portal.acme.example');
const toGateway = exchanges.filter((one) => !toTool.includes(one));

describe('docs/protocol.md', () => {
  let rig: ApiRig;
  let token: string;
  before(async () => {
    rig = await startApiRig('protocol_page', {
      serve: { guard: { hosts: ['ferry.northwind.example'], isProxy: () => false } },
      federation: { publicUrl, checkWebhook: () => Promise.resolve() },
    });
    await addAgreement(rig);
  });
  after(() => rig.close());

  /** As printed, with the token that the first answer gave. */
  const ask = (asked: Printed): Promise<Answered> =>
    send(rig.url, {
      ...asked,
      headers: Object.fromEntries(
        Object.entries(asked.headers).map(([name, value]) => [name, value.replace('Bearer eyJ…', `Bearer ${token}`)]),
      ),
    });

  it('prints requests that a gateway answers as printed, in their order', async () => {
    assert.ok(toGateway.length >= 9);
    for (const { asked, answered } of toGateway) {
      if (asked.first.startsWith('GET /v1/supplier/actions')) await offer(rig, answered);
      const reply = await ask(asked);
      const where = `${asked.first}: ${reply.status} ${reply.body}`;
      if (answered === null) {
        assert.equal(reply.status, 200, where);
        continue;
      }
      assert.equal(reply.status, Number(answered.first.split(' ')[1]), where);
      assert.ok(reply.type.startsWith(answered.headers['content-type'] ?? ''), where);
      const body = JSON.parse(reply.body) as Record<string, unknown>;
      assertAs(JSON.parse(answered.body), body, where);
      if (typeof body['access_token'] === 'string') token = body['access_token'];
    }
  });

  it('prints the call of a webhook as the gateway makes it, with a signature that a library verifies', async () => {
    const [printed] = toTool;
    assert.ok(printed !== undefined && toTool.length === 1);
    const { headers, body, first } = printed.asked;
    const made: HttpRequest[] = [];
    const http: HttpClient = {
      request: (request) => {
        made.push(request);
        return Promise.resolve({ status: 204, headers: {}, text: '' });
      },
      stream: () => Promise.reject(new Error('nothing is read as a stream')),
    };
    const at = new Date((JSON.parse(body) as { timestamp: string }).timestamp);
    const log = makeLog({ level: 'silent', name: 'test' });
    await callWebhooks({ db: rig.connection.db, http, open: rig.open, log, now: () => at });
    const [call] = made;
    assert.ok(call !== undefined && made.length === 1);
    const { host, ...others } = headers;
    assert.equal(`${call.method} ${new URL(call.url).pathname} HTTP/1.1`, first);
    assert.equal(new URL(call.url).host, host);
    assert.deepEqual(call.headers, others);
    assert.equal(call.body, body);
    const set = toGateway.find(({ asked }) => asked.first.startsWith('PUT /v1/webhook'));
    const { secret } = JSON.parse(set?.asked.body ?? '{}') as { secret: string };
    assert.equal(new Webhook(secret).sign(headers['webhook-id'] ?? '', at, body), headers['webhook-signature']);
  });
});

/** What `ferry client add` and `ferry apply` make, with the credentials that the page prints. */
async function addAgreement({ connection, seal }: ApiRig): Promise<void> {
  const { db } = connection;
  for (const [id, type, name, url] of [
    ['northwind', 'rt', 'Northwind', 'https://desk.northwind.example'],
    ['acme-portal-tool', 'api', 'Acme portal', `${publicUrl}/i/acme-portal-tool`],
  ] as const) {
    await db.execute(
      sql`insert into instances (id, type, name, url, credentials, live_since, state, catalogue_version)
        values (${id}, ${type}, ${name}, ${url}, 'sealed', now(), 'up', ${id === 'northwind' ? 1 : 0})`,
    );
    await db.execute(sql`insert into couriers (instance) values (${id})`);
  }
  await db.execute(
    sql`insert into catalogues (instance, version, catalogue) select 'northwind', version, catalogue from catalogues where instance = 'north'`,
  );
  await addLinkRows(connection, 'acme-portal', 'acme-portal-tool', 'northwind');
  await ensureKeys(db, seal, 'northwind');
  const { id, secret } = credentials(toGateway);
  await addClient(db, {
    id,
    link: 'acme-portal',
    role: 'customer',
    instance: 'northwind',
    secretHashes: [hashClientSecret(secret)],
  });
}

function credentials([first]: readonly PrintedExchange[]): { readonly id: string; readonly secret: string } {
  const [, encoded = ''] = /^Basic (.+)$/.exec(first?.asked.headers['authorization'] ?? '') ?? [];
  const [id = '', secret = ''] = Buffer.from(encoded, 'base64').toString().split(':');
  assert.notEqual(secret, '', 'the page begins with a token');
  return { id, secret };
}

/** What the page prints as having come back, offered as the courier of the tool does. */
async function offer({ connection }: ApiRig, answered: Printed | null): Promise<void> {
  const { db } = connection;
  const { entries } = JSON.parse(answered?.body ?? '{}') as {
    entries: readonly { readonly mirror: string; readonly action: unknown; readonly receipt: unknown }[];
  };
  for (const entry of entries) {
    const { mirror } = entry;
    // As its courier has left it: the ticket is there.
    await db.execute(
      sql`update mirrors set state = 'open', opened_at = now(), second_ticket = '123', second_number = 'NW-123' where id = ${mirror}`,
    );
    const action = entry.action === null ? null : wireAction.parse(entry.action);
    const receipt = entry.receipt === null ? null : wireReceipt.parse(entry.receipt);
    const about = action?.constant.id ?? receipt?.action ?? '';
    const seq = action?.seq ?? receipt?.seq ?? 0;
    const kind = action === null ? 'receipt' : 'action';
    if (action !== null)
      await db.execute(sql`insert into actions (id, instance, ticket, external_id, origin, at, author, audience, visibility, words, hash, via)
        values (${about}, 'northwind', '123', ${about}, 'northwind', now(), '{"name":"Sam Lee","role":"agent"}', 'desks', 'visible', '{"kind":"Correspond","fields":{}}', 'x', '{northwind}')`);
    await db.execute(
      sql`update lanes set last_seq = ${seq}, due_at = now() where mirror = ${mirror} and to_instance = 'acme-portal-tool'`,
    );
    const delivery = randomUUID();
    await db.execute(
      sql`insert into deliveries (id, mirror, to_instance, seq, kind, action) values (${delivery}, ${mirror}, 'acme-portal-tool', ${seq}, ${kind}, ${about})`,
    );
    const epoch = await beginDrain(db, 'acme-portal-tool');
    await putOffers(db, 'acme-portal', { mirror, to: 'acme-portal-tool' }, epoch, [
      { delivery, seq, hash: 'h', action, receipt },
    ]);
  }
}
