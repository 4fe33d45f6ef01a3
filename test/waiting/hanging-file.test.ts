import assert from 'node:assert/strict';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { createLightHelpdesk } from '#bench/light-connector.ts';
import type { ConnectorContext, Helpdesk } from '#connectors/contract/helpdesk.ts';
import type { Attachment } from '#core/words/vocabulary.ts';
import { rows } from '#db/base/client.ts';
import { opened, startRig, type Rig, type RigDesk } from '#test/federation/rig.ts';
import { until } from '#test/support/wait.ts';

describe('files that never come', () => {
  let rig: Rig;
  let desks: Record<'acme' | 'north' | 'south' | 'west', RigDesk>;
  let files: Server;
  let origin: string;
  const hanging: ServerResponse[] = [];
  /** Files whose names begin with `hang` are not answered; the others hold their names. */
  let isHanging = true;
  before(async () => {
    files = createServer((request, response) => {
      const name = (request.url ?? '').slice(1);
      if (isHanging && name.startsWith('hang')) hanging.push(response);
      else response.end(name);
    });
    await new Promise<void>((done) => files.listen(0, '127.0.0.1', done));
    origin = `http://127.0.0.1:${(files.address() as AddressInfo).port}`;
    rig = await startRig('hanging_file', { createHelpdesk: withFiles });
    const options = { settleMs: 300, writeTimeoutMs: 2_000 };
    desks = {
      acme: await rig.desk('acme', options),
      north: await rig.desk('north', options),
      south: await rig.desk('south', options),
      west: await rig.desk('west', options),
    };
    await rig.link('acme-north', 'acme', 'north');
    await rig.link('south-west', 'south', 'west');
    await rig.startWorker();
    await rig.live();
  });
  after(async () => {
    files.closeAllConnections();
    await rig.close();
    await new Promise((done) => files.close(done));
  });

  /** A light desk whose notes have the file that they name as `[file: …]`. */
  function withFiles(context: ConnectorContext): Helpdesk {
    const plain = createLightHelpdesk(context);
    const fileOf = (note: string | null): Attachment[] => {
      const [, name] = /\[file: (\S+)\]/.exec(note ?? '') ?? [];
      if (name === undefined) return [];
      return [{ id: name, name, type: 'text/plain', inline: false, sizeBytes: null, sha256: null }];
    };
    return {
      ...plain,
      async read(ticket, since, signal, after) {
        const reading = await plain.read(ticket, since, signal, after);
        if (reading.kind !== 'ticket') return reading;
        const actions = reading.actions.map((action) =>
          action.author?.role === 'service' ? action : { ...action, attachments: fileOf(action.note) },
        );
        return { ...reading, actions };
      },
      async openAttachment(_ticket, id, signal) {
        const { stream } = await context.http.stream({ method: 'GET', url: `${origin}/${id}`, signal });
        return { stream, sizeBytes: null, type: null };
      },
    };
  }
  const arrived = (desk: RigDesk, ticket: string, text: string, timeoutMs: number): Promise<unknown> =>
    until(() => desk.ticket(ticket).actions.some((one) => one.note?.includes(text)) || undefined, {
      what: text,
      timeoutMs,
    });

  it('keep no note beside them waiting, no file of another link, and nothing after their instance has asked for a pause', async () => {
    const { acme, north, south, west } = desks;
    const pairs = await Promise.all([1, 2, 3, 4, 5].map(() => opened(acme, north)));
    const far = await opened(south, west);
    await Promise.all(pairs.slice(0, 4).map(({ ticket }, n) => acme.note(ticket, `<p>[file: hang-${n}]</p>`)));
    await until(() => hanging.length >= 3 || undefined, { what: 'the files to hang', timeoutMs: 30_000 });
    const plain = pairs[4] as (typeof pairs)[number];
    await acme.note(plain.ticket, '<p>beside</p>');
    await arrived(north, plain.far, 'beside', 20_000);
    await south.note(far.ticket, '<p>[file: elsewhere]</p>');
    await arrived(west, far.far, 'elsewhere', 20_000);
    const paused = sql`select 1 from attempts where result = 'retry'`;
    const before = (await rows(rig.connection.db, paused)).length;
    await north.fault({ on: 'action', kind: 'slow-down', times: 1, noteHas: 'pause' });
    await acme.note(plain.ticket, '<p>pause</p>');
    await until(async () => (await rows(rig.connection.db, paused)).length > before || undefined, {
      what: 'the pause',
      timeoutMs: 20_000,
    });
    await arrived(north, plain.far, 'pause', 20_000);
  });

  it('come when they can, each once, and their notes with them', async () => {
    isHanging = false;
    for (const response of hanging.splice(0)) response.destroy();
    await rig.check();
    const { north } = desks;
    const withThem = [...north.desk.tickets.values()]
      .flatMap(({ actions }) => actions)
      .filter((one) => one.note?.includes('hang-'));
    assert.equal(withThem.length, 4);
    assert.equal((await rows(rig.connection.db, sql`select 1 from attachments where sha256 is not null`)).length, 5);
  });
});
