import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTokens } from '#connectors/halo/token.ts';
import type { HttpClient, HttpReply, HttpRequest } from '#connectors/contract/http.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { failure } from '#test/connectors/bench.ts';

const never = new AbortController().signal;
const credentials = { clientId: 'id', clientSecret: 'very-secret', authUrl: 'https://acme.halopsa.com/auth' };

function fake(answer: (request: HttpRequest, count: number) => Partial<HttpReply>) {
  const asked: HttpRequest[] = [];
  const http: HttpClient = {
    async request(request) {
      asked.push(request);
      await new Promise((done) => setImmediate(done));
      return {
        status: 200,
        headers: { 'content-type': 'application/json' },
        text: '{}',
        ...answer(request, asked.length),
      };
    },
    stream: () => assert.fail('no stream'),
  };
  return { http, asked };
}

const token = (value: string, expires_in = 3600) => ({ text: JSON.stringify({ access_token: value, expires_in }) });

test('many who need a token at once cause one request, and it is kept until shortly before it ends', async () => {
  let clock = 0;
  const { http, asked } = fake((_request, count) => token(`t${count}`, 300));
  const tokens = createTokens(http, 'https://acme.halopsa.com', { ...credentials, tenant: 'acme' }, 'all', () => clock);
  assert.deepEqual(await Promise.all([tokens.get(never), tokens.get(never), tokens.get(never)]), ['t1', 't1', 't1']);
  assert.equal(asked[0]?.url, 'https://acme.halopsa.com/auth/token?tenant=acme');
  const body = asked[0]?.body;
  assert.ok(typeof body === 'string');
  assert.match(body, /^grant_type=client_credentials&client_id=id&client_secret=very-secret&scope=all$/);
  clock = 200_000;
  assert.equal(await tokens.get(never), 't1');
  clock = 250_000;
  assert.equal(await tokens.get(never), 't2');
});

test('where to sign in and the tenant are learnt from the Halo itself when nobody says', async () => {
  const { http, asked } = fake((request) =>
    request.method === 'GET' ? { text: '{"auth_url":"https://auth.example/x/","tenant_id":"acme"}' } : token('t'),
  );
  const tokens = createTokens(http, 'https://acme.example', { clientId: 'id', clientSecret: 's' }, 'all');
  await tokens.get(never);
  assert.deepEqual(
    asked.map(({ url }) => url),
    ['https://acme.example/api/authinfo', 'https://auth.example/x/token?tenant=acme'],
  );
});

test('wrong credentials ask for a token once in 30 seconds, however often somebody tries', async () => {
  let clock = 0;
  const { http, asked } = fake(() => ({ status: 400, text: '{"error":"invalid_client"}' }));
  const tokens = createTokens(http, 'https://x.example', credentials, 'all', () => clock);
  for (let i = 0; i < 10; i++) {
    const error = await failure(tokens.get(never));
    assert.equal(error.class, 'auth');
    assert.doesNotMatch(error.message, /very-secret/);
    clock += 1000;
  }
  assert.equal(asked.length, 1);
  clock = 31_000;
  await failure(tokens.get(never));
  assert.equal(asked.length, 2);
});

test('a token is renewed when it is refused, once in 30 seconds; then it is kept, for it may be good for other requests', async () => {
  let clock = 0;
  const { http, asked } = fake((_request, count) => token(`t${count}`));
  const tokens = createTokens(http, 'https://x.example', credentials, 'all', () => clock);
  assert.equal(tokens.refused(await tokens.get(never)), true);
  for (let i = 0; i < 10; i++) {
    assert.equal(await tokens.get(never), 't2');
    assert.equal(tokens.refused('t2'), false);
  }
  assert.equal(asked.length, 2);
  clock = 30_001;
  assert.equal(tokens.refused('t2'), true);
  assert.equal(await tokens.get(never), 't3');
});

test('a refusal of an old token does not throw away the new one', async () => {
  const { http, asked } = fake((_request, count) => token(`t${count}`));
  const tokens = createTokens(http, 'https://x.example', credentials, 'all');
  const old = await tokens.get(never);
  tokens.refused(old);
  assert.equal(await tokens.get(never), 't2');
  tokens.refused(old);
  assert.equal(await tokens.get(never), 't2');
  assert.equal(asked.length, 2);
});

test('no answer to signing in is retry, never in doubt, and the next try asks again', async () => {
  let broken = true;
  const { http, asked } = fake(() => {
    if (broken) throw new HelpdeskError('in-doubt', 'timeout', 'x');
    return token('t');
  });
  const tokens = createTokens(http, 'https://x.example', credentials, 'all');
  assert.equal((await failure(tokens.get(never))).class, 'retry');
  broken = false;
  assert.equal(await tokens.get(never), 't');
  assert.equal(asked.length, 2);
});

test('a web page with status 200 is not a token', async () => {
  const { http } = fake(() => ({ headers: { 'content-type': 'text/html' }, text: '<html>' }));
  const tokens = createTokens(http, 'https://x.example', credentials, 'all');
  assert.deepEqual((({ class: c, code }) => [c, code])(await failure(tokens.get(never))), ['retry', 'not-json']);
});

test('who gives up waiting for a token is let go, the others get it', async () => {
  const { http } = fake(() => token('t'));
  const tokens = createTokens(http, 'https://x.example', credentials, 'all');
  const controller = new AbortController();
  const [waiting, patient] = [tokens.get(controller.signal), tokens.get(never)];
  controller.abort();
  assert.equal((await failure(waiting)).code, 'aborted');
  assert.equal(await patient, 't');
});
