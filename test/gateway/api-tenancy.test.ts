// Every endpoint of the OpenAPI document × its own link, another link, the other role, no token.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { wireOf } from '#test/db/exchange/receive-rig.ts';
import { apiDocument } from '#gateway/exchange/routes.ts';
import { digestOf, startApiRig, type ApiRig, type Call, type Reply } from './api-rig.ts';

type Operation = { readonly operationId: string; readonly security?: readonly unknown[]; readonly responses: object };
type Route = { readonly method: string; readonly path: string; readonly operation: Operation };

const { paths } = apiDocument('1') as { paths: Record<string, Record<string, Operation>> };
const routes: readonly Route[] = Object.entries(paths).flatMap(([path, operations]) =>
  Object.entries(operations).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
);
const guarded = routes.filter(({ operation }) => operation.security?.length !== 0);
/** The answers that the document allows for each. */
const documented = (route: Route, status: number): boolean => String(status) in route.operation.responses;

describe('every endpoint of the API', () => {
  let rig: ApiRig;
  let mirror: string;
  let action: string;
  const file = 'a file of acme';
  const { sha256, header } = digestOf(file);
  before(async () => {
    rig = await startApiRig('tenancy');
    mirror = await rig.openMirror('1');
    action = mirror;
    const put = await rig.call('PUT', `/v1/attachments/${sha256}`, {
      body: file,
      headers: { 'content-digest': header },
    });
    assert.equal(put.status, 200, put.text);
  });
  after(() => rig.close());

  const bodies: Record<string, () => Promise<Call>> = {
    escalate: async () => ({ json: { action: await rig.escalation({ ticket: randomUUID() }) } }),
    supplierActions: async () => ({ json: { actions: [await rig.signed({ seq: 2 })] } }),
    customerActions: async () => ({ json: { actions: [wireOf({ seq: 2 })] } }),
    supplierReceipts: async () => ({ json: { receipts: [] } }),
    customerReceipts: async () => ({ json: { receipts: [] } }),
    putAttachment: async () => ({ body: file, headers: { 'content-digest': header } }),
    setWebhook: async () => ({ json: { url: 'https://tool.example/hook' } }),
    check: async () => ({ json: { padding: 'xxx' } }),
    close: async () => ({ json: {} }),
  };

  async function call({ method, path, operation }: Route, token: string | null, at = mirror): Promise<Reply> {
    const url = path.replace('{mirror}', at).replace('{id}', action).replace('{sha256}', sha256);
    return rig.call(method, url, { ...(await bodies[operation.operationId]?.()), token });
  }

  it('is in the document, and those without a token are few', () => {
    assert.ok(guarded.length >= 20, String(guarded.length));
    assert.deepEqual(
      routes.filter((route) => !guarded.includes(route)).map(({ path }) => path),
      [
        '/.well-known/oauth-authorization-server/i/{instance}',
        '/i/{instance}/jwks.json',
        '/oauth/token',
        '/oauth/revoke',
        '/v1/pairing',
      ],
    );
  });

  it('refuses callers without a valid token, always with the same body, before it looks at anything', async () => {
    const bodiesSeen = new Set<string>();
    for (const route of guarded) {
      for (const token of [null, 'none', 'a.b.c']) {
        const reply = await call(route, token);
        assert.equal(reply.status, 401, `${route.method} ${route.path}`);
        assert.match(reply.headers.get('www-authenticate') ?? '', /^Bearer/);
        bodiesSeen.add(reply.text);
        const unknown = await call(route, token, randomUUID());
        assert.equal(unknown.text, reply.text);
      }
    }
    assert.equal(bodiesSeen.size, 1);
  });

  it('refuses the other role on its own side, and answers what the document says', async () => {
    const customer = await rig.token('acme-north', 'customer');
    const supplier = await rig.token('north-far', 'supplier');
    for (const route of guarded) {
      if (route.operation.operationId === 'close') continue;
      const side = /^\/v1\/(customer|supplier)\//.exec(route.path)?.[1];
      for (const [role, token] of [
        ['customer', customer],
        ['supplier', supplier],
      ] as const) {
        const reply = await call(route, token);
        const name = `${role}: ${route.method} ${route.path} -> ${reply.status}`;
        assert.ok(documented(route, reply.status), `${name} is not documented: ${reply.text}`);
        // These callers are gateways, which see everything without a webhook.
        if (reply.body['type'] === 'urn:ferry:problem:not-for-gateways') {
          assert.equal(`${route.method} ${route.path}`.toLowerCase(), 'put /v1/webhook');
          continue;
        }
        if (side === undefined) assert.notEqual(reply.status, 403, name);
        else assert.equal(reply.status === 403, side === role, name);
        if (reply.status === 403) assert.equal(reply.body['type'], 'urn:ferry:problem:wrong-role');
        assert.ok(reply.status < 500, name);
      }
    }
  });

  it("knows another link's ids as little as unknown ones: the same answer, and much the same time", async () => {
    const token = await rig.token('beta-north', 'customer');
    const times: Record<'other' | 'unknown', number[]> = { other: [], unknown: [] };
    for (const route of guarded) {
      if (!route.path.includes('{mirror}') || route.path.startsWith('/v1/customer')) continue;
      if (route.operation.operationId === 'supplierReceipts') continue;
      const other = await call(route, token);
      const unknown = await call(route, token, randomUUID());
      assert.equal(other.status, 404, route.path);
      assert.equal(other.text, unknown.text);
      for (let n = 0; n < 15; n += 1) {
        for (const [kind, at] of [
          ['other', mirror],
          ['unknown', randomUUID()],
        ] as const) {
          const from = performance.now();
          await call(route, token, at);
          times[kind].push(performance.now() - from);
        }
      }
    }
    const [other, unknown] = [median(times.other), median(times.unknown)];
    assert.ok(Math.max(other, unknown) / Math.min(other, unknown) < 1.6, JSON.stringify({ other, unknown }));
    const own = await rig.call('GET', `/v1/attachments/${sha256}`);
    assert.equal(own.text, file);
    const theirs = await rig.call('GET', `/v1/attachments/${sha256}`, { token });
    const nothing = await rig.call('GET', `/v1/attachments/${'0'.repeat(64)}`, { token });
    assert.equal(theirs.status, 404);
    assert.equal(theirs.text, nothing.text);
  });

  it('a malformed id is answered like an unknown one', async () => {
    for (const id of ['x', '1', '%00', '..%2f..', "';drop table links;--", `${mirror}x`, '%F0%28', 'a'.repeat(3_000)]) {
      for (const path of [
        `/v1/supplier/tickets/${id}`,
        `/v1/supplier/tickets/${mirror}/actions/${id}`,
        `/v1/attachments/${id}`,
      ]) {
        const reply = await rig.call('GET', path);
        assert.ok([400, 404].includes(reply.status), `${path} ${reply.status}`);
      }
    }
  });

  it('a suspended link still answers; a revoked client is refused at once', async () => {
    const token = await rig.token('tool-north', 'customer');
    assert.equal((await rig.call('GET', '/v1/instance', { token })).status, 200);
    await rig.connection.sql`update links set state = 'suspended' where id = 'tool-north'`;
    assert.equal((await rig.call('GET', '/v1/instance', { token })).status, 200);
    await rig.connection.sql`update clients set revoked_at = now() where link = 'tool-north'`;
    assert.equal((await rig.call('GET', '/v1/instance', { token })).status, 401);
  });
});

/** A measure that an occasional pause of a busy machine does not affect. */
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
