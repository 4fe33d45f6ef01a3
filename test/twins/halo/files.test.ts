import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Program } from '#test/support/process.ts';
import { startProgram } from '#test/support/process.ts';
import { tempDir } from '#test/support/temp.ts';
import { until } from '#test/support/wait.ts';
import { acmeNames, acmeSeed } from '#twins/halo/seeds/acme.ts';
import { receiveUpload } from '#twins/halo/upload.ts';
import { twinClient } from '#twins/halo/client.ts';
import type { Play } from './support.ts';
import { bytesOf, caller, play } from './support.ts';

const vpn = acmeNames.tickets.vpn;
const megabyte = 1024 * 1024;

describe('Attachments at the twin', () => {
  let acme: Play;
  before(async () => {
    acme = await play(acmeSeed);
  });
  beforeEach(() => acme.twin.reset());
  after(async () => acme.twin.close());

  const bytesHere = (id: number): Promise<Buffer> => bytesOf(acme.twin.url, acme.api.token, id);

  it('takes a file inline with an action and gives back the same bytes and its type', async () => {
    const content = Buffer.from('%PDF-1.7 äöü\u0000');
    const { body } = await acme.api.post('/api/actions', [
      {
        ticket_id: vpn,
        outcome: 'Update',
        note: 'see file',
        attachments: [{ filename: 'Größe.pdf', data_base64: content.toString('base64') }],
      },
    ]);
    assert.equal(body.attachment_count, 1);
    const [file] = body.attachments;
    assert.deepEqual(
      [file.filename, file.content_type, file.filesize, file.action_id, 'data_base64' in file],
      ['Größe.pdf', 'application/pdf', content.length, body.id, false],
    );
    assert.deepEqual(await bytesHere(file.id), content);
  });

  it('takes files apart from actions, and binds an uploaded file to an action by its id', async () => {
    const upload = (more: object): Promise<any> =>
      acme.api.post('/api/Attachment', [{ ticket_id: vpn, filename: 'a.log', ...more }]);
    const loose = (await upload({ data_base64: 'data:text/plain;base64,YWJj' })).body;
    assert.deepEqual([loose.action_id, loose.filesize, loose.content_type], [0, 3, 'text/plain']);
    const before = (await acme.people.ticket(vpn)).last_update;
    const { body: action } = await acme.api.post('/api/actions', [
      { ticket_id: vpn, outcome: 'Update', note: 'n', attachments: [{ id: loose.id }] },
    ]);
    assert.deepEqual(
      action.attachments.map((one: any) => one.id),
      [loose.id],
    );
    const later = (await upload({ action_id: action.id, data_base64: '' })).body;
    assert.equal(later.filesize, 0);
    const ticket = await acme.people.ticket(vpn);
    assert.ok(ticket.last_update > before, 'a new file is a change of its ticket');
    assert.equal(ticket.actions[0]?.attachments.length, 2);
    const { body: list } = await acme.api.get(`/api/attachment?ticket_id=${vpn}&action_id=0`);
    assert.deepEqual(
      list.attachments.map((one: any) => one.filename),
      [],
      'a picture of the description is no file',
    );
  });

  it('refuses files for unknown tickets and actions, without name or bytes, and keeps none of them', async () => {
    const files = readdirSync(acme.twin.desk.blobs).length;
    const whole = { ticket_id: vpn, filename: 'a', data_base64: 'YQ==' };
    for (const [change, status] of [
      [{ ticket_id: 999 }, 404],
      [{ action_id: 9 }, 404],
      [{ filename: '' }, 400],
      [{ data_base64: undefined }, 400],
    ] as const) {
      const answer = await acme.api.post('/api/attachment', [{ ...whole, ...change }]);
      assert.equal(answer.status, status, JSON.stringify(change));
    }
    assert.equal(readdirSync(acme.twin.desk.blobs).length, files);
    assert.equal((await acme.people.ticket(vpn)).attachments.length, 1);
  });

  it('shows a pasted picture to everybody who has its address, and lists it as no file', async () => {
    const picture = { filename: 'p.png', cid: 'p1', data_base64: 'iVBORw0KGgo=' };
    const action = await acme.people.agentAction('Dana Reyes', vpn, {
      outcome: 'Update',
      note_html: '<p>look <img src="cid:p1"></p>',
      attachments: [picture],
    });
    const address = /src="([^"]+)"/.exec(action.note_html)?.[1] ?? '';
    assert.match(address, /\/api\/attachment\/image\?token=[\w-]+\.[\w-]+\.[\w-]+$/);
    const shown = await fetch(address);
    assert.deepEqual([shown.status, shown.headers.get('content-type')], [200, 'image/png']);
    assert.equal(Buffer.from(await shown.arrayBuffer()).toString('base64'), picture.data_base64);
    assert.equal((await fetch(`${address}x`)).status, 404);
    assert.equal((await acme.api.get(`/api/attachment?ticket_id=${vpn}`)).body.attachments.length, 0);
    const seen = await acme.people.portalTicket(acmeNames.users.priya, vpn);
    const open = /src="([^"]+)"/.exec(seen.actions[0]?.note_html ?? '')?.[1] ?? '';
    assert.equal((await fetch(open)).status, 200);
  });

  it('takes a picture as a form and answers its address', async () => {
    const form = new FormData();
    form.set('file', new File([Buffer.from('iVBORw0KGgo=', 'base64')], 'p.png', { type: 'image/png' }));
    const made = await fetch(`${acme.twin.url}/api/attachment/image?ticket_id=${vpn}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${acme.api.token}` },
      body: form,
    });
    const { link } = (await made.json()) as { link: string };
    const shown = await fetch(link);
    assert.deepEqual([made.status, shown.status, shown.headers.get('content-type')], [201, 200, 'image/png']);
  });

  it('decodes a body cut at any byte, with escapes and other order of keys, to the same file', async () => {
    const dir = await tempDir();
    try {
      const content = Buffer.from(Array.from({ length: 100 }, (_, i) => (i * 37) % 256));
      const base64 = content.toString('base64').replaceAll('/', '\\/').replaceAll('+', '\\u002B');
      const text = `[{"data_base64" : "${base64}", "note":"data_base64\\":", "filename":"x\\"y", "ticket_id":1},{"filename":"z","data_base64":"data:a/b;base64,YQ"}]`;
      const whole = Buffer.from(text);
      let made = 0;
      for (const size of [1, 2, 3, 5, 7, 64, 1000]) {
        async function* pieces(): AsyncGenerator<Buffer> {
          for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size);
        }
        const upload = await receiveUpload(pieces(), () => `${dir.path}/${made++}`, megabyte);
        assert.deepEqual(upload.body, [
          { data_base64: '0', note: 'data_base64":', filename: 'x"y', ticket_id: 1 },
          { filename: 'z', data_base64: '1' },
        ]);
        const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
        assert.deepEqual(
          upload.files.map((file) => [file.size, file.sha256]),
          [
            [100, sha(content)],
            [1, sha(Buffer.from('a'))],
          ],
        );
      }
    } finally {
      await dir.remove();
    }
  });

  it('leaves nothing of a body that is too big, broken, or cut off', async () => {
    const dir = await tempDir();
    try {
      const tries: [string, RegExp][] = [
        ['[{"data_base64":"' + 'A'.repeat(2000) + '"}]', /Too Large/],
        ['[{"data_base64":"AAAA"', /not valid JSON/],
        ['[{"data_base64":"AAAA', /ended within/],
      ];
      for (const [text, pattern] of tries) {
        async function* one(): AsyncGenerator<Buffer> {
          yield Buffer.from(text);
        }
        await assert.rejects(
          receiveUpload(one(), () => `${dir.path}/f`, 1000),
          pattern,
        );
        assert.deepEqual(readdirSync(dir.path), []);
      }
    } finally {
      await dir.remove();
    }
  });
});

describe('A twin as a process', () => {
  const ready = /^\{"url":"([^"]+)".*$/m;
  const { client_id, client_secret } = acmeSeed.applications[0]!;
  const tokenOf = async (url: string): Promise<string> => {
    const form = { grant_type: 'client_credentials', client_id, client_secret };
    const answer = await fetch(`${url}/auth/token`, {
      method: 'POST',
      body: new URLSearchParams(form),
    });
    return ((await answer.json()) as { access_token: string }).access_token;
  };
  const start = async (...args: string[]): Promise<{ program: Program; url: string }> => {
    const program = await startProgram({ program: 'twins/halo/main.ts', args });
    const line = await program.line(ready);
    return { program, url: line[1] ?? '' };
  };

  it('carries a 200 MB file both ways in memory that stays below 64 MB more', async () => {
    const { program, url } = await start();
    try {
      const people = twinClient(url);
      const info = async (): Promise<number> =>
        ((await people.call('GET', '/info')) as { peakMemoryBytes: number }).peakMemoryBytes;
      const token = await tokenOf(url);
      const api = caller(url, token);
      await api.post('/api/attachment', [{ ticket_id: vpn, filename: 'warm', data_base64: 'YQ==' }]);
      const before = await info();
      const block = Buffer.alloc(3 * megabyte, 0x5a);
      const encoded = Buffer.from(block.toString('base64'));
      const blocks = 67;
      const sent = createHash('sha256');
      async function* body(): AsyncGenerator<Buffer> {
        yield Buffer.from(`[{"ticket_id":${vpn},"filename":"big.bin","data_base64":"`);
        for (let i = 0; i < blocks; i++) {
          sent.update(block);
          yield encoded;
        }
        yield Buffer.from('"}]');
      }
      const answer = await fetch(`${url}/api/attachment`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: ReadableStream.from(body()),
        duplex: 'half',
      });
      const { id, filesize } = (await answer.json()) as { id: number; filesize: number };
      assert.equal(filesize, blocks * 3 * megabyte);
      const { link } = (await api.get(`/api/attachment/${id}`)).body as { link: string };
      const download = await fetch(link);
      const received = createHash('sha256');
      for await (const part of download.body!) received.update(part);
      const digest = sent.digest('hex');
      assert.equal(received.digest('hex'), digest);
      const kept = (await people.ticket(vpn)).attachments.find((one) => one.id === id);
      assert.equal(kept?.sha256, digest);
      const grown = (await info()) - before;
      assert.ok(grown < 64 * megabyte, `grew by ${Math.round(grown / megabyte)} MB`);
    } finally {
      await program.stop();
    }
  });

  it('continues where it was after kill -9: tickets, files, numbers, webhooks and tokens', async () => {
    const dir = await tempDir();
    const first = await start('--data', dir.path);
    try {
      const token = await tokenOf(first.url);
      const api = caller(first.url, token);
      const { body: ticket } = await api.post('/api/tickets', [{ summary: 'kept' }]);
      const note = {
        ticket_id: ticket.id,
        outcome: 'Update',
        note: 'n',
        attachments: [{ filename: 'a.txt', data_base64: 'YWJj' }],
      };
      const { body: action } = await api.post('/api/actions', [note]);
      await api.post('/api/webhook', [{ url: 'http://127.0.0.1:9/none' }]);
      await first.program.kill9();
      const second = await start('--data', dir.path);
      const again = caller(second.url, token);
      assert.equal((await again.get(`/api/tickets/${ticket.id}`)).body.summary, 'kept');
      assert.equal(String(await bytesOf(second.url, token, action.attachments[0].id)), 'abc');
      assert.equal((await again.get('/api/webhook')).body.length, 1);
      const next = await again.post('/api/tickets', [{ summary: 'next' }]);
      assert.equal(next.body.id, ticket.id + 1);
      const ended = await second.program.stop();
      assert.equal(ended.code, 0, 'it stops by itself on SIGTERM');
    } finally {
      await first.program.kill9();
      await dir.remove();
    }
  });

  it('says in one line what is wrong with its flags', async () => {
    const program = await startProgram({ program: 'twins/halo/main.ts', args: ['--seed', 'x'] });
    assert.equal((await program.ended).code, 2);
    await until(() => program.stderr().includes('there are: acme, northwind'), {
      what: 'the line that names the seeds',
    });
  });
});
