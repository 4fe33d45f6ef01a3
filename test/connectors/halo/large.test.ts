import assert from 'node:assert/strict';
import { notAfterIn } from '#connectors/contract/not-after.ts';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { after, test } from 'node:test';
import { createHelpdesk } from '#connectors/halo/index.ts';
import { createHttpClient } from '#connectors/kit/http.ts';
import { actionsWith, carryOut, commandFor, longEnough, newDelivery } from '#test/connectors/bench.ts';
import { watchedTwin } from './valid-requests.ts';
import { twinClient } from '#twins/halo/client.ts';
import { acmeSeed } from '#twins/halo/seeds/acme.ts';

const megabyte = 1024 * 1024;

const main = fileURLToPath(new URL('../../../twins/halo/main.ts', import.meta.url));
const twin = spawn(process.execPath, [main, '--seed', 'acme', '--rate-limit', '0', ...watchedTwin], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const http = createHttpClient({ allow: { http: true, privateAddresses: ['127.0.0.0/8'] } });
after(async () => {
  await http.close();
  if (twin.exitCode === null) {
    twin.kill();
    await once(twin, 'exit');
  }
  assert.equal(twin.exitCode, 0, "a request was outside the vendor's OpenAPI; see what the twin printed");
});

test('a file of 200 MB goes through with bounded memory, byte for byte, both ways', { timeout: 120_000 }, async () => {
  const [line] = (await once(createInterface(twin.stdout), 'line')) as [string];
  const { url } = JSON.parse(line) as { url: string };
  const [application] = acmeSeed.applications;
  const desk = createHelpdesk({
    instance: 'acme',
    url,
    credentials: { clientId: application?.client_id ?? '', clientSecret: application?.client_secret ?? '' },
    options: {},
    take: async () => undefined,
    http,
  });
  const made = await twinClient(url).userTicket('priya.nair@acme.example', { summary: 'Large', details: 'x' });
  const ticketId = String(made.id);
  const piece = randomBytes(64 * 1024);
  const carry = async (size: number): Promise<void> => {
    const hash = createHash('sha256');
    for (const part of pieces(piece, size)) hash.update(part);
    const sha256 = hash.digest('hex');
    const file = { id: `big${size}`, name: 'big.bin', type: null, sizeBytes: size, inline: false, sha256 };
    const text = `big ${size}`;
    const [, step] = desk.steps(commandFor(ticketId, { note: `<p>${text}</p>`, attachments: [file] }));
    await carryOut(desk, commandFor(ticketId, { note: `<p>${text}</p>` }));
    assert.ok(step !== undefined);
    await desk.perform(step, {
      marker: `${newDelivery()}-1`,
      signal: AbortSignal.timeout(110_000),
      notAfter: notAfterIn(110_000),
      link: 'link-1',
      snapshot: null,
      openStaged: () => Readable.from(pieces(piece, size), { objectMode: false }),
    });
    const [action] = await actionsWith(desk, ticketId, text);
    const opened = await desk.openAttachment(ticketId, action?.attachments[0]?.id ?? '', longEnough());
    assert.equal(opened.sizeBytes, size);
    const back = createHash('sha256');
    for await (const part of opened.stream as AsyncIterable<Uint8Array>) back.update(part);
    assert.equal(back.digest('hex'), sha256);
  };

  // The cost of a process's first transfer, at any size, is not part of the measurement.
  await carry(60 * megabyte);
  const before = process.memoryUsage().rss;
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 20);
  try {
    await carry(200 * megabyte);
  } finally {
    clearInterval(timer);
  }
  const grown = Math.round((most - before) / megabyte);
  assert.ok(grown < 64, `grew by ${grown} MB`);
});

function* pieces(piece: Uint8Array, size: number): Generator<Uint8Array> {
  for (let sent = 0; sent < size; sent += piece.length) yield piece;
}
