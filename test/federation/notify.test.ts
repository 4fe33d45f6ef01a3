import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { release } from '#operate/deliveries/release.ts';
import { testOperator } from '#test/support/operator.ts';
import { until } from '#test/support/wait.ts';
import { opened, startRig, type Rig, type RigDesk } from './rig.ts';

type Notice = { readonly link: string; readonly text: string; readonly count: number; readonly cleared: boolean };

describe('people are notified', () => {
  const told: Notice[] = [];
  let server: Server;
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  before(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        told.push(JSON.parse(Buffer.concat(chunks).toString('utf8')) as Notice);
        response.end('{}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    rig = await startRig('notify');
    acme = await rig.desk('acme');
    north = await rig.desk('north');
    await rig.link('acme-north', 'acme', 'north', { notify: [{ webhook: `http://127.0.0.1:${port}/told` }] });
    await rig.startWorker();
    await rig.live();
  });
  after(async () => {
    await rig.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it('once about what is held, without any text of the note, and again when it is over', async () => {
    const { ticket } = await opened(acme, north);
    await north.control({ automation: { status: 'waiting', note: null } });
    await acme.note(ticket, '<p>confidential matter</p>', { status: 'closed' });
    const first = await until(() => told[0], { what: 'the notice', timeoutMs: 60_000 });
    assert.equal(first.link, 'acme-north');
    assert.equal(first.cleared, false);
    assert.match(first.text, /NORTH answered with success but did not take "closed"/);
    await north.control({ automation: null });
    const [held] = await rows<{ id: string }>(
      rig.connection.db,
      sql`select id from deliveries where held_at is not null`,
    );
    await release(testOperator(rig.connection.db), held?.id ?? '');
    const second = await until(() => told[1], { what: 'the all-clear', timeoutMs: 60_000 });
    assert.equal(second.cleared, true);
    await rig.check();
    assert.equal(told.length, 2);
    assert.doesNotMatch(JSON.stringify(told), /confidential/);
  });
});
