// An independent, strict client uses this server over https, without a single exception made for it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { createAdaptorServer } from '@hono/node-server';
import { exportJWK } from 'jose';
import * as oauth from 'oauth4webapi';
import { Agent, fetch as undiciFetch } from 'undici';
import { ensureKeys } from '#db/links/keys.ts';
import { tempDir } from '#test/support/temp.ts';
import type { TempDir } from '#test/support/temp.ts';
import { newClient, startRig } from './oauth-rig.ts';
import type { Rig, TestClient } from './oauth-rig.ts';

const run = promisify(execFile);
const closers: (() => unknown)[] = [];
let rig: Rig;
let issuer: URL;
let server: oauth.AuthorizationServer;
let options: { readonly [oauth.customFetch]: (url: string, init: object) => Promise<Response> };

before(async () => {
  const dir = await tempDir(0o700);
  closers.push(() => dir.remove());
  await makeCertificate(dir);
  const [key, cert] = await Promise.all(['key.pem', 'cert.pem'].map((file) => readFile(join(dir.path, file))));
  const agent = new Agent({ connect: { ca: [cert ?? ''] } });
  closers.push(() => agent.close());

  let handle: (request: Request, env: object) => Response | Promise<Response> = () => new Response();
  const https = createAdaptorServer({
    fetch: (request, env) => handle(request, env),
    createServer,
    serverOptions: { key, cert } as object,
  });
  await new Promise<void>((done) => https.listen(0, '127.0.0.1', done));
  closers.push(() => new Promise((done) => https.close(done)));
  const url = `https://localhost:${(https.address() as AddressInfo).port}`;
  rig = await startRig({ publicUrl: url });
  closers.push(() => rig.close());
  handle = (request, env) => rig.app.fetch(request, env);

  issuer = new URL(`${url}/i/acme`);
  options = {
    [oauth.customFetch]: async (to, init) =>
      (await undiciFetch(to, { ...init, dispatcher: agent })) as unknown as Response,
  };
  const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...options });
  server = await oauth.processDiscoveryResponse(issuer, await local(found));
});
after(async () => {
  for (const close of closers.reverse()) await close();
});

async function makeCertificate(dir: TempDir): Promise<void> {
  const settings = join(dir.path, 'openssl.cnf');
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=critical,CA:TRUE\n';
  await writeFile(
    settings,
    `[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nCN=localhost\n[ext]\n${names}`,
  );
  const [key, cert] = [join(dir.path, 'key.pem'), join(dir.path, 'cert.pem')];
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await run('openssl', ['req', '-x509', ...made, '-keyout', key, '-out', cert, '-config', settings]);
}

/** undici's own Response is not the global one, which the client asks for. */
async function local(reply: Response): Promise<Response> {
  return new Response(reply.body === null ? null : await reply.text(), {
    status: reply.status,
    headers: [...reply.headers],
  });
}

async function tokenFor(
  client: oauth.Client,
  auth: oauth.ClientAuth,
  more: oauth.ClientCredentialsGrantRequestOptions = {},
): Promise<oauth.TokenEndpointResponse> {
  const reply = await oauth.clientCredentialsGrantRequest(server, client, auth, {}, { ...options, ...more });
  return oauth.processClientCredentialsResponse(server, client, await local(reply));
}

function request(headers: Record<string, string>): Request {
  return new Request(`${issuer.origin}/v1/whoami`, { headers });
}

/** The client's own check of a token against metadata and key set, like that of a separate resource server. */
async function validate(token: oauth.TokenEndpointResponse, headers: Record<string, string> = {}) {
  const authorization = `${token.token_type === 'dpop' ? 'DPoP' : 'Bearer'} ${token.access_token}`;
  const strict = {
    [oauth.customFetch]: async (to: string, init: object) => local(await options[oauth.customFetch](to, init)),
  };
  return oauth.validateJwtAccessToken(server, request({ authorization, ...headers }), issuer.href, strict);
}

test('discovery accepts the metadata: the issuer is the one it asked for', () => {
  assert.equal(server.issuer, issuer.href);
  assert.deepEqual(server.grant_types_supported, ['client_credentials']);
});

test('a secret in the header, in the form, and a signature each give a token that its own check accepts', async () => {
  const withSecret = await newClient(rig);
  const { kid, pair, client: signed } = await signedClient();
  const ways: readonly (readonly [TestClient, oauth.ClientAuth])[] = [
    [withSecret, oauth.ClientSecretBasic(withSecret.secret)],
    [withSecret, oauth.ClientSecretPost(withSecret.secret)],
    [signed, oauth.PrivateKeyJwt({ key: pair.privateKey, kid })],
  ];
  for (const [{ id }, auth] of ways) {
    const token = await tokenFor({ client_id: id }, auth);
    assert.equal(token.expires_in, 300);
    const claims = await validate(token);
    assert.equal(claims.client_id, id);
    assert.equal(claims.aud, issuer.href);
  }
});

test('a token that is bound to its key is accepted with a proof, by its own check and by the API', async () => {
  const { kid, pair, client: signed } = await signedClient();
  const client: oauth.Client = { client_id: signed.id };
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('Ed25519', { extractable: false }));
  const token = await tokenFor(client, oauth.PrivateKeyJwt({ key: pair.privateKey, kid }), { DPoP });
  assert.equal(token.token_type, 'dpop');
  const url = new URL(`${issuer.origin}/v1/whoami`);
  let proof = '';
  const watched = {
    [oauth.customFetch]: (to: string, init: { readonly headers: Record<string, string> }) => {
      proof = init.headers['dpop'] ?? '';
      return options[oauth.customFetch](to, init);
    },
    DPoP,
  };
  const asked = await oauth.protectedResourceRequest(token.access_token, 'GET', url, undefined, undefined, watched);
  assert.equal(asked.status, 200);
  assert.equal(((await asked.json()) as { client: string }).client, signed.id);
  assert.equal((await validate(token, { dpop: proof })).cnf?.jkt, await DPoP.calculateThumbprint());
});

test('a refusal is understood: the wrong secret is invalid_client, no token at the API is a challenge', async () => {
  const client = await newClient(rig);
  await assert.rejects(
    tokenFor({ client_id: client.id }, oauth.ClientSecretPost('wrong')),
    (error) => error instanceof oauth.ResponseBodyError && error.error === 'invalid_client',
  );
  await assert.rejects(
    tokenFor({ client_id: client.id }, oauth.ClientSecretBasic('wrong')),
    (error) => error instanceof oauth.WWWAuthenticateChallengeError && error.status === 401,
  );
  const url = new URL(`${issuer.origin}/v1/whoami`);
  await assert.rejects(
    oauth.protectedResourceRequest('nothing', 'GET', url, undefined, undefined, options),
    (error) =>
      error instanceof oauth.WWWAuthenticateChallengeError &&
      error.cause.map(({ scheme }) => scheme).join() === 'bearer,dpop',
  );
});

test('a token is given back', async () => {
  const client = await newClient(rig);
  const auth = oauth.ClientSecretBasic(client.secret);
  const token = await tokenFor({ client_id: client.id }, auth);
  const reply = await oauth.revocationRequest(server, { client_id: client.id }, auth, token.access_token, options);
  assert.equal(await oauth.processRevocationResponse(await local(reply)), undefined);
});

test('each instance is a separate issuer: a token of one is worthless at another', async () => {
  await ensureKeys(rig.connection.db, rig.seal, 'beta');
  const other = new URL(`${issuer.origin}/i/beta`);
  const found = await oauth.discoveryRequest(other, { algorithm: 'oauth2', ...options });
  const beta = await oauth.processDiscoveryResponse(other, await local(found));
  const client = await newClient(rig);
  const token = await tokenFor({ client_id: client.id }, oauth.ClientSecretBasic(client.secret));
  await assert.rejects(
    oauth.validateJwtAccessToken(beta, request({ authorization: `Bearer ${token.access_token}` }), other.href, {
      [oauth.customFetch]: async (to: string, init: object) => local(await options[oauth.customFetch](to, init)),
    }),
  );
});

async function signedClient() {
  const kid = randomBytes(4).toString('hex');
  const pair = await oauth.generateKeyPair('Ed25519', { extractable: true });
  const jwk = { ...(await exportJWK(pair.publicKey)), kid };
  return { kid, pair, client: await newClient(rig, { secretHashes: [], jwks: { keys: [jwk] } }) };
}
