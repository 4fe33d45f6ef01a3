/**
 * The shape of docker-compose.yml, as processes: Temporal's server on PostgreSQL, a gateway, two workers. Skipped with
 * one visible line if that server is not installed; `.ci/run` installs it.
 */
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { startRig, type Rig, type RigDesk } from '#test/federation/rig.ts';
import { startProgram, type Program } from '#test/support/process.ts';
import {
  findTemporalServer,
  startTemporalServer,
  temporalServerMissing,
  type TemporalServer,
} from '#test/support/temporal-server.ts';
import { until } from '#test/support/wait.ts';
import { courierId } from '#workflows/contract.ts';

const programs = await findTemporalServer();
const mirrors = 6;
/** Each ticket gets at least this many notes, and more for as long as the worker lives. */
const notesLeast = 40;
const notesMost = 150;

describe(
  "a gateway and two workers as processes, on Temporal's server on PostgreSQL",
  { skip: programs === undefined ? temporalServerMissing : false, timeout: 120_000 },
  () => {
    let server: TemporalServer;
    let temporal: Connection;
    let rig: Rig;
    let acme: RigDesk;
    let north: RigDesk;
    let gateway: Program;
    let gatewayUrl: string;
    let workers: Program[];

    before(async () => {
      assert.ok(programs);
      server = await startTemporalServer(programs);
      temporal = await Connection.connect({ address: server.address });
      rig = await startRig('production', { temporal: server.address });
      acme = await rig.desk('acme');
      north = await rig.desk('north');
      await rig.link('acme-north', 'acme', 'north');
      [gateway, ...workers] = await Promise.all([
        startProgram({ program: 'gateway/main.ts', env: rig.env, ready: /"ready":true/ }),
        rig.spawnWorker({ pollMs: 5_000 }),
        rig.spawnWorker({ pollMs: 5_000 }),
      ]);
      gatewayUrl = String((await gateway.line(/"url":"([^"]+)"/))[1]);
      for (const desk of [acme, north]) await hookUp(rig, desk, gatewayUrl);
      await rig.live();
    });

    after(async () => {
      await gateway?.stop();
      await rig?.close();
      await temporal?.close();
      await server?.stop();
    });

    it('says that it is ready, with its database and Temporal up', async () => {
      const reply = await fetch(`${gatewayUrl}/readyz`);
      assert.equal(reply.status, 200);
      assert.deepEqual(await reply.json(), { status: 'ready', database: 'up', temporal: 'up' });
    });

    it('passes the health checks of docker-compose.yml, and fails them where nobody does the work', async () => {
      const env = { ...rig.env, FERRY_PORT: new URL(gatewayUrl).port };
      assert.deepEqual(await healthOf('gateway', env), '');
      assert.deepEqual(await healthOf('worker', env), '');
      assert.match(await healthOf('gateway', { ...env, FERRY_PORT: '1' }), /^not healthy: /);
      assert.match(
        await healthOf('worker', { ...env, TEMPORAL_NAMESPACE: 'temporal-system' }),
        /^not healthy: no worker/,
      );
    });

    it('loses nothing, writes nothing twice and keeps the order when a worker is killed under load', async () => {
      const pairs = await escalate(acme, north);

      let killed = false;
      const writing = Promise.all(
        pairs.map(async ({ mine, theirs }, index) => {
          let written = 0;
          for (; written < (killed ? notesLeast : notesMost); written += 1) {
            if (isFromAcme(index)) await person(acme, mine, `acme ${written + 1}`);
            else await person(north, theirs, `north ${written + 1}`);
          }
          return written;
        }),
      );
      await until(() => carried(acme, north, pairs) >= mirrors * 4, { what: 'the first notes', timeoutMs: 60_000 });
      const client = new Client({ connection: temporal, namespace: rig.namespace });
      const victim = await carrierOf(client, 'north', workers);
      await victim.kill9();
      const carriedBefore = carried(acme, north, pairs);
      killed = true;
      const written = await writing;

      await until(() => carried(acme, north, pairs) >= sum(written), {
        what: 'every note on the other side',
        timeoutMs: 60_000,
      });
      await rig.check();
      for (const [index, { mine, theirs }] of pairs.entries()) {
        const [atNorth, atAcme] = [arrived(north, theirs, 'acme'), arrived(acme, mine, 'north')];
        assert.deepEqual(
          isFromAcme(index) ? atNorth : atAcme,
          inOrder(isFromAcme(index) ? 'acme' : 'north', written[index]),
        );
        assert.deepEqual(isFromAcme(index) ? atAcme : atNorth, []);
      }
      assert.equal(north.desk.tickets.size, mirrors);
      assert.ok(carriedBefore < sum(written), 'the load was over before the kill');
      assert.deepEqual(await victim.ended, { code: null, signal: 'SIGKILL' });
    });
  },
);

/** One way each, since two people who answer each other this fast would be taken for machines. */
function isFromAcme(index: number): boolean {
  return index % 2 === 0;
}

/** Empty when healthy. */
async function healthOf(what: string, env: Readonly<Record<string, string>>): Promise<string> {
  const check = await startProgram({ program: 'worker/healthy.ts', args: [what], env });
  const { code } = await check.ended;
  assert.equal(code === 0, check.output() === '');
  return check.output();
}

type Pair = { readonly mine: string; readonly theirs: string };

/** From now on the desk sends its webhooks to the gateway. */
async function hookUp({ connection }: Rig, desk: RigDesk, gatewayUrl: string): Promise<void> {
  const secret = randomUUID();
  const hash = createHash('sha256').update(secret).digest('hex');
  await rows(connection.db, sql`update instances set hook_secret_hash = ${hash} where id = ${desk.id}`);
  await desk.control({ hook: `${gatewayUrl}/hooks/${desk.id}/${secret}` });
}

async function escalate(acme: RigDesk, north: RigDesk): Promise<Pair[]> {
  const mine = await Promise.all(Array.from({ length: mirrors }, (_, n) => acme.open(`Ticket ${n + 1}`)));
  for (const ticket of mine) {
    await post(acme, ticket, { kind: 'Escalate', note: '<p>Please help.</p>', visible: false });
  }
  await until(() => mine.every((ticket) => acme.ticket(ticket).reference !== null), {
    what: 'the supplier references',
    timeoutMs: 30_000,
  });
  assert.equal(north.desk.tickets.size, mirrors);
  return mine.map((ticket) => ({ mine: ticket, theirs: acme.ticket(ticket).reference ?? '' }));
}

/** Somebody writes at a desk, and only the desk's webhook announces it. */
function person(desk: RigDesk, ticket: string, text: string): Promise<void> {
  return post(desk, ticket, { note: `<p>${text}</p>` });
}

async function post(desk: RigDesk, ticket: string, action: object): Promise<void> {
  const reply = await fetch(`${desk.desk.url}/tickets/${ticket}/actions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(action),
  });
  assert.equal(reply.status, 201);
}

function arrived(desk: RigDesk, ticket: string, from: string): string[] {
  return desk
    .ticket(ticket)
    .actions.filter((action) => action.by === 'service' && action.note?.includes(from) === true)
    .map((action) => action.note ?? '');
}

function inOrder(from: string, count = 0): string[] {
  return Array.from({ length: count }, (_, n) => `<p>${from} ${n + 1}</p>`);
}

function carried(acme: RigDesk, north: RigDesk, pairs: readonly Pair[]): number {
  return sum(
    pairs.map(({ mine, theirs }) => arrived(north, theirs, 'acme').length + arrived(acme, mine, 'north').length),
  );
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

/** The worker that Temporal says runs the courier of this instance. */
function carrierOf(client: Client, instance: string, workers: readonly Program[]): Promise<Program> {
  return until(
    async () => {
      const { raw } = await client.workflow.getHandle(courierId(instance)).describe();
      const identity = raw.pendingActivities?.[0]?.lastWorkerIdentity ?? '';
      return workers.find(({ pid }) => identity.startsWith(`${pid}@`));
    },
    { what: `the worker that carries for ${instance}`, timeoutMs: 60_000 },
  );
}
