// Files by their digest: whole or not at all, seen by whom they concern, and never trusted.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { purgeUploads } from '#db/exchange/uploads.ts';
import { until } from '#test/support/wait.ts';
import { digestOf, startApiRig, type ApiRig, type Reply } from './api-rig.ts';

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

describe('attachments of the API', () => {
  let rig: ApiRig;
  before(async () => {
    rig = await startApiRig('files');
  });
  after(() => rig.close());

  const put = (
    bytes: Uint8Array<ArrayBuffer> | string,
    more: Record<string, string> = {},
    at?: string,
  ): Promise<Reply> => {
    const { sha256, header } = digestOf(bytes);
    const token = more['link'];
    const { link: _, ...headers } = more;
    return rig.call('PUT', `/v1/attachments/${at ?? sha256}`, {
      body: bytes,
      headers: { 'content-digest': header, ...headers },
      ...(token === undefined ? {} : { token }),
    });
  };
  const refused = (reply: { status: number; text: string }, status: number, code: string): void => {
    assert.equal(reply.status, status, reply.text);
    assert.match(reply.text, new RegExp(`urn:ferry:problem:${code}"`));
  };
  const uploads = async (): Promise<number> =>
    (await rows<{ n: number }>(rig.connection.db, sql`select count(*)::int as n from uploads`))[0]?.n ?? -1;

  it('a file is uploaded once, is found, and is downloaded unchanged, only to be saved', async () => {
    const bytes = new Uint8Array(randomBytes(300_000));
    const { sha256, header } = digestOf(bytes);
    assert.equal((await rig.call('HEAD', `/v1/attachments/${sha256}`)).status, 404);
    assert.deepEqual((await put(bytes)).body, { sha256, sizeBytes: 300_000, type: 'application/octet-stream' });
    assert.equal((await put(bytes)).status, 200);
    const head = await rig.call('HEAD', `/v1/attachments/${sha256}`);
    assert.equal(head.status, 200);
    assert.equal(head.headers.get('content-length'), '300000');
    const reply = await fetch(`${rig.url}/v1/attachments/${sha256}`, {
      headers: { authorization: `Bearer ${await rig.token('acme-north', 'customer')}` },
    });
    assert.equal(digestOf(new Uint8Array(await reply.arrayBuffer())).header, header);
    assert.match(reply.headers.get('content-disposition') ?? '', /^attachment/);
    assert.equal(reply.headers.get('x-content-type-options'), 'nosniff');
    assert.match(reply.headers.get('content-security-policy') ?? '', /^sandbox/);
  });

  it('its type is determined by its bytes, never by what a caller claims', async () => {
    assert.equal((await put(new Uint8Array(png), { 'content-type': 'text/html' })).body['type'], 'image/png');
    for (const bytes of [
      '<html><script>alert(1)</script>',
      '<svg xmlns="http://www.w3.org/2000/svg"/>',
      'not really',
      '',
    ]) {
      const reply = await put(bytes, { 'content-type': 'image/png' });
      assert.equal(reply.body['type'], 'application/octet-stream', reply.text);
    }
  });

  it('the name it is shown under is safe in a header', async () => {
    const bytes = 'named';
    const { sha256 } = digestOf(bytes);
    await put(bytes);
    const mirror = await rig.openMirror('f1');
    const names = [
      '../../etc/passwd',
      'C:\\x\\y.exe',
      'a\r\nSet-Cookie: x',
      'CON',
      '.htaccess',
      '\u202egnp.exe',
      '',
      'a%2f..',
      '“q”;r.txt',
    ];
    let seq = 1;
    for (const name of names) {
      seq += 1;
      const reply = await rig.call('POST', `/v1/supplier/tickets/${mirror}/actions`, {
        json: { actions: [await rig.signed({ seq, ticket: 'f1', files: [{ sha256, name }] })] },
      });
      assert.match(reply.text, /"accepted"/);
      await rig.connection.db.execute(
        sql`delete from attachments where action in (select id from actions where attachments->0->>'name' <> ${name})`,
      );
      const shown = (await rig.call('HEAD', `/v1/attachments/${sha256}`)).headers.get('content-disposition') ?? '';
      assert.match(shown, /^attachment(?:; filename[^\r\n/\\]*)?$/, `${name} -> ${shown}`);
    }
  });

  it('a digest, size or encoding other than announced leaves nothing stored', async () => {
    const before = await uploads();
    const other = digestOf('other');
    refused(await put('bytes', { 'content-digest': other.header }, other.sha256), 422, 'digest-differs');
    refused(await put('bytes', {}, other.sha256), 422, 'digest-differs');
    refused(await put('bytes', { 'content-encoding': 'gzip' }), 415, 'encoded-body');
    for (const digest of ['', 'sha-256=abc', 'md5=:AAAA:', 'sha-256=:AAAA:'])
      refused(await put('bytes', { 'content-digest': digest }), 400, 'invalid-digest');
    refused(await rig.call('PUT', `/v1/attachments/${digestOf('x').sha256}`, { body: 'x' }), 400, 'invalid-digest');
    assert.equal(await uploads(), before);
    assert.equal(await rig.blobs.has(other.sha256), false);
  });

  it('a length is needed, is kept, and has a limit', async () => {
    const token = await rig.token('acme-north', 'customer');
    const { sha256, header } = digestOf('chunked');
    const chunked = await send(token, sha256, { 'content-digest': header, 'transfer-encoding': 'chunked' }, 'chunked');
    refused(chunked, 411, 'length-required');
    const large = await send(token, sha256, { 'content-digest': header, 'content-length': '2000000' }, '');
    refused(large, 413, 'file-too-large');
    const before = await uploads();
    await send(token, sha256, { 'content-digest': header, 'content-length': '100' }, 'chunked', true).catch(() => null);
    await until(async () => (await rig.call('GET', '/v1/instance')).status === 200, {
      what: 'the gateway to continue',
    });
    assert.equal(await uploads(), before);
    assert.equal(await rig.blobs.has(sha256), false);
  });

  it('a full disk is 507, keeps nothing, and the file comes later without ado', async () => {
    const bytes = 'no room';
    rig.breakBlobs({
      put: (source: Readable) => {
        source.destroy();
        return Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));
      },
    });
    const full = await put(bytes);
    refused(full, 507, 'insufficient-storage');
    assert.ok(full.headers.get('retry-after'));
    rig.breakBlobs(null);
    assert.equal((await put(bytes)).status, 200);
  });

  it("another link's file is not there, until the link has put it itself", async () => {
    const bytes = 'shared';
    const { sha256 } = digestOf(bytes);
    await put(bytes);
    const token = await rig.token('beta-north', 'customer');
    assert.equal((await rig.call('HEAD', `/v1/attachments/${sha256}`, { token })).status, 404);
    await put(bytes, { link: token });
    assert.equal((await rig.call('HEAD', `/v1/attachments/${sha256}`, { token })).status, 200);
  });

  it('a file without references is deleted after a day; one with references stays', async () => {
    const { db } = rig.connection;
    const [kept, gone] = [digestOf('kept'), digestOf('gone')];
    await put('kept');
    await put('gone');
    const mirror = await rig.openMirror('f2');
    const reply = await rig.call('POST', `/v1/supplier/tickets/${mirror}/actions`, {
      json: { actions: [await rig.signed({ seq: 2, ticket: 'f2', files: [{ sha256: kept.sha256 }] })] },
    });
    assert.match(reply.text, /"accepted"/);
    await db.execute(
      sql`update uploads set put_at = now() - interval '2 days' where sha256 in (${kept.sha256}, ${gone.sha256})`,
    );
    assert.deepEqual(await purgeUploads(db), [gone.sha256]);
    assert.equal((await rig.call('HEAD', `/v1/attachments/${kept.sha256}`)).status, 200);
    assert.equal((await rig.call('HEAD', `/v1/attachments/${gone.sha256}`)).status, 404);
  });

  /** Headers as they are; `cut`: the connection ends after the body's first bytes. */
  function send(
    token: string,
    sha256: string,
    headers: Record<string, string>,
    body: string,
    cut = false,
  ): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const asked = request(
        `${rig.url}/v1/attachments/${sha256}`,
        { method: 'PUT', headers: { authorization: `Bearer ${token}`, ...headers } },
        (reply) => {
          let text = '';
          reply.setEncoding('utf8').on('data', (chunk: string) => void (text += chunk));
          reply.on('end', () => resolve({ status: reply.statusCode ?? 0, text }));
        },
      );
      asked.on('error', reject);
      asked.write(body);
      if (cut) setImmediate(() => asked.destroy());
      else if (headers['content-length'] === undefined) asked.end();
    });
  }
});
