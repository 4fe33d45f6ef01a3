/** The first minutes of a newcomer, by the command itself: start, escalate, look, answer, trace, stop, start again. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';

import { anyFreePort } from '#standalone/machine/ports.ts';
import { startTimeOf } from '#standalone/machine/process-identity.ts';
import { twinClient } from '#twins/halo/client.ts';
import type { TicketSeen } from '#twins/halo/client.ts';

import { checkout, startProgram } from '#test/support/process.ts';
import type { Program } from '#test/support/process.ts';
import { tempDir } from '#test/support/temp.ts';
import type { TempDir } from '#test/support/temp.ts';
import { until } from '#test/support/wait.ts';
import { assertAskedRightly, watchingTwins } from './watched-twins.ts';

type Desk = {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly hookSecret: string;
  readonly tokenUrl: string;
  readonly hookUrl: string;
  readonly agent: string;
};

type Ready = {
  readonly gateway: { readonly url: string };
  readonly postgres: { readonly password: string };
  readonly pids: Readonly<Record<string, number>>;
  readonly demo: {
    readonly link: string;
    readonly ticket: { readonly id: number; readonly summary: string };
    readonly desks: { readonly acme: Desk & { readonly user: string }; readonly northwind: Desk };
    readonly curl: { readonly escalate: string; readonly show: string };
  };
};

const ferry = join(checkout, 'bin', 'ferry.js');
/** The machine may be busy; idle, each takes a moment. */
const patience = { timeoutMs: 90_000, everyMs: 100 };
const answer = 'We look at the gateway in the cellar.';

let temp: TempDir;
let data: string;
/** Options that name every port: the same at both starts, even if other Ferries run here. */
const ports: string[] = [];
let program: Program;
let ready: Ready;
let supplierTicket: TicketSeen;

async function start(): Promise<void> {
  program = await startProgram({
    program: 'ferry',
    command: process.execPath,
    args: [ferry, 'start', '--json', '--data', data, ...ports],
    // Neither the checkout nor anything of it is near.
    cwd: temp.path,
    env: watchingTwins,
  });
  const [line] = await program.line(/^\{"ready".*\}$/m, 240_000);
  ready = JSON.parse(line) as Ready;
}

/** Another command, from another directory, that knows only where the data is. */
async function command(...args: readonly string[]): Promise<string> {
  return (await ended([0], args)).stdout();
}

async function ended(wanted: readonly number[], args: readonly string[]): Promise<Program> {
  const run = await startProgram({
    program: 'ferry',
    command: process.execPath,
    args: [ferry, ...args, '--data', data],
    cwd: '/',
  });
  const { code } = await run.ended;
  assert.ok(wanted.includes(code ?? -1), run.output());
  return run;
}

/** Pastes a command into a shell, as the newcomer does. */
async function paste(line: string): Promise<string> {
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', line]);
  return stdout;
}

async function stopByCtrlC(): Promise<void> {
  program.signal('SIGINT');
  assert.equal((await program.ended).code, 0, program.output());
}

before(async () => {
  temp = await tempDir();
  data = join(temp.path, 'data');
  for (const what of ['', 'page-', 'acme-', 'northwind-', 'temporal-', 'temporal-ui-', 'postgres-'])
    ports.push(`--${what}port`, String(await anyFreePort()));
  await start();
});
after(async () => {
  // All but one test leave nothing running; after a failure this does.
  await program.stop(60_000);
  await temp.remove();
});

suite('the demo', { timeout: 900_000 }, () => {
  test('is one line of JSON, with credentials that open the desks and a webhook at each', async () => {
    assert.equal(program.stdout().trimEnd().split('\n').length, 1);
    for (const desk of [ready.demo.desks.acme, ready.demo.desks.northwind]) {
      const credentials = { client_id: desk.clientId, client_secret: desk.clientSecret };
      const body = new URLSearchParams({ grant_type: 'client_credentials', scope: 'all', ...credentials });
      const reply = await fetch(desk.tokenUrl, { method: 'POST', body });
      const { access_token: token } = (await reply.json()) as { access_token: string };
      const webhooks = await fetch(`${desk.url}/api/Webhook`, { headers: { authorization: `Bearer ${token}` } });
      const urls = ((await webhooks.json()) as { url: string }[]).map(({ url }) => url);
      assert.deepEqual(urls, [desk.hookUrl]);
      const hook = await fetch(desk.hookUrl, { method: 'POST', body: '{}' });
      assert.equal(hook.status, 202);
    }
    assert.equal((await stat(join(data, 'demo.env'))).mode & 0o777, 0o600);
  });

  test('escalates by the first command it prints, and shows the far ticket by the second', async () => {
    const { curl, ticket } = ready.demo;
    assert.equal(ticket.summary, 'VPN drops every hour');
    assert.match(await paste(curl.escalate), /With supplier/);
    const shown = await until(
      async () => {
        const text = await paste(curl.show);
        return text.includes('Can you help?') && text;
      },
      { what: 'the ticket at Northwind', ...patience },
    );
    assert.match(shown, /^24018 {2}VPN drops every hour\n.*New · Managed Incident · P2 - Degraded/);
    assert.match(shown, /for Dana Reyes \(Acme\)/);
    assert.doesNotMatch(shown, /priya\.nair/i, "the end user's address stays unknown to the supplier");
    await until(
      async () => (await twinClient(ready.demo.desks.acme.url).ticket(ticket.id)).supplier_reference === '24018',
      { what: "the far ticket's number at Acme", ...patience },
    );
    assert.match(await paste(curl.escalate), /Acme IT refuses: .* has been escalated already/);
  });

  test("brings the supplier's update back to the customer's agents, and not to its end user", async () => {
    const { acme, northwind } = ready.demo.desks;
    const [customer, supplier] = [twinClient(acme.url), twinClient(northwind.url)];
    supplierTicket = await supplier.ticket(24018);
    await supplier.agentAction(northwind.agent, supplierTicket.id, { outcome: 'Update', note: answer });
    const { id } = ready.demo.ticket;
    const action = await until(
      async () => (await customer.ticket(id)).actions.find(({ note }) => note.includes(answer)),
      { what: "Northwind's update at Acme", ...patience },
    );
    assert.equal(action.who, 'Lena Voss (Northwind)');
    assert.equal(action.hiddenfromuser, true);
    assert.deepEqual((await customer.portalTicket(acme.user, id)).actions, []);
    assert.deepEqual(await customer.outbox(id), []);
  });

  test('is explained by trace and status, and can be changed by apply, from any directory', async () => {
    const trace = JSON.parse(await command('trace', 'acme', String(ready.demo.ticket.id), '--json')) as {
      readonly mirrors: readonly { readonly state: string; readonly supplier: { readonly ticket: string } }[];
      readonly entries: readonly { readonly deliveries: readonly { readonly state: string }[] }[];
    };
    assert.deepEqual(
      trace.mirrors.map(({ state, supplier }) => [state, supplier.ticket]),
      [['open', '24018']],
    );
    const states = trace.entries.flatMap(({ deliveries }) => deliveries.map(({ state }) => state));
    assert.deepEqual([...new Set(states)], ['applied']);
    // 2 as soon as the customer that is in trouble on purpose is there.
    const run = await ended([0, 2], ['status', '--json']);
    const status = JSON.parse(run.stdout()) as {
      readonly temporal: { readonly state: string };
      readonly instances: readonly { readonly id: string; readonly state: string }[];
    };
    assert.equal(status.temporal.state, 'up');
    // Northwind's other customers come a moment later, one of them in trouble on purpose.
    const pair = status.instances.filter(({ id }) => id === 'acme' || id === 'northwind');
    assert.deepEqual(
      pair.map(({ id, state }) => [id, state]),
      [
        ['acme', 'up'],
        ['northwind', 'up'],
      ],
    );
    const links = join(checkout, 'examples/acme-northwind.yaml');
    assert.equal(await command('apply', links, '--dry-run'), 'Nothing to change.\n');
  });

  test('ends whole by Ctrl-C, and has written no secret and no note into its logs', async () => {
    await stopByCtrlC();
    for (const [name, pid] of Object.entries(ready.pids))
      assert.equal(await startTimeOf(pid), undefined, `${name} still runs`);
    assert.equal((await readdir(data)).includes('run.json'), false);
    const { acme, northwind } = ready.demo.desks;
    const secrets = [acme, northwind].flatMap(({ clientSecret, hookSecret }) => [clientSecret, hookSecret]);
    const telling = [...secrets, ready.postgres.password, answer, 'Can you help?'];
    for (const name of await readdir(join(data, 'logs'))) {
      const text = await readFile(join(data, 'logs', name), 'utf8');
      for (const one of telling) assert.equal(text.includes(one), false, `${name} holds what it must not`);
    }
  });

  test('continues after the next start where it was, with the same secrets and another ticket to escalate', async () => {
    const before = ready;
    await start();
    assert.deepEqual(ready.demo.desks, before.demo.desks);
    assert.notEqual(ready.demo.ticket.id, before.demo.ticket.id);
    const { acme, northwind } = ready.demo.desks;
    const note = 'It dropped again.';
    await twinClient(acme.url).agentAction(acme.agent, before.demo.ticket.id, {
      outcome: 'Private note to supplier',
      note,
    });
    const supplier = twinClient(northwind.url);
    await until(async () => (await supplier.ticket(supplierTicket.id)).actions.some((one) => one.note.includes(note)), {
      what: 'a note on the mirror of the former run',
      ...patience,
    });
    assert.match(await paste(ready.demo.curl.escalate), /With supplier/);
    await until(async () => (await paste(ready.demo.curl.show)).startsWith('24019'), {
      what: 'the second escalation at Northwind',
      ...patience,
    });
    const all = await supplier.ticket(supplierTicket.id);
    assert.equal(all.actions.filter((one) => one.note.includes(note)).length, 1);
    await stopByCtrlC();
  });

  test('asked nothing of its desks that a Halo would not know', () => assertAskedRightly(data));
});
