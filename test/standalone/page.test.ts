/** The demo's page over HTTP, without a browser: up at once, guarded, and aware of what is done at the desks. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';

import { openPage } from '#standalone/page/page.ts';
import type { Page } from '#standalone/page/page.ts';
import { anyFreePort } from '#standalone/machine/ports.ts';
import { twinClient } from '#twins/halo/client.ts';

import { checkout, isAlive, startProgram } from '#test/support/process.ts';
import type { Program } from '#test/support/process.ts';
import { tempDir } from '#test/support/temp.ts';
import type { TempDir } from '#test/support/temp.ts';
import { never, until } from '#test/support/wait.ts';
import { assertAskedRightly, watchingTwins } from './watched-twins.ts';

const patience = { timeoutMs: 30_000, everyMs: 100 };

function post(url: string, form: Record<string, string> = {}, headers?: Record<string, string>): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: headers ?? { origin: new URL(url).origin },
    redirect: 'manual',
  });
}

/** Asks under another name than the page's own, which fetch does not let one do. */
function statusAs(host: string, url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request(url, { headers: { host } }, (reply) => {
      reply.resume();
      resolve(reply.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

suite('the page while everything starts', () => {
  let page: Page;
  before(async () => {
    page = await openPage({ port: await anyFreePort(), frames: ['http://127.0.0.1:8401'] });
  });
  after(() => page.close());

  test('shows the parts, and the last line of progress, at once and as they come', async () => {
    const abort = new AbortController();
    const reply = await fetch(`${page.url}/events?shows=starting`, { signal: abort.signal });
    let seen = '';
    const reading = (async () => {
      for await (const chunk of reply.body ?? []) seen += Buffer.from(chunk).toString('utf8');
    })().catch(() => {});
    const building = page.progress.follow('temporal', new Promise(() => {}));
    void building;
    await page.progress.follow('postgres', Promise.resolve());
    page.progress.say('building Temporal v1.5.1 with Go, once: 0.5 of about 4 minutes');
    await until(() => seen.includes('0.5 of about 4 minutes'), { what: 'the line of progress' });
    assert.match(seen, /^event: progress$/m);
    const shown = await (await fetch(page.url)).text();
    assert.match(shown, /Ferry is starting/);
    assert.match(shown, /class="done"[\s\S]*?PostgreSQL/);
    assert.match(shown, /class="waiting"[\s\S]*?Temporal/);
    assert.match(shown, /0\.5 of about 4 minutes/);
    abort.abort();
    await reading;
  });

  test('loads nothing from elsewhere and lets nothing inline run', async () => {
    const reply = await fetch(page.url);
    const policy = reply.headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /script-src 'self';/);
    assert.match(policy, /style-src 'self';/);
    assert.match(policy, /frame-src 'self' http:\/\/127\.0\.0\.1:8401;/);
    assert.match(policy, /frame-ancestors 'none'/);
    const text = await reply.text();
    assert.doesNotMatch(text, /<script(?![^>]*\ssrc=)|<style|\son\w+=|\sstyle=|https?:\/\/(?!127\.0\.0\.1)/);
    for (const [, file] of text.matchAll(/(?:src|href)="(\/static\/[^"]+)"/g))
      assert.equal((await fetch(page.url + file)).status, 200, file);
    assert.equal((await fetch(`${page.url}/static/page.ts`)).status, 404);
    assert.equal((await fetch(`${page.url}/static/..%2Fpage.ts`)).status, 404);
  });

  test('takes no order from another page, from nobody in particular, or under another name', async () => {
    for (const path of ['/pull', '/plug-in', '/reset', '/rules']) {
      const url = page.url + path;
      assert.equal((await post(url, {}, {})).status, 403, `${path} without a word of where from`);
      assert.equal((await post(url, {}, { origin: 'http://evil.example' })).status, 403);
      assert.equal((await post(url, {}, { origin: 'null' })).status, 403);
      assert.equal((await post(url, {}, { 'sec-fetch-site': 'cross-site' })).status, 403);
      assert.equal((await post(url, {}, { 'sec-fetch-site': 'same-site', origin: 'http://127.0.0.1:1' })).status, 403);
      assert.equal((await post(url)).status, 503, 'its own is taken, but there is no demo yet');
      assert.equal((await post(url, {}, { 'sec-fetch-site': 'same-origin' })).status, 503);
    }
    assert.equal(await statusAs('evil.example', page.url), 403);
    assert.equal(await statusAs('localhost', page.url), 200);
  });

  test('says so when its port is taken', async () => {
    const port = Number(new URL(page.url).port);
    await assert.rejects(openPage({ port, frames: [] }), { code: 'port-taken', message: /--page-port/ });
  });
});

type Ready = {
  readonly page: { readonly url: string };
  readonly postgres: { readonly password: string };
  readonly pids: Readonly<Record<string, number>>;
  readonly demo: {
    readonly ticket: { readonly id: number };
    readonly desks: Record<
      'acme' | 'northwind',
      { readonly url: string; readonly agent: string; readonly clientSecret: string; readonly hookSecret: string }
    >;
  };
};

suite('the page of a running demo', { timeout: 400_000 }, () => {
  let temp: TempDir;
  let program: Program;
  let ready: Ready;
  let url = '';
  before(async () => {
    temp = await tempDir();
    const ports: string[] = [];
    for (const what of ['', 'page-', 'acme-', 'northwind-', 'temporal-', 'temporal-ui-', 'postgres-'])
      ports.push(`--${what}port`, String(await anyFreePort()));
    program = await startProgram({
      program: 'ferry',
      command: process.execPath,
      args: [join(checkout, 'bin', 'ferry.js'), 'start', '--json', '--data', join(temp.path, 'data'), ...ports],
      env: watchingTwins,
    });
    const [, told = ''] = await program.line(/^open (\S+)/m, 60_000);
    url = told;
    assert.match(await (await fetch(url)).text(), /Ferry is starting/, 'it is up before anything else');
    const [line] = await program.line(/^\{"ready".*\}$/m, 240_000);
    ready = JSON.parse(line) as Ready;
  });
  after(async () => {
    await program.stop(60_000);
    try {
      await assertAskedRightly(join(temp.path, 'data'));
    } finally {
      await temp.remove();
    }
  });

  /** Returns the page's current text, without tags. */
  async function text(): Promise<string> {
    const markup = await (await fetch(url)).text();
    return markup
      .replaceAll(/<[^>]*>/g, ' ')
      .replaceAll(/\s+/g, ' ')
      .replaceAll('&quot;', '"')
      .replaceAll('&#39;', "'");
  }
  const says = (pattern: RegExp): Promise<RegExpExecArray> =>
    until(async () => pattern.exec(await text()), { what: `${pattern} on the page`, ...patience }).catch(
      async (error: Error) => {
        throw new Error(`${error.message}; it says:\n${await text()}\nand Ferry said:\n${program.stderr()}`);
      },
    );

  test('shows the desks in frames of their own origins, whose pages let only it do so', async () => {
    assert.equal(ready.page.url, url);
    const markup = await (await fetch(url)).text();
    for (const desk of [ready.demo.desks.acme, ready.demo.desks.northwind]) {
      assert.ok(markup.includes(`src="${desk.url}/desk`));
      const reply = await fetch(`${desk.url}/desk`);
      assert.equal(reply.status, 200);
      assert.match(reply.headers.get('content-security-policy') ?? '', new RegExp(`frame-ancestors 'self' ${url};?`));
    }
  });

  test('recognises a step by what is at the desks, whatever program did it', async () => {
    const { acme, northwind } = ready.demo.desks;
    const { id } = ready.demo.ticket;
    await says(/1\. Escalate/);
    const escalate = { outcome: 'Escalate to MSP', supplier: 'Northwind MSP', note: 'Can you help?' };
    await twinClient(acme.url).agentAction(acme.agent, id, escalate);
    await says(/Northwind opened 24018, a Managed Incident .* \d+\.\d s, one copy, image intact/);
    await says(/Escalate to MSP → becomes new Managed Incident/);
    await says(/2\. Update/);
    await twinClient(northwind.url).agentAction(northwind.agent, 24018, { outcome: 'Update', note: 'We look.' });
    await says(/an internal note by “Lena Voss \(Northwind\)”; the portal is unchanged/);
    await says(/Update → becomes Internal Note/);
    await says(/3\. Indirect e-mail/);
  });

  test('the plug kills the worker and keeps it down; what waited is applied once when it is back', async () => {
    const { acme, northwind } = ready.demo.desks;
    const worker = ready.pids['worker'] ?? 0;
    assert.equal((await post(`${url}/pull`)).status, 303);
    assert.equal(isAlive(worker), false);
    await twinClient(acme.url).agentAction(acme.agent, 1001, { outcome: 'Private note to supplier', note: 'left' });
    await twinClient(northwind.url).agentAction(northwind.agent, 24018, { outcome: 'Update', note: 'right' });
    await says(/2 waiting /);
    const far = twinClient(northwind.url);
    await never(async () => (await far.ticket(24018)).actions.some(({ note }) => note === 'left'), {
      what: 'a note that is carried without a worker',
      forMs: 1_500,
    });
    assert.equal((await post(`${url}/plug-in`)).status, 303);
    await says(/2 waiting → 2 applied, 0 lost, 0 duplicated/);
    const notes = (await far.ticket(24018)).actions.filter(({ note }) => note === 'left');
    assert.equal(notes.length, 1);
  });

  test('the rules refuse a mailing action on a mailing action, with the fix, and save nothing', async () => {
    const wrong = { from: 'Email customer', to: 'Email User', mails: 'yes' };
    const reply = await post(`${url}/rules`, wrong, { origin: url, 'hx-request': 'true' });
    const markup = await reply.text();
    assert.match(markup, /Not saved/);
    assert.match(markup, /onto an action that does not mail/);
    assert.match(markup, /mail-on-mail/);
    assert.match(markup, /Version\s+1\./);
    await says(/✓ Make a mistake/);
    const right = { from: 'Internal Note', to: 'Internal Note' };
    assert.match(await (await post(`${url}/rules`, right, { origin: url, 'hx-request': 'true' })).text(), /Saved\./);
    await says(/Version 2\./);
    await says(/✓ Make a mistake/);
  });

  test('tells what trouble looks like: whose desk refuses, why, and what to do', async () => {
    await says(/Cobalt Hotels refuses us .* does not accept Ferry's credentials.*ferry\.js retry cobalt/);
    await says(/Bluebird Dental works/);
  });

  test('opens the trace of a ticket, and knows of no other', async () => {
    const trace = await (await fetch(`${url}/trace/acme/1001`)).text();
    assert.match(trace, /acme 1001[\s\S]*northwind 24018/);
    assert.match(trace, /Escalate to MSP/);
    assert.equal((await fetch(`${url}/trace/acme/4711`)).status, 404);
    assert.equal((await fetch(`${url}/trace/nowhere/1001`)).status, 404);
  });

  test('a reset restores everything, while the worker keeps running, any number of times', async (t) => {
    const { acme, northwind } = ready.demo.desks;
    for (const round of [1, 2, 3]) {
      const began = performance.now();
      assert.equal((await post(`${url}/reset`)).status, 303);
      t.diagnostic(`reset ${round} took ${Math.round(performance.now() - began)} ms`);
      await says(/1\. Escalate/);
      await says(/Nothing has been carried yet/);
      const escalate = { outcome: 'Escalate to MSP', supplier: 'Northwind MSP', note: `Round ${round}` };
      await twinClient(acme.url).agentAction(acme.agent, 1001, escalate);
      await says(/Northwind opened 24018, .* one copy, image intact/);
      // Under way when the next reset comes.
      await twinClient(northwind.url).agentAction(northwind.agent, 24018, { outcome: 'Update', note: `${round}` });
    }
    await says(/✓ Update/);
    const seen = (await twinClient(acme.url).ticket(1001)).actions.map(({ note }) => note);
    assert.deepEqual(seen, ['Round 3', '3']);
    assert.doesNotMatch(await text(), /Internal Note → becomes Internal Note/, 'the rules are as they were');
  });

  test('shows no secret', async () => {
    const { acme, northwind } = ready.demo.desks;
    const shown = (await (await fetch(url)).text()) + (await (await fetch(`${url}/trace/acme/1001`)).text());
    const secrets = [acme, northwind].flatMap(({ clientSecret, hookSecret }) => [clientSecret, hookSecret]);
    for (const secret of [...secrets, ready.postgres.password]) assert.equal(shown.includes(secret), false);
  });
});
