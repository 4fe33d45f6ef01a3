// The OpenAPI document: committed exactly as generated, complete, and displayed by our own files.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isSignedBy } from '#protocols/ferry/provenance.ts';
import { canonicalConstant, constantHash } from '#core/log/constant.ts';
import { reasonCodes } from '#core/words/reasons.ts';
import type { ConstantPart } from '#core/words/vocabulary.ts';
import { wireConstant } from '#core/wire.ts';
import { openapiText } from '#gateway/openapi.ts';
import { problems } from '#gateway/problems.ts';
import { startApiRig, type ApiRig } from './api-rig.ts';
import { startGateway } from './support.ts';

const root = join(import.meta.dirname, '..', '..');

describe('the OpenAPI document', () => {
  let rig: ApiRig;
  before(async () => {
    rig = await startApiRig('openapi');
  });
  after(() => rig.close());

  it('is committed exactly as generated; `npm run openapi` writes it again', () => {
    assert.equal(readFileSync(join(root, 'docs/openapi.json'), 'utf8'), openapiText());
  });

  it('refers to nothing that is not in it, and names each operation once', () => {
    const text = openapiText();
    const document = JSON.parse(text) as {
      openapi: string;
      components: { schemas: Record<string, unknown> };
      paths: Record<string, Record<string, { operationId: string }>>;
    };
    assert.equal(document.openapi, '3.1.0');
    for (const [, name = ''] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g))
      assert.ok(name in document.components.schemas, name);
    const ids = Object.values(document.paths).flatMap((one) =>
      Object.values(one).map(({ operationId }) => operationId),
    );
    assert.equal(new Set(ids).size, ids.length);
  });

  it('is served, with a page that shows all of it, loads nothing from elsewhere and runs nothing', async () => {
    const page = await rig.call('GET', '/docs', { token: null });
    assert.equal(page.status, 200);
    const policy = page.headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'; style-src 'self';/);
    assert.doesNotMatch(policy, /unsafe|script-src/);
    assert.doesNotMatch(page.text, /<script|\son\w+="|\sstyle="/);
    const ids = new Set([...page.text.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id));
    for (const [, url = ''] of page.text.matchAll(/(?:src|href)="([^"]*)"/g)) {
      if (url.startsWith('#')) {
        assert.ok(ids.has(url.slice(1)), url);
        continue;
      }
      assert.doesNotMatch(url, /^(?:https?:)?\/\//);
      const file = await rig.call('GET', `/${url}`, { token: null });
      assert.equal(file.status, 200, url);
    }
    const document = JSON.parse(openapiText()) as {
      components: { schemas: object };
      paths: Record<string, Record<string, { operationId: string }>>;
    };
    for (const methods of Object.values(document.paths))
      for (const { operationId } of Object.values(methods)) assert.ok(ids.has(operationId), operationId);
    for (const name of Object.keys(document.components.schemas)) assert.ok(ids.has(`schema-${name}`), name);
    assert.equal((await rig.call('GET', '/docs/openapi.json', { token: null })).text, openapiText());
  });

  it('docs/protocol.md names every problem type and every reason that crosses', () => {
    const text = readFileSync(join(root, 'docs/protocol.md'), 'utf8');
    const missing = Object.keys(problems).filter((code) => !text.includes(`\`${code}\``));
    assert.deepEqual(missing, []);
    assert.deepEqual(
      reasonCodes.filter((code) => !text.includes(`\`${code}\``)),
      [],
    );
  });
});

it('a gateway without a public URL has no API and says so', async () => {
  const gateway = await startGateway();
  try {
    for (const path of ['/v1/link', '/v1/pairing', '/oauth/token', '/i/acme/jwks.json']) {
      const reply = await fetch(gateway.url + path, { method: path === '/oauth/token' ? 'POST' : 'GET' });
      assert.equal(reply.status, 501, path);
      assert.match(await reply.text(), /"urn:ferry:problem:api-off"/);
    }
  } finally {
    await gateway.close();
  }
});

it('the example of docs/protocol.md is what is hashed and signed here', async () => {
  const text = readFileSync(join(root, 'docs/protocol.md'), 'utf8');
  const [, json = ''] = /```json\n([\s\S]*?)```/.exec(text) ?? [];
  const [[, canonical = '', hash = ''] = [], [, signature = ''] = []] = [
    ...text.matchAll(/```text\n(.+)\n(?:([0-9a-f]{64})\n)?```/g),
  ];
  const constant = wireConstant.parse(JSON.parse(json)) as ConstantPart;
  assert.equal(canonicalConstant(constant), canonical);
  assert.equal(constantHash(constant), hash);
  const key = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' };
  assert.equal(await isSignedBy(canonical, signature, key), true);
  assert.equal(await isSignedBy(`${canonical} `, signature, key), false);
});
