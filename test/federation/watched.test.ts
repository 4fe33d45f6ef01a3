/** What a person on duty can see of a worker: its log, its metrics and its traces. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { createLightHelpdesk } from '#bench/light-connector.ts';
import { loadConfig } from '#config/env.ts';
import { makeLog } from '#config/log.ts';
import { rows } from '#db/base/client.ts';
import { tempDir, type TempDir } from '#test/support/temp.ts';
import { never, until } from '#test/support/wait.ts';
import { runWorker } from '#worker/run-worker.ts';
import { workflowBundle } from './bundle.ts';
import { opened, startRig, type Rig, type RigDesk } from './rig.ts';

type Line = Readonly<Record<string, unknown>>;
type Watched = { readonly lines: () => readonly Line[]; readonly text: () => string; stop(): Promise<void> };

describe('a worker is watched from outside', () => {
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  let collector: Server;
  let folder: TempDir;
  const spans: Buffer[] = [];
  const workers: Watched[] = [];
  let ticket: string;
  let far: string;

  async function startWatched(): Promise<Watched> {
    let text = '';
    const stopping = new AbortController();
    const config = loadConfig({
      ...rig.env,
      FERRY_LOG: 'info',
      FERRY_METRICS_PORT: '0',
      OTEL_EXPORTER_OTLP_ENDPOINT: process.env['OTEL_EXPORTER_OTLP_ENDPOINT'],
    });
    const log = makeLog({ level: config.log, name: 'worker', to: { write: (line) => void (text += line) } });
    const running = runWorker(config, log, stopping.signal, {
      createHelpdesk: (_type, context) => Promise.resolve(createLightHelpdesk(context)),
      limits: { lingerMs: 3_000, pollMs: 1_000 },
      sweepMs: 500,
      bundle: await workflowBundle(folder.path),
    });
    running.catch(() => {});
    const parsed = (): Line[] =>
      text
        .trimEnd()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Line);
    return {
      lines: parsed,
      text: () => text,
      stop: async () => {
        stopping.abort();
        await running;
      },
    };
  }

  const all = (msg: string): Line[] =>
    workers.flatMap((worker) => worker.lines()).filter((line) => line['msg'] === msg);
  const lineOf = (msg: string, is: (line: Line) => boolean): Promise<Line> =>
    until(() => all(msg).find(is), { what: `a line "${msg}"`, timeoutMs: 60_000 });

  before(async () => {
    folder = await tempDir();
    collector = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (request.url === '/v1/traces') spans.push(Buffer.concat(chunks));
        response.end();
      });
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    const { port } = collector.address() as AddressInfo;
    process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = `http://127.0.0.1:${port}`;
    process.env['OTEL_BSP_SCHEDULE_DELAY'] = '200';
    rig = await startRig('watched');
    acme = await rig.desk('acme');
    north = await rig.desk('north');
    await rig.link('acme-north', 'acme', 'north');
    workers.push(await startWatched(), await startWatched());
    await rig.live();
    ({ ticket, far } = await opened(acme, north));
  });
  after(async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    await rig.close();
    collector.closeAllConnections();
    await new Promise((resolve) => collector.close(resolve));
    await folder.remove();
  });

  it('by one line per attempt, with link, tickets, outcome, milliseconds and trace, and no text of a note', async () => {
    await acme.note(ticket, '<p>PLANTED-note</p>');
    await until(() => (north.ticket(far).actions.length > 0 ? true : undefined), { what: 'the note' });
    const line = await lineOf('attempt', (one) => one['toTicket'] === far && one['kind'] === 'action');
    const { link, from, to, fromTicket, result, reason, attempt, ms, waitedMs, trace, level } = line;
    assert.deepEqual(
      { link, from, to, fromTicket, result, reason, attempt, level },
      {
        ...{ link: 'acme-north', from: 'acme', to: 'north', fromTicket: ticket, result: 'applied', reason: null },
        ...{ attempt: 1, level: 'info' },
      },
    );
    assert.ok(typeof ms === 'number' && typeof waitedMs === 'number' && waitedMs >= ms);
    assert.match(String(trace), /^[\da-f]{32}$/);
    const counted = await rows<{ deliveries: number }>(
      rig.connection.db,
      sql`select count(*)::int as deliveries from deliveries where outcome is not null`,
    );
    await until(
      () => {
        const ended = all('attempt').filter((one) => one['result'] === 'applied' || one['result'] === 'skipped');
        return ended.length >= (counted[0]?.deliveries ?? 0) ? true : undefined;
      },
      { what: 'a line for each that ended' },
    );
    const ids = all('attempt')
      .filter((one) => one['result'] === 'applied')
      .map((one) => one['delivery']);
    assert.equal(new Set(ids).size, ids.length, 'one line for each');
    for (const worker of workers) assert.doesNotMatch(worker.text(), /PLANTED|Please help|VPN drops/);
  });

  it('by a line of each try that failed, with its reason', async () => {
    await north.fault({ on: 'action', kind: 'error', times: 1 });
    await acme.note(ticket, '<p>PLANTED-again</p>');
    const line = await lineOf('attempt', (one) => one['result'] === 'retry');
    assert.deepEqual([line['level'], line['reason'], line['toTicket']], ['warn', 'trouble', far]);
    await lineOf('attempt', (one) => one['result'] === 'applied' && one['delivery'] === line['delivery']);
  });

  it('by a line of what is held, and of a pause with its tickets, by one worker only', async () => {
    await north.control({ automation: { status: 'waiting', note: null } });
    await acme.note(ticket, '<p>PLANTED-held</p>', { status: 'closed' });
    const held = await lineOf('hold', () => true);
    assert.deepEqual([held['level'], held['reason'], held['fromTicket']], ['warn', 'not-taken', ticket]);
    await north.control({ automation: null });
    const [mirror] = await rows<{ id: string }>(rig.connection.db, sql`select id from mirrors`);
    await rig.connection.db.execute(
      sql`insert into notices (link, cause, text) values ('acme-north', ${`ping-pong/${mirror?.id ?? ''}`}, 'PLANTED-notice')`,
    );
    const paused = await lineOf('pause', () => true);
    assert.deepEqual(
      [paused['link'], paused['reason'], paused['mirror'], paused['tickets']],
      ['acme-north', 'ping-pong', mirror?.id, [`acme ${ticket}`, `north ${far}`]],
    );
    await never(() => all('pause').length > 1, { forMs: 1_500, what: 'a second line of it' });
    for (const worker of workers) assert.doesNotMatch(worker.text(), /PLANTED/);
  });

  it("by a line of each operator's command, with who gave it and its tickets, by one worker only", async () => {
    const [delivery] = await rows<{ id: string }>(
      rig.connection.db,
      sql`select id from deliveries where held_at is not null`,
    );
    await rig.connection.db.execute(
      sql`insert into audit (by, what, subject, detail) values
        ('dana', 'release', ${`deliveries/${delivery?.id ?? ''}`}, '{"note": "PLANTED-detail"}'),
        ('dana', 'suspend', 'links/acme-north', '{}')`,
    );
    const released = await lineOf('command', (one) => one['verb'] === 'release');
    assert.deepEqual(
      [released['who'], released['link'], released['tickets']],
      ['dana', 'acme-north', [`acme ${ticket}`, `north ${far}`]],
    );
    const suspended = await lineOf('command', (one) => one['verb'] === 'suspend');
    assert.deepEqual([suspended['link'], suspended['on']], ['acme-north', 'links/acme-north']);
    await never(() => all('command').length > 2, { forMs: 5_000, what: 'a second line of one' });
    for (const worker of workers) assert.doesNotMatch(worker.text(), /PLANTED/);
  });

  it('by metrics of its own and of the database', async () => {
    const texts = await Promise.all(
      workers.map(async (worker) => {
        const url = worker.lines().find((line) => line['msg'] === 'metrics')?.['url'];
        return (await fetch(String(url))).text();
      }),
    );
    for (const text of texts) {
      assert.match(text, /^ferry_database_up 1$/m);
      assert.match(text, /^ferry_instance_state\{instance_id="acme",state="up"\} 1$/m);
      assert.match(text, /^ferry_deliveries_held\{link="acme-north"\} 1$/m);
      assert.match(text, /^ferry_unread_seconds\{instance_id="north"\} \d/m);
    }
    const offsets = texts.join('\n').matchAll(/^ferry_clock_offset_seconds\{instance_id="north"\} (\S+)$/gm);
    for (const [, seconds] of offsets) assert.ok(Math.abs(Number(seconds)) < 5, seconds);
    assert.match(texts.join('\n'), /^ferry_outcomes_total\{link="acme-north",to="north",outcome="applied",/m);
  });

  it("by spans under the action's own trace, where a collector is named", async () => {
    const line = await lineOf('attempt', (one) => one['result'] === 'applied' && one['toTicket'] === far);
    const trace = Buffer.from(String(line['trace']), 'hex');
    const sent = await until(() => spans.find((body) => body.includes(trace)), { what: 'its span', timeoutMs: 30_000 });
    for (const text of ['ferry-worker', 'carry action', 'ferry.delivery', 'acme-north'])
      assert.ok(sent.includes(text), text);
    for (const body of spans) assert.ok(!body.includes('PLANTED'));
  });
});
