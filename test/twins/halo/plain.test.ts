/** What a twin shows to a person at a terminal. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';

import { acmeNames, acmeSeed } from '#twins/halo/seeds/acme.ts';
import { createHaloTwin } from '#twins/halo/server.ts';
import type { HaloTwin } from '#twins/halo/server.ts';

let twin: HaloTwin;

before(async () => {
  twin = await createHaloTwin({ seed: acmeSeed, rateLimit: { limit: 0 } });
});
after(() => twin.close());

async function shown(path: string, body?: unknown): Promise<{ readonly status: number; readonly text: string }> {
  const headers = { 'content-type': 'application/json' };
  const sent = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) };
  const reply = await fetch(twin.url + path, sent);
  assert.match(reply.headers.get('content-type') ?? '', /^text\/plain/);
  return { status: reply.status, text: await reply.text() };
}

const actions = `/twin/agent/${encodeURIComponent(acmeNames.agents.dana)}/tickets/${acmeNames.tickets.vpn}/actions?as=text`;

suite('a twin as text', () => {
  test('says at its address where to look, and each of these places answers', async () => {
    const { text } = await shown('/');
    const places = text.match(/http:\S+/g) ?? [];
    assert.equal(places.length, 4);
    for (const place of places) assert.equal((await shown(place.slice(twin.url.length))).status, 200);
  });

  test('answers an action with the ticket and its timeline, and shows the same at the address of its page', async () => {
    const { status, text } = await shown(actions, { outcome: 'Internal Note', note: 'One\n\u001b[31mtwo' });
    assert.equal(status, 201);
    assert.match(text, /^ 1001 {2}VPN drops every hour\n {7}New · Incident · High · Network>VPN\n {7}for Priya Nair/);
    assert.match(text, /Dana Reyes: Internal Note \(hidden from the user\)\n {7}\| One\n {7}\| {2}\[31mtwo\n$/);
    assert.equal((await shown(`/ticket?id=${acmeNames.tickets.vpn}`)).text, text);
  });

  test('never shows a hidden action in the portal', async () => {
    const { text } = await shown(`/twin/portal/${acmeNames.users.priya}/tickets?as=text`);
    assert.match(text, /VPN drops every hour/);
    assert.doesNotMatch(text, /Internal Note|two/);
  });

  test('tells a refusal in one line, with what it means where the words of Halo hide it', async () => {
    const escalation = { outcome: acmeNames.outcomes.escalate, supplier: acmeNames.supplier };
    assert.deepEqual(await shown(actions, { outcome: acmeNames.outcomes.escalate }), {
      status: 400,
      text: 'Acme IT refuses: Supplier is required\n',
    });
    twin.desk.store.atomically(() => {
      const ticket = twin.desk.store.ticket(acmeNames.tickets.vpn);
      assert.ok(ticket !== null);
      twin.desk.store.saveTicket({ ...ticket, supplier_reference: 'NW-7' });
    });
    const { status, text } = await shown(actions, escalation);
    assert.equal(status, 400);
    assert.match(text, /^Acme IT refuses: An action must be .* \(ticket 1001 has been escalated already, .* NW-7\)\n$/);
  });
});
