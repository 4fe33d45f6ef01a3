import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createServer as createTcp, type AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { createTell } from '#activities/notify.ts';
import { createHttpClient, type OwnedHttpClient } from '#connectors/kit/http.ts';

type Got = { readonly path: string; readonly body: string };

const got: Got[] = [];
const mails: string[] = [];
const warned: object[] = [];
let http: OwnedHttpClient;
let url: string;
let smtp: string;
const chats = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    got.push({ path: request.url ?? '', body: Buffer.concat(chunks).toString('utf8') });
    response.writeHead(request.url === '/broken' ? 500 : 200).end('ok');
  });
});
/** As much of SMTP as a mail needs. */
const mailServer = createTcp((socket) => {
  let text = '';
  let inData = false;
  socket.write('220 mail.example\r\n');
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    text += chunk.toString('utf8');
    if (inData && text.endsWith('\r\n.\r\n')) {
      mails.push(text);
      [text, inData] = ['', false];
      socket.write('250 taken\r\n');
    } else if (!inData && text.endsWith('\r\n')) {
      const word = text.slice(0, 4).toUpperCase().trim();
      text = '';
      if (word === 'DATA') inData = true;
      socket.write(word === 'DATA' ? '354 send\r\n' : word === 'QUIT' ? '221 bye\r\n' : '250 ok\r\n');
    }
  });
});

before(async () => {
  const listen = (server: { listen(port: number, host: string, done: () => void): unknown }) =>
    new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await listen(chats);
  await listen(mailServer);
  url = `http://127.0.0.1:${(chats.address() as AddressInfo).port}`;
  smtp = `smtp://127.0.0.1:${(mailServer.address() as AddressInfo).port}`;
  http = createHttpClient({ allow: { http: 'private', privateAddresses: ['127.0.0.0/8'] } });
});
after(async () => {
  await http.close();
  chats.closeAllConnections();
  chats.close();
  mailServer.close();
});

const log = { info: () => {}, error: () => {}, warn: (detail: object) => void warned.push(detail) };
const hostile = 'Northwind said: <!channel> [click](https://evil.example) *now* & <https://evil.example|here>';

test('each way tells the same, in the form that its program takes, and makes nothing of what a text holds', async () => {
  const tell = createTell({ http, smtpUrl: smtp, mailFrom: 'ferry@acme.example', log });
  const to = [
    { webhook: `${url}/own`, mail: 'duty@acme.example' },
    { slack: `${url}/slack`, teams: `${url}/teams` },
  ];
  await tell({ link: 'acme-north', text: hostile, count: 3, cleared: false, to });
  const bodyOf = (path: string): unknown => JSON.parse(got.find((one) => one.path === path)?.body ?? 'null');
  const text = `${hostile} (3 times)`;
  assert.deepEqual(bodyOf('/own'), { link: 'acme-north', text, count: 3, cleared: false });
  const slack = bodyOf('/slack') as { text: string; blocks: { text: { type: string; text: string } }[] };
  assert.equal(slack.text, 'Ferry: acme-north needs somebody');
  assert.deepEqual(
    slack.blocks.map((block) => [block.text.type, block.text.text]),
    [
      ['plain_text', 'Ferry: acme-north needs somebody'],
      ['plain_text', text],
    ],
  );
  const teams = bodyOf('/teams') as {
    type: string;
    attachments: { contentType: string; content: { type: string; body: { type: string; inlines: object[] }[] } }[];
  };
  assert.equal(teams.type, 'message');
  assert.equal(teams.attachments[0]?.contentType, 'application/vnd.microsoft.card.adaptive');
  assert.deepEqual(
    teams.attachments[0]?.content.body.map(({ type, inlines }) => [type, inlines[0]]),
    [
      ['RichTextBlock', { type: 'TextRun', text: 'Ferry: acme-north needs somebody', weight: 'Bolder' }],
      ['RichTextBlock', { type: 'TextRun', text }],
    ],
  );
  assert.equal(mails.length, 1);
  assert.match(mails[0] ?? '', /^Subject: Ferry: acme-north needs somebody\r$/m);
  assert.match(mails[0] ?? '', /^To: duty@acme\.example\r$/m);
  assert.deepEqual(warned, []);
});

test('one way that fails keeps no other from telling, and is logged by its name', async () => {
  got.length = 0;
  const tell = createTell({ http, smtpUrl: undefined, mailFrom: undefined, log });
  const to = [{ slack: `${url}/broken`, teams: `${url}/teams`, mail: 'duty@acme.example' }];
  await tell({ link: 'acme-north', text: 'x'.repeat(10_000), count: 1, cleared: true, to });
  assert.deepEqual(got.map(({ path }) => path).toSorted(), ['/broken', '/teams']);
  for (const { body } of got) assert.ok(body.length < 5_000 && body.includes('…') && body.includes('works again'));
  assert.deepEqual(warned.map((detail) => (detail as { way: string }).way).toSorted(), ['mail', 'slack']);
});
