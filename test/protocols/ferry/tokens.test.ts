// Tokens for a peer's API, from a real authorization server and from one that misbehaves.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { decodeJwt } from 'jose';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { HttpClient } from '#connectors/contract/http.ts';
import type { HelpdeskErrorClass } from '#connectors/contract/errors.ts';
import { createHttpClient } from '#connectors/kit/http.ts';
import { fetchJson } from '#protocols/ferry/fetch-json.ts';
import { createTokenSource } from '#protocols/ferry/tokens.ts';
import type { TokenSource, TokenSourceOptions } from '#protocols/ferry/tokens.ts';
import { publicKeys, retireKey, rotateKey, signingKey } from '#db/links/keys.ts';
import { newClient, startRig } from '#test/gateway/oauth-rig.ts';
import type { Rig } from '#test/gateway/oauth-rig.ts';

const closers: (() => unknown)[] = [];
const requests: string[] = [];
let rig: Rig;
let http: HttpClient;
let clientId: string;

before(async () => {
  const owned = createHttpClient({ allow: { http: true, privateAddresses: ['127.0.0.0/8'] } });
  closers.push(() => owned.close());
  http = {
    request: (request) => {
      requests.push(`${request.method} ${new URL(request.url).pathname}`);
      return owned.request(request);
    },
    stream: (request) => owned.stream(request),
  };
  rig = await startRig({ clientKeys: { maxAgeMs: 100, cooldownMs: 0 } });
  closers.push(() => rig.close());
  // Instance beta speaks for the peer here: its key set is the client's.
  rig.keySet = async () => ({ keys: await publicKeys(rig.connection.db, 'beta') });
  clientId = await newPeer('optional');
});
after(async () => {
  for (const close of closers.reverse()) await close();
});

async function newPeer(dpop: 'off' | 'optional' | 'required'): Promise<string> {
  const { id } = await newClient(rig, { secretHashes: [], jwksUri: 'https://peer.example/jwks', dpop });
  return id;
}

function source(more: Partial<TokenSourceOptions> = {}): TokenSource {
  return createTokenSource({
    issuer: rig.issuer,
    clientId,
    signingKey: () => signingKey(rig.connection.db, rig.open, 'beta', 'client'),
    http,
    dpop: 'off',
    ...more,
  });
}

async function call(tokens: TokenSource): Promise<number> {
  const url = `${rig.url}/v1/whoami?after=7`;
  return (await fetch(url, { headers: await tokens.authorization('GET', url) })).status;
}

async function fails(promise: Promise<unknown>, errorClass: HelpdeskErrorClass, code: string): Promise<void> {
  const error = await promise.then(
    () => assert.fail('it succeeded'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof HelpdeskError, String(error));
  assert.deepEqual([error.class, error.code], [errorClass, code], error.message);
  assert.ok(!/eyJ/.test(error.message));
}

test('a hundred requests at once ask for one token, and each passes', async () => {
  requests.length = 0;
  const tokens = source();
  const statuses = await Promise.all(Array.from({ length: 100 }, () => call(tokens)));
  assert.deepEqual(new Set(statuses), new Set([200]));
  assert.deepEqual(requests, ['GET /.well-known/oauth-authorization-server/i/acme', 'POST /oauth/token']);
});

test('a token is kept until half a minute before it ends, then there is a new one without discovery', async () => {
  let now = 0;
  const tokens = source({ now: () => now });
  const first = await tokens.authorization('GET', rig.url);
  now = 269_000;
  assert.deepEqual(await tokens.authorization('GET', rig.url), first);
  requests.length = 0;
  now = 270_001;
  assert.notDeepEqual(await tokens.authorization('GET', rig.url), first);
  assert.deepEqual(requests, ['POST /oauth/token']);
});

test('a forgotten token is requested again', async () => {
  const tokens = source();
  const first = await tokens.authorization('GET', rig.url);
  tokens.forget();
  assert.notDeepEqual(await tokens.authorization('GET', rig.url), first);
});

test('if the link demands it, the token is bound, and each request has its own proof', async () => {
  const tokens = source({ clientId: await newPeer('required'), dpop: 'required' });
  for (const _ of [1, 2, 3]) assert.equal(await call(tokens), 200);
  const [one, two] = [await tokens.authorization('GET', rig.url), await tokens.authorization('GET', rig.url)];
  assert.match(String(one['authorization']), /^DPoP /);
  assert.equal(one['authorization'], two['authorization']);
  assert.notEqual(one['dpop'], two['dpop']);
});

test('where binding is optional it begins when the peer asks for it, also in the midst of a life', async () => {
  const id = await newPeer('optional');
  const tokens = source({ clientId: id, dpop: 'optional' });
  assert.match(String((await tokens.authorization('GET', rig.url))['authorization']), /^Bearer /);
  await rig.connection.db.execute(sql`update clients set dpop = 'required' where id = ${id}`);
  assert.equal(await call(tokens), 401);
  tokens.forget();
  assert.equal(await call(tokens), 200);
  assert.match(String((await tokens.authorization('GET', rig.url))['authorization']), /^DPoP /);
});

test('if binding is off, a peer that demands it is recognised as a refusal', async () => {
  await fails(source({ clientId: await newPeer('required') }).authorization('GET', rig.url), 'auth', 'client-refused');
});

test('our key may be rotated, or replaced at once, between two tokens', async () => {
  const { db } = rig.connection;
  const tokens = source();
  assert.equal(await call(tokens), 200);
  await rotateKey(db, rig.seal, 'beta', 'client', { publishMs: 0, keepMs: 0 });
  tokens.forget();
  assert.equal(await call(tokens), 200);
  const { kid } = await signingKey(db, rig.open, 'beta', 'client');
  await retireKey(db, rig.seal, kid);
  tokens.forget();
  assert.equal(await call(tokens), 200);
});

test('a client that the peer does not know, or has revoked, is `auth`; an unknown issuer is refused', async () => {
  await fails(source({ clientId: 'nobody' }).authorization('GET', rig.url), 'auth', 'client-refused');
  await fails(source({ issuer: `${rig.url}/i/nobody` }).authorization('GET', rig.url), 'refused', 'no-issuer');
});

test('after a failure the next request asks again', async () => {
  let kid = 'unknown';
  const tokens = source({
    signingKey: async () => {
      const own = await signingKey(rig.connection.db, rig.open, 'beta', 'client');
      return kid === '' ? own : { ...own, kid };
    },
  });
  await fails(tokens.authorization('GET', rig.url), 'auth', 'client-refused');
  kid = '';
  assert.equal(await call(tokens), 200);
});

/** How the peer's clock jumps, in order: before each of its answers it has moved to the next of these. Seconds ahead. */
function clocked(...skews: readonly number[]): HttpClient {
  const left = [...skews];
  return {
    async request(asked) {
      rig.skew = left.shift() ?? rig.skew;
      const reply = await http.request(asked);
      const date = new Date(Date.now() + rig.skew * 1_000).toUTCString();
      return { ...reply, headers: { ...reply.headers, date } };
    },
    stream: (asked) => http.stream(asked),
  };
}

for (const skew of [-86_400, -240, -90, 90, 240, 86_400])
  for (const dpop of ['off', 'required'] as const)
    test(`a clock that is ${skew} seconds ahead of ours is not taken for a wrong key, with dpop ${dpop}`, async () => {
      try {
        const tokens = source({ clientId: await newPeer(dpop), dpop, http: clocked(skew) });
        assert.equal(await call(tokens), 200);
        // The clock is corrected, and our next signature must follow it.
        rig.skew = 0;
        tokens.forget();
        const isExplained = tokens.dating();
        if (dpop === 'required') assert.equal(isExplained(new Date().toUTCString()), true);
        assert.equal(await call(tokens), 200);
      } finally {
        rig.skew = 0;
      }
    });

test('a clock that jumps between two attempts causes a prompt retry, and the reason mentions clocks', async () => {
  try {
    const tokens = source({ clientId: await newPeer('off'), http: clocked(0, 300, -300) });
    const failed = tokens.authorization('GET', rig.url);
    await fails(failed, 'retry', 'clock-differs');
    await assert.rejects(failed, /clock is \d+ seconds behind ours.*NTP/);
    assert.equal(await call(tokens), 200);
  } finally {
    rig.skew = 0;
  }
});

test('a wrong key is recognised whatever the clocks show', async () => {
  try {
    const unknown = source({ clientId: 'nobody', http: clocked(300) });
    await fails(unknown.authorization('GET', rig.url), 'auth', 'client-refused');
  } finally {
    rig.skew = 0;
  }
});

/** An authorization server of which every answer can be changed. */
async function strange(answers: (url: string) => Readonly<Record<string, RequestListener>>): Promise<string> {
  let handlers: Readonly<Record<string, RequestListener>> = {};
  const server = createServer((request, reply) => {
    const handler = Object.entries(handlers).find(([path]) => request.url?.startsWith(path))?.[1];
    if (handler === undefined) reply.writeHead(404).end();
    else handler(request, reply);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closers.push(() => new Promise((done) => server.close(done)));
  closers.push(() => server.closeAllConnections());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  handlers = answers(url);
  return `${url}/i/acme`;
}

function json(body: unknown, status = 200, headers: Record<string, string> = {}): RequestListener {
  return (_request, reply) => {
    reply.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
}

function metadata(url: string, more: object = {}): RequestListener {
  return json({ issuer: `${url}/i/acme`, token_endpoint: `${url}/oauth/token`, ...more });
}

type Strange = readonly [
  string,
  (url: string) => Readonly<Record<string, RequestListener>>,
  HelpdeskErrorClass,
  string,
];
const html: RequestListener = (_request, reply) => {
  reply.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Log in</h1>');
};
const cases: readonly Strange[] = [
  [
    'metadata of another issuer',
    (url) => ({ '/.well': metadata(url, { issuer: `${url}/i/evil` }) }),
    'refused',
    'issuer-mismatch',
  ],
  [
    'a token endpoint at another origin',
    (url) => ({ '/.well': metadata(url, { token_endpoint: 'https://evil.example/oauth/token' }) }),
    ...(['refused', 'token-endpoint-elsewhere'] as const),
  ],
  [
    'no token endpoint',
    (url) => ({ '/.well': metadata(url, { token_endpoint: undefined }) }),
    'refused',
    'token-endpoint-elsewhere',
  ],
  ['a page in place of metadata', () => ({ '/.well': html }), 'retry', 'bad-answer'],
  ['a page in place of a token', (url) => ({ '/.well': metadata(url), '/oauth': html }), 'retry', 'bad-answer'],
  [
    'a token that is none',
    (url) => ({ '/.well': metadata(url), '/oauth': json({ access_token: 7 }) }),
    'retry',
    'bad-answer',
  ],
  [
    'a token of an unknown type',
    (url) => ({ '/.well': metadata(url), '/oauth': json({ access_token: 'x', token_type: 'mac' }) }),
    ...(['retry', 'bad-answer'] as const),
  ],
  [
    'a redirect',
    (url) => ({ '/.well': metadata(url), '/oauth': json({}, 302, { location: 'https://evil.example' }) }),
    ...(['retry', 'redirected'] as const),
  ],
  [
    'an error of the server',
    (url) => ({ '/.well': metadata(url), '/oauth': json({ error: 'x' }, 500) }),
    'retry',
    'token-endpoint-down',
  ],
  [
    'too many attempts',
    (url) => ({ '/.well': metadata(url), '/oauth': json({ error: 'slow_down' }, 429, { 'retry-after': '17' }) }),
    ...(['slow-down', 'token-endpoint-busy'] as const),
  ],
  [
    'a cut connection',
    (url) => ({ '/.well': metadata(url), '/oauth': (request) => void request.socket.destroy() }),
    ...(['retry', 'connection-reset'] as const),
  ],
  [
    'a megabyte of metadata',
    (url) => ({ '/.well': metadata(url, { filler: 'x'.repeat(1024 * 1024) }) }),
    ...(['refused', 'reply-too-large'] as const),
  ],
];
for (const [name, answers, errorClass, code] of cases)
  test(`a peer that answers with ${name} gives no token, and the reason is ${errorClass} ${code}`, async () => {
    await fails(source({ issuer: await strange(answers) }).authorization('GET', rig.url), errorClass, code);
  });

test('a peer that is not there is tried again later', async () => {
  await fails(
    source({ issuer: 'http://127.0.0.1:9/i/acme' }).authorization('GET', rig.url),
    'retry',
    'connection-refused',
  );
});

test('how long to wait is what the peer says', async () => {
  const issuer = await strange((url) => ({
    '/.well': metadata(url),
    '/oauth': json({ error: 'slow_down' }, 429, { 'retry-after': '17' }),
  }));
  await assert.rejects(source({ issuer }).authorization('GET', rig.url), { retryAfterMs: 17_000 });
});

test('what we send is a client assertion for the issuer alone, of a minute, with a type', async () => {
  let body = '';
  const issuer = await strange((url) => ({
    '/.well': metadata(url),
    '/oauth': (request, reply) => {
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => json({ access_token: 'x', token_type: 'bearer' })(request, reply as never));
    },
  }));
  await source({ issuer }).authorization('GET', rig.url);
  const form = new URLSearchParams(body);
  assert.equal(form.get('grant_type'), 'client_credentials');
  const claims = decodeJwt(String(form.get('client_assertion')));
  assert.deepEqual([claims.aud, claims.iss, claims.sub], [issuer, clientId, clientId]);
  assert.ok(Number(claims.exp) - Number(claims.iat) <= 60);
});

test('a key set is read as JSON, and nothing else is taken for one', async () => {
  const issuer = await strange(() => ({ '/keys': json({ keys: [] }), '/page': html, '/gone': json({}, 410) }));
  const { origin } = new URL(issuer);
  assert.deepEqual(await fetchJson(http, `${origin}/keys`), { keys: [] });
  await fails(fetchJson(http, `${origin}/page`), 'retry', 'bad-answer');
  await fails(fetchJson(http, `${origin}/gone`), 'retry', 'bad-answer');
});
