// One client that asks for more than its share, and an honest neighbour, over the whole gateway.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { callerAddress } from '#gateway/limits/caller-address.ts';
import { createAddressOf } from '#gateway/limits/address-of.ts';
import { clientLimits, type ClientLimits } from '#gateway/limits/standard.ts';
import { digestOf, startApiRig, type ApiRig, type Reply } from '#test/gateway/exchange/api-rig.ts';

const small: ClientLimits = {
  ...clientLimits(),
  requests: { perMinute: 600, atOnce: 10 },
  bytes: { perMinute: 60 * 64 * 1024, atOnce: 128 * 1024 },
  actions: { perMinute: 600, atOnce: 60 },
  mostWaitMs: 200,
  refusalMs: 50,
  unreferencedBytes: 100_000,
  waitingActions: 5,
  minFreeBytes: 1_000_000,
};

describe('a client that asks for too much', () => {
  let rig: ApiRig;
  let free = 1_000_000_000;
  before(async () => {
    rig = await startApiRig('flood', {
      federation: {
        limits: small,
        freeBytes: () => Promise.resolve(free),
        addressOf: createAddressOf({ ranges: ['127.0.0.1'], header: 'x-forwarded-for' }),
      },
    });
  });
  after(() => rig.close());

  const flood = async (ms: number, lines: number, ask: () => Promise<Reply>): Promise<Reply[]> => {
    const replies: Reply[] = [];
    const until = performance.now() + ms;
    const line = async (): Promise<void> => {
      while (performance.now() < until) replies.push(await ask());
    };
    await Promise.all(Array.from({ length: lines }, line));
    return replies;
  };
  const put = (bytes: Uint8Array<ArrayBuffer>, token?: string): Promise<Reply> => {
    const { sha256, header } = digestOf(bytes);
    const of = token === undefined ? {} : { token };
    return rig.call('PUT', `/v1/attachments/${sha256}`, { body: bytes, headers: { 'content-digest': header }, ...of });
  };

  it('gets its share and no more, learns how long to wait, and its neighbour is never refused', async () => {
    const neighbour = await rig.token('beta-north', 'customer');
    await rig.token('acme-north', 'customer');
    const from = performance.now();
    let isOver = false;
    const asked: Reply[] = [];
    const beside = (async () => {
      while (!isOver) {
        asked.push(await rig.call('GET', '/v1/link', { token: neighbour }));
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
    })();
    const replies = await flood(3_000, 40, () => rig.call('GET', '/v1/link'));
    isOver = true;
    await beside;
    const seconds = (performance.now() - from) / 1_000;
    const taken = replies.filter(({ status }) => status === 200);
    const refused = replies.filter(({ status }) => status === 429);
    assert.equal(taken.length + refused.length, replies.length);
    assert.ok(taken.length <= 10 + 10 * (seconds + 0.2), `${taken.length} in ${seconds} s`);
    assert.ok(taken.length >= 10, 'it gets its share');
    assert.ok(refused.length > 0);
    for (const { headers, body } of refused) {
      const wait = Number(headers.get('retry-after'));
      assert.ok(wait >= 1 && wait <= 60, `Retry-After ${wait}`);
      assert.equal(body['type'], 'urn:ferry:problem:too-many-requests');
      assert.match(String(body['violated-policies']), /^requests(?:-at-a-time)?$/);
      assert.match(headers.get('ratelimit') ?? '', /^"requests";r=0;t=\d+, "bytes";r=0;t=\d+$/);
    }
    assert.ok(asked.length > 0);
    assert.deepEqual(new Set(asked.map(({ status }) => status)), new Set([200]));
  });

  it('learns from every answer what its limit is and what is left of it', async () => {
    const { headers } = await rig.call('GET', '/v1/link', { token: await rig.token('beta-north', 'customer') });
    assert.equal(headers.get('ratelimit-policy'), '"requests";q=10;w=1, "bytes";q=131072;w=2;qu="content-bytes"');
    assert.match(headers.get('ratelimit') ?? '', /^"requests";r=\d+;t=\d+, "bytes";r=\d+;t=\d+$/);
  });

  it('is refused before its token is verified, even if the request has other faults', async () => {
    await flood(500, 40, () => rig.call('GET', '/v1/link'));
    const at = performance.now();
    const replies = await Promise.all(Array.from({ length: 20 }, () => rig.call('GET', '/v1/nothing')));
    assert.ok(replies.some(({ status }) => status === 429));
    assert.ok(performance.now() - at < 10_000);
  });

  it('many long bodies are refused by their bytes', async () => {
    await rig.token('beta-north', 'customer');
    const token = await rig.token('beta-north', 'customer');
    const body = JSON.stringify({ padding: 'x'.repeat(60_000) });
    const headers = { 'content-type': 'application/json' };
    const replies = await flood(1_000, 10, () => rig.call('POST', '/v1/link/checks', { token, body, headers }));
    const violated = replies.filter(({ status }) => status === 429).map(({ body: one }) => one['violated-policies']);
    assert.ok(violated.some((names) => Array.isArray(names) && names[0] === 'bytes'));
    const sent = replies.filter(({ status }) => status < 400).length * 60_000;
    assert.ok(sent <= 128 * 1024 + 64 * 1024 * 12, `${sent} bytes were taken`);
  });

  it('files that no action names can fill only their quota, whatever their sizes; naming them makes room', async () => {
    const token = await rig.token('acme-north', 'customer');
    const mirror = await slowly(() => rig.openMirror('quota'));
    const first = new Uint8Array(randomBytes(60_000));
    assert.equal((await slowly(() => put(first, token))).status, 200);
    const second = new Uint8Array(randomBytes(50_000));
    const full = await slowly(() => put(second, token));
    assert.equal(full.status, 507, full.text);
    assert.match(full.text, /urn:ferry:problem:too-many-files/);
    assert.ok(Number(full.headers.get('retry-after')) > 0);
    const together = await slowly(() =>
      Promise.all(Array.from({ length: 4 }, () => put(new Uint8Array(randomBytes(30_000)), token))),
    );
    assert.ok(together.filter(({ status }) => status === 200).length <= 1);
    const other = await rig.token('beta-north', 'customer');
    assert.equal((await slowly(() => put(second, other))).status, 200, 'another link has a quota of its own');
    const { sha256 } = digestOf(first);
    const action = await rig.signed({ seq: 2, ticket: 'quota', files: [{ sha256, name: 'a.bin' }] });
    const named = await slowly(() =>
      rig.call('POST', `/v1/supplier/tickets/${mirror}/actions`, { json: { actions: [action] } }),
    );
    assert.match(named.text, /"accepted"/);
    assert.equal((await slowly(() => put(second, token))).status, 200);
  });

  it('a file that alone is over the quota is refused for good, so that its note need not wait, and the link says so', async () => {
    const token = await rig.token('beta-north', 'customer');
    const reply = await slowly(() => put(new Uint8Array(small.unreferencedBytes + 1), token));
    assert.equal(reply.status, 413, reply.text);
    assert.match(reply.text, /urn:ferry:problem:file-too-large/);
    const link = await slowly(() => rig.call('GET', '/v1/link', { token }));
    const { attachmentBytes, unreferencedBytes } = link.body['limits'] as Record<string, number>;
    assert.deepEqual([attachmentBytes, unreferencedBytes], [small.unreferencedBytes, small.unreferencedBytes]);
  });

  it('no file is taken while the disk is nearly full, and what would fill it is not begun', async () => {
    free = small.minFreeBytes + 10_000;
    try {
      const token = await rig.token('beta-north', 'customer');
      const refused = await slowly(() => put(new Uint8Array(randomBytes(11_000)), token));
      assert.equal(refused.status, 507, refused.text);
      assert.match(refused.text, /urn:ferry:problem:insufficient-storage/);
      assert.ok(Number(refused.headers.get('retry-after')) > 0);
      assert.equal((await slowly(() => put(new Uint8Array(randomBytes(9_000)), token))).status, 200);
    } finally {
      free = 1_000_000_000;
    }
  });

  it('what waits here has an end: the next action is deferred and kept by its sender, and taken when there is room', async () => {
    await rig.connection.db.execute(sql`update deliveries set outcome = 'applied' where outcome is null`);
    await rig.connection.db.execute(sql`update lanes set due_at = null`);
    const mirror = await slowly(() => rig.openMirror('full'));
    const path = `/v1/supplier/tickets/${mirror}/actions`;
    const actions = await Promise.all(
      [2, 3, 4, 5, 6, 7, 8].map((seq) => rig.signed({ seq, after: seq - 1, ticket: 'full' })),
    );
    const reply = await slowly(() => rig.call('POST', path, { json: { actions } }));
    const { results } = reply.body as {
      results: { status: string; reason?: { code: string }; retryAfterMs?: number }[];
    };
    const last = results.at(-1);
    assert.ok(results.length < 7, reply.text);
    assert.deepEqual(
      results.slice(0, -1).map(({ status }) => status),
      Array(results.length - 1).fill('accepted'),
    );
    assert.equal(last?.reason?.code, 'too-many-waiting');
    assert.ok((last?.retryAfterMs ?? 0) > 0);
    const again = await slowly(() => rig.call('POST', path, { json: { actions } }));
    assert.match(again.text, /"duplicate"/, 'what was taken is known');
    await rig.connection.db.execute(sql`update deliveries set outcome = 'applied' where outcome is null`);
    await rig.connection.db.execute(sql`update lanes set due_at = null`);
    const took = await until429(async () => {
      const { text } = await rig.call('POST', path, { json: { actions: actions.slice(results.length - 1) } });
      return text.includes('too-many-waiting') ? null : text;
    });
    assert.match(took, /"accepted"/);
  });

  it('behind one of our proxies each caller has a separate count of failures; anybody else’s headers are ignored', async () => {
    const { isProxy } = callerAddress({ ranges: ['127.0.0.1'], header: 'x-forwarded-for' });
    assert.equal(isProxy('::ffff:127.0.0.1'), true);
    await rig.token('acme-north', 'supplier').catch(() => null);
    const ask = async (from: string, secret: string): Promise<number> => {
      const reply = await fetch(`${rig.url}/oauth/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-forwarded-for': from },
        body: new URLSearchParams({ grant_type: 'client_credentials', client_id: 'guessed', client_secret: secret }),
      });
      await reply.arrayBuffer();
      return reply.status;
    };
    for (let n = 0; n < 10; n += 1) assert.equal(await ask(`198.51.100.${n}, 203.0.113.7`, 'wrong'), 401);
    assert.equal(await ask('1.1.1.1, 203.0.113.7', 'wrong'), 429, 'the hops before the caller are forged');
    assert.equal(await ask('203.0.113.8', 'wrong'), 401, 'another caller of the same proxy');
  });

  /** Behaves like an honest client: waits as long as the server asks. */
  async function slowly<Result>(ask: () => Promise<Result>): Promise<Result> {
    for (;;) {
      const at = await ask().catch((error: unknown) => {
        if (error instanceof Error && /\b429\b/.test(error.message)) return null;
        throw error;
      });
      const all = [at].flat() as readonly (Partial<Reply> | null)[];
      if (at !== null && all.every((one) => one?.status !== 429)) return at;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }

  async function until429(ask: () => Promise<string | null>): Promise<string> {
    const end = performance.now() + 20_000;
    for (;;) {
      const text = await slowly(ask);
      if (text !== null && !text.includes('too-many-requests')) return text;
      if (performance.now() > end) throw new Error('it was never taken');
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }
});
