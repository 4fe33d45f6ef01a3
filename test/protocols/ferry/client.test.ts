import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { after, before, beforeEach, describe, it } from 'node:test';
import { notAfterIn } from '#connectors/contract/not-after.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { createHttpClient, type OwnedHttpClient } from '#connectors/kit/http.ts';
import { createPeerClient, type PeerClient } from '#protocols/ferry/client.ts';
import type { WireAction } from '#core/wire.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

const never = new AbortController().signal;
const within = { signal: never, notAfter: notAfterIn(60_000) };
const mirror = '01a00000-0000-7000-8000-000000000001';
const ids = ['01a00000-0000-7000-8000-00000000000a', '01a00000-0000-7000-8000-00000000000b'] as const;

describe('the client of a peer', () => {
  let http: OwnedHttpClient;
  let client: PeerClient;
  let handle: Handler;
  let tokens = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => handle(request, response, Buffer.concat(chunks)));
  });
  before(async () => {
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    http = createHttpClient({ allow: { http: true, privateAddresses: ['127.0.0.0/8'] } });
    client = createPeerClient({
      api,
      issuer: `${api}/i/north`,
      http,
      tokens: {
        authorization: () => Promise.resolve({ authorization: `Bearer ${tokens}` }),
        forget: () => {
          tokens += 1;
        },
        dating: () => () => false,
      },
    });
  });
  beforeEach(() => {
    tokens = 0;
  });
  after(async () => {
    await http.close();
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  const answer = (status: number, body: unknown, headers: Record<string, string> = {}): void => {
    handle = (_request, response) => say(response, status, body, headers);
  };
  const send = (): Promise<unknown> =>
    client.actions('supplier', mirror, [action(ids[0], 1), action(ids[1], 2)], within);

  it('takes results of exactly what was sent, in order, whole or up to the first that was deferred', async () => {
    const ok = { id: ids[0], seq: 1, status: 'accepted' };
    const whole = { results: [ok, { id: ids[1], seq: 2, status: 'duplicate' }], accepted: 2 };
    answer(200, { ...whole, somethingNew: 'of a newer peer' });
    assert.deepEqual(await send(), whole);
    const cut = {
      results: [{ id: ids[0], seq: 1, status: 'deferred', reason: { code: 'gap', text: 'Wait.' } }],
      accepted: 0,
    };
    answer(200, cut);
    assert.deepEqual(await send(), cut);
  });

  it('asks to forget, and tells a gateway that does not know the question from one that says nothing of use', async () => {
    const asked = { id: ids[0], actions: [ids[1]] };
    const erase = (): Promise<unknown> => client.erase(asked, never);
    answer(200, { id: ids[0], state: 'waiting' });
    assert.deepEqual(await erase(), { id: ids[0], state: 'waiting', text: null });
    answer(200, { id: ids[0], state: 'refused', text: 'We must keep it.', more: 1 });
    assert.deepEqual(await erase(), { id: ids[0], state: 'refused', text: 'We must keep it.' });
    // What an earlier gateway answers for an endpoint that it does not have.
    answer(404, { type: 'urn:ferry:problem:not-found' });
    assert.equal(await erase(), null);
    for (const [status, body] of [
      [404, '<html>'],
      [200, '<html>'],
      [200, { id: ids[1], state: 'done' }],
      [200, { id: ids[0], state: 'perhaps' }],
      [503, {}],
    ] as const) {
      answer(status, body);
      await assert.rejects(erase(), (error) => error instanceof HelpdeskError && error.class === 'retry');
    }
  });

  for (const [what, body] of [
    ['a portal’s page', '<html>Sign in</html>'],
    ['broken JSON', '{"results": ['],
    ['an array', []],
    ['no results', { results: [], accepted: 2 }],
    ['too few', { results: [{ id: ids[0], seq: 1, status: 'accepted' }], accepted: 1 }],
    [
      'another order',
      {
        results: [
          { id: ids[1], seq: 2, status: 'accepted' },
          { id: ids[0], seq: 1, status: 'accepted' },
        ],
        accepted: 2,
      },
    ],
    [
      'another seq',
      {
        results: [
          { id: ids[0], seq: 1, status: 'accepted' },
          { id: ids[1], seq: 3, status: 'accepted' },
        ],
        accepted: 3,
      },
    ],
    [
      'an unknown status',
      {
        results: [
          { id: ids[0], seq: 1, status: 'fine' },
          { id: ids[1], seq: 2, status: 'fine' },
        ],
        accepted: 2,
      },
    ],
    [
      'one deferred in the middle',
      {
        results: [
          { id: ids[0], seq: 1, status: 'deferred' },
          { id: ids[1], seq: 2, status: 'accepted' },
        ],
        accepted: 2,
      },
    ],
    [
      'no accepted seq',
      {
        results: [
          { id: ids[0], seq: 1, status: 'accepted' },
          { id: ids[1], seq: 2, status: 'accepted' },
        ],
      },
    ],
  ] as const) {
    it(`does not count a 200 with ${what} as an answer`, async () => {
      answer(200, body);
      await fails(send(), 'retry', 'bad-answer');
    });
  }

  it('does not count a 201, a 204 or a 202 for a batch as an answer', async () => {
    for (const status of [201, 202]) {
      answer(status, { results: [], accepted: 0 });
      await fails(send(), 'retry', 'bad-answer');
    }
  });

  it('asks for one new token where one is refused, and says that credentials do not work where that is refused too', async () => {
    const seen: (string | undefined)[] = [];
    handle = (request, response) => {
      seen.push(request.headers.authorization);
      say(response, request.headers.authorization === 'Bearer 1' ? 200 : 401, link);
    };
    await client.link(never);
    assert.deepEqual(seen, ['Bearer 0', 'Bearer 1']);
    answer(401, { type: 'urn:ferry:problem:invalid-token' });
    await fails(client.link(never), 'auth', 'invalid-token');
  });

  it('distinguishes the peer’s refusals from the pages of a proxy before it', async () => {
    answer(422, { type: 'urn:ferry:problem:invalid-body', title: 'Wrong', detail: 'The seq is missing.' });
    const error = await fails(send(), 'refused', 'invalid-body');
    assert.match(error.message, /The seq is missing/);
    answer(403, '<html>Blocked by the firewall</html>', { 'content-type': 'text/html' });
    await fails(send(), 'retry', 'bad-answer');
    answer(404, '<html>nginx</html>', { 'content-type': 'text/html' });
    await fails(send(), 'retry', 'bad-answer');
    answer(404, { type: 'urn:ferry:problem:not-found' });
    await fails(send(), 'gone', 'not-found');
    answer(403, { type: 'urn:ferry:problem:wrong-role' });
    await fails(send(), 'auth', 'wrong-role');
    answer(413, '<html>nginx</html>', { 'content-type': 'text/html' });
    await fails(send(), 'refused', 'body-too-large');
    answer(500, {});
    await fails(send(), 'retry', 'unavailable');
    answer(302, {}, { location: 'http://127.0.0.1:1/' });
    await fails(send(), 'retry', 'redirected');
  });

  it('waits as long as the peer asks', async () => {
    answer(429, {}, { 'retry-after': '90' });
    assert.equal((await fails(send(), 'slow-down', 'slow-down')).retryAfterMs, 90_000);
    answer(507, { type: 'urn:ferry:problem:too-many-files' }, { 'retry-after': '60' });
    assert.equal((await fails(send(), 'slow-down', 'too-many-files')).retryAfterMs, 60_000);
    answer(503, {}, { 'retry-after': '5' });
    assert.equal((await fails(send(), 'slow-down', 'slow-down')).retryAfterMs, 5_000);
  });

  it('is never in doubt: an answer that was cut off is asked for again', async () => {
    handle = (request) => void request.socket.destroy();
    await fails(send(), 'retry');
  });

  it('reads a 409 of an escalation as its refusal', async () => {
    answer(409, { type: 'urn:ferry:problem:constant-differs', title: 'Known with other contents' });
    const { results } = await client.escalate(action(ids[0], 1), within);
    assert.deepEqual(
      [results[0]?.id, results[0]?.status, results[0]?.reason?.code],
      [ids[0], 'refused', 'constant-differs'],
    );
  });

  it('streams a file with its length and digest, and again if its token was refused', async () => {
    const bytes = Buffer.alloc(300_000, 'x');
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    let opened = 0;
    handle = (request, response, body) => {
      if (request.headers.authorization === 'Bearer 0') return say(response, 401, {});
      assert.equal(request.url, `/v1/attachments/${sha256}`);
      assert.equal(request.headers['content-length'], '300000');
      assert.equal(request.headers['content-type'], 'application/octet-stream');
      assert.equal(
        request.headers['content-digest'],
        `sha-256=:${createHash('sha256').update(body).digest('base64')}:`,
      );
      say(response, 201, {});
    };
    const open = (): Readable => {
      opened += 1;
      return Readable.from([bytes.subarray(0, 1_000), bytes.subarray(1_000)]);
    };
    await client.putFile({ sha256, sizeBytes: bytes.length, type: 'text/html; charset="\r\nx: y' }, open, never);
    assert.equal(opened, 2);
  });

  it('knows from a HEAD alone whether a file of any size is there', async () => {
    handle = (request, response) => {
      assert.equal(request.method, 'HEAD');
      response.writeHead(200, { 'content-length': String(400 * 1024 * 1024) }).end();
    };
    assert.equal(await client.hasFile('ab'.repeat(32), never), true);
    handle = (_request, response) => void response.writeHead(404).end();
    assert.equal(await client.hasFile('ab'.repeat(32), never), false);
  });

  it('answers null for an action or a mirror that the peer does not know', async () => {
    answer(404, { type: 'urn:ferry:problem:not-found' });
    assert.equal(
      await client.standing('supplier', mirror, { id: ids[0], origin: 'https://acme.example/i/acme' }, never),
      null,
    );
    assert.equal(await client.mirror('supplier', mirror, never), null);
  });
});

const link = {
  link: 'far',
  state: 'active',
  reason: null,
  contact: null,
  now: '2026-11-22T00:00:00Z',
  fingerprint: 'x',
  limits: { bodyBytes: 1, attachmentBytes: 1, actionsPerBatch: 50 },
};

function action(id: string, seq: number): WireAction {
  return {
    seq,
    after: seq - 1,
    constant: {
      id,
      origin: 'https://a.example/i/acme',
      author: { name: 'Ann', role: 'agent' },
      at: '2026-11-22T00:00:00.000Z',
      audience: 'desks',
      note: '<p>x</p>',
      attachments: [],
    },
    words: { kind: 'Note', fields: {} },
    via: ['https://a.example/i/acme'],
    mailed: false,
    drops: [],
    trace: 'ab'.repeat(16),
    late: false,
    again: false,
    ticket: { id: '1', number: '#1', url: '', closed: false },
  };
}

function say(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

async function fails(promise: Promise<unknown>, errorClass: string, code?: string): Promise<HelpdeskError> {
  const error = await promise.then(
    () => assert.fail('it succeeded'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof HelpdeskError, String(error));
  assert.equal(error.class, errorClass, error.message);
  if (code !== undefined) assert.equal(error.code, code);
  return error;
}
