/** `npm start -- --rt`: the demo with a real Request Tracker as Northwind. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { after, before, suite, test } from 'node:test';

import { anyFreePort } from '#standalone/machine/ports.ts';
import { rtIsInstalled, rtPackages } from '#standalone/rt/site.ts';
import { twinClient } from '#twins/halo/client.ts';

import { checkout, startProgram } from '#test/support/process.ts';
import type { Program } from '#test/support/process.ts';
import { tempDir } from '#test/support/temp.ts';
import type { TempDir } from '#test/support/temp.ts';
import { until } from '#test/support/wait.ts';
import { assertAskedRightly, watchingTwins } from './watched-twins.ts';

const skip = rtIsInstalled() ? false : `Request Tracker 5 is not installed (Debian: ${rtPackages})`;
const patience = { timeoutMs: 60_000, everyMs: 200 };

type Ready = {
  readonly page: { readonly url: string };
  readonly demo: { readonly desks: Record<'acme' | 'northwind', { readonly url: string; readonly agent: string }> };
};

suite('the demo with a real Request Tracker', { skip, timeout: 400_000 }, () => {
  let temp: TempDir;
  let program: Program;
  let ready: Ready;
  let password = '';
  before(async () => {
    temp = await tempDir(0o755);
    const data = join(temp.path, 'data');
    const ports: string[] = [];
    for (const what of ['', 'page-', 'acme-', 'northwind-', 'temporal-', 'temporal-ui-', 'postgres-'])
      ports.push(`--${what}port`, String(await anyFreePort()));
    program = await startProgram({
      program: 'ferry',
      command: process.execPath,
      args: [join(checkout, 'bin', 'ferry.js'), 'start', '--rt', '--json', '--data', data, ...ports],
      env: watchingTwins,
    });
    const [line] = await program.line(/^\{"ready".*\}$/m, 240_000);
    ready = JSON.parse(line) as Ready;
    password = parseEnv(await readFile(join(data, 'demo.env'), 'utf8'))['NORTHWIND_AGENT_PASSWORD'] ?? '';
  });
  after(async () => {
    await program?.stop(60_000);
    try {
      await assertAskedRightly(join(temp.path, 'data'), ['acme']);
    } finally {
      await temp?.remove();
    }
  });

  async function says(pattern: RegExp): Promise<RegExpExecArray> {
    return until(
      async () => {
        const markup = await (await fetch(ready.page.url)).text();
        return pattern.exec(markup.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' '));
      },
      { what: `${pattern} on the page`, ...patience },
    );
  }

  /** What Northwind's agent does in RT. */
  async function lena(method: string, path: string, body: unknown): Promise<void> {
    const reply = await fetch(`${ready.demo.desks.northwind.url}/REST/2.0${path}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(`lena:${password}`).toString('base64')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    });
    assert.ok(reply.ok, await reply.text());
  }

  test('carries an escalation there and a reply back, and both tickets close in their own words', async () => {
    const { acme } = ready.demo.desks;
    const escalate = { outcome: 'Escalate to MSP', supplier: 'Northwind MSP', note: 'Can you help?' };
    await twinClient(acme.url).agentAction(acme.agent, 1001, escalate);
    const [, id = ''] = await says(/Northwind opened (\d+), a ticket in queue Acme in “new”.*one copy, image intact/);
    await lena('POST', `/ticket/${id}/correspond`, { ContentType: 'text/html', Content: 'We look at it.' });
    await says(/At Acme it is an internal note by “Lena Voss \(Northwind\)”; the portal is unchanged/);
    await twinClient(acme.url).userReply('priya.nair@acme.example', 1001, { note: 'Any news?' });
    await says(/✓ Reply/);
    await lena('PUT', `/ticket/${id}`, { Status: 'resolved' });
    await says(/✓ Resolve/);
    const { status_name: status } = await twinClient(acme.url).ticket(1001);
    assert.equal(status, 'Resolved');
  });

  test("shows RT's own pages in the frame, logged in, without telling a password", async () => {
    const start = await fetch(`${ready.page.url}/rt?ticket=1`, { redirect: 'manual' });
    assert.equal(start.status, 303);
    const cookie = start.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const shown = await fetch(start.headers.get('location') ?? '', { headers: { cookie } });
    assert.match(await shown.text(), /#1: VPN drops every hour/);
    assert.equal(shown.headers.get('x-frame-options'), null);
    assert.equal((await (await fetch(ready.page.url)).text()).includes(password), false);
  });
});
