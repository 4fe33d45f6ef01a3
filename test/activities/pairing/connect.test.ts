import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { openGateway, type PairGateway } from '#test/gateway/pair-rig.ts';
import { until } from '#test/support/wait.ts';

let acme: PairGateway;
let northwind: PairGateway;

before(async () => {
  [acme, northwind] = await Promise.all([openGateway('acme'), openGateway('northwind')]);
  await Promise.all([acme.startWorker(), northwind.startWorker()]);
});
after(async () => {
  await Promise.all([acme?.close(), northwind?.close()]);
});

async function invite(...more: string[]): Promise<string> {
  const made = await acme.ferry('link', 'invite', '--as', 'customer', '--instance', 'acme', '--json', ...more);
  assert.equal(made.code, 0, made.err);
  return (JSON.parse(made.out) as { code: string }).code;
}

test('one command on each side pairs two gateways: both links are active, after the checks of both directions', async () => {
  const code = await invite('--link', 'acme-msp', '--contact', 'Ann Lee <ann@acme.example> +49 30 1234');
  const accepted = await northwind.ferry(
    'link',
    'accept',
    code,
    '--instance',
    'northwind',
    '--contact',
    'Desk <desk@northwind.example>',
  );
  assert.equal(accepted.code, 0, accepted.out + accepted.err);
  for (const name of ['reachability', 'tls', 'redirects', 'identity', 'clock', 'body', 'attachment', 'offer']) {
    assert.match(accepted.out, new RegExp(`✓ supplier → customer  ${name}: `));
    assert.match(accepted.out, new RegExp(`✓ customer → supplier  ${name}: `));
  }
  assert.match(accepted.out, /The link acme-northwind is active/);
  const [there] = await northwind.rows(
    sql`select state, far_contact->>'phone' as phone from links where id = 'acme-northwind'`,
  );
  assert.deepEqual(there, { state: 'active', phone: '+49 30 1234' });
  const here = await until(
    async () => {
      const [row] =
        await acme.rows(sql`select l.state, l.far_contact->>'email' as mail, p.far_link, p.issuer, c.role, i.type, i.name
        from links l join peers p on p.link = l.id join clients c on c.link = l.id
        join sides s on s.id = l.id || '/supplier' join instances i on i.id = s.instance where l.id = 'acme-msp'`);
      return row?.['state'] === 'active' ? row : undefined;
    },
    { what: 'the inviting side to be active' },
  );
  assert.deepEqual(here, {
    state: 'active',
    mail: 'desk@northwind.example',
    far_link: 'acme-northwind',
    issuer: northwind.issuer,
    role: 'supplier',
    type: 'peer',
    name: 'Northwind',
  });
});

/** Pairs through a proxy between the two, and returns what the terminal at the accepting side showed. */
async function pairThrough(link: string, fault: NonNullable<PairGateway['intercept']>): Promise<string> {
  const code = await invite('--link', link);
  acme.intercept = fault;
  try {
    const ran = await northwind.ferry('link', 'accept', code, '--instance', 'northwind', '--link', link);
    assert.equal(ran.code, 1, ran.out);
    return ran.out + ran.err;
  } finally {
    acme.intercept = null;
  }
}

const stateOf = async (gateway: PairGateway, link: string): Promise<unknown> =>
  (await gateway.rows(sql`select state from links where id = ${link}`))[0]?.['state'];

test('a proxy that refuses large bodies is named with what to do, and the link is active once the checks are repeated', async () => {
  const shown = await pairThrough('small-bodies', (c) =>
    c.req.path === '/v1/link/checks' && Number(c.req.header('content-length')) > 100_000
      ? new Response('<html>413', { status: 413, headers: { 'content-type': 'text/html' } })
      : undefined,
  );
  assert.match(shown, /✗ supplier → customer {2}body: .*1 MiB.*client_max_body_size/);
  assert.match(shown, /not active yet; fix what is marked ✗, then: ferry link check small-bodies \[checks-failed\]/);
  assert.equal(await stateOf(northwind, 'small-bodies'), 'pairing');
  const [why] = await northwind.rows(sql`select state_reason->>'text' as text from links where id = 'small-bodies'`);
  assert.match(String(why?.['text']), /body: A body of/);
  const again = await northwind.ferry('link', 'accept', '--again', 'small-bodies');
  assert.equal(again.code, 0, again.out + again.err);
  assert.equal(await stateOf(northwind, 'small-bodies'), 'active');
  await until(async () => (await stateOf(acme, 'small-bodies')) === 'active', { what: 'the other side to be active' });
});

test('the inviting side can repeat the checks as well', async () => {
  await pairThrough('from-inviter', (c) => (c.req.method === 'PUT' ? new Response('no', { status: 413 }) : undefined));
  const again = await acme.ferry('link', 'check', 'from-inviter');
  assert.equal(again.code, 0, again.out + again.err);
  assert.equal(await stateOf(acme, 'from-inviter'), 'active');
  await until(async () => (await stateOf(northwind, 'from-inviter')) === 'active', {
    what: 'the accepting side to be active',
  });
});

test('ferry check of a helpdesk that the other gateway drives checks the way there, a line for each thing', async () => {
  await pairThrough('checked', (c) => (c.req.method === 'PUT' ? new Response('no', { status: 413 }) : undefined));
  const [row] = await northwind.rows(
    sql`select instance from sides where link = 'checked' and instance <> 'northwind'`,
  );
  const peer = String(row?.['instance']);
  await northwind.rows(sql`update links set state = 'closed' where id <> 'checked'`);
  const { code, out, err } = await northwind.ferry('check', peer);
  assert.equal(code, 0, out + err);
  assert.match(out, /^Another gateway drives .*; this is what ferry link check checked finds\.$/m);
  for (const name of ['reachability', 'tls', 'redirects', 'identity', 'clock', 'body', 'attachment', 'offer'])
    for (const way of ['supplier to customer', 'customer to supplier'])
      assert.match(out, new RegExp(`^ok {11}${name} "${way}": `, 'm'));
  acme.intercept = (c) => (c.req.method === 'PUT' ? new Response('no', { status: 413 }) : undefined);
  try {
    const wrong = await northwind.ferry('check', peer, '--json');
    assert.equal(wrong.code, 1, wrong.out + wrong.err);
    const lines = wrong.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { name: string; verdict: string; about: string });
    const bad = lines.filter(({ verdict }) => verdict === 'differs');
    assert.deepEqual(
      bad.map(({ name, about }) => `${name} ${about}`),
      ['attachment supplier to customer'],
    );
  } finally {
    acme.intercept = null;
  }
  const refused = await northwind.ferry('check', peer, '--write', '1', '--yes');
  assert.deepEqual([refused.code, /only its operators/.test(refused.err)], [64, true]);
});

test('each check that fails says what to do', async () => {
  const file = await pairThrough('no-files', (c) =>
    c.req.method === 'PUT' ? new Response('no', { status: 413 }) : undefined,
  );
  assert.match(
    file,
    /✗ supplier → customer {2}attachment: A file of 2 MiB does not get through .*proxy_request_buffering/,
  );

  const other = await pairThrough('other-issuer', (c) =>
    c.req.path === '/v1/instance' ? c.json({ issuer: 'https://other.example/i/acme' }) : undefined,
  );
  assert.match(other, /✗ supplier → customer {2}identity: It responds as https:\/\/other\.example\/i\/acme instead of/);

  const portal = await pairThrough('portal', (c) =>
    c.req.path === '/v1/catalogue'
      ? new Response('<html>Sign in', { headers: { 'content-type': 'text/html' } })
      : undefined,
  );
  assert.match(portal, /✗ supplier → customer {2}offer: Its catalogue could not be read/);

  let looks = 0;
  const redirect = await pairThrough('redirects', (c) =>
    c.req.path.startsWith('/.well-known/') && ++looks > 1 ? c.redirect('https://elsewhere.example/', 302) : undefined,
  );
  assert.match(redirect, /✗ supplier → customer {2}redirects: .*FERRY_PUBLIC_URL/);

  acme.clockOffsetMs = 45_000;
  try {
    const clock = await pairThrough('clocks', () => undefined);
    assert.match(clock, /✗ supplier → customer {2}clock: The other side's clock is 45 s ahead of ours; .*NTP/);
    assert.match(clock, /✗ customer → supplier {2}clock: .* 45 s behind ours|✗ supplier → customer {2}clock/);
  } finally {
    acme.clockOffsetMs = 0;
  }
});

test('a metadata document with another issuer stops the exchange, and the code stays good', async () => {
  const code = await invite('--link', 'mismatch');
  acme.intercept = async (c) =>
    c.req.path.startsWith('/.well-known/') ? c.json({ issuer: 'https://other.example/i/acme' }) : undefined;
  const ran = await northwind.ferry('link', 'accept', code, '--instance', 'northwind', '--link', 'mismatch');
  acme.intercept = null;
  assert.equal(ran.code, 1);
  assert.match(ran.out, /✗ supplier → customer {2}identity: .*says that it is https:\/\/other\.example\/i\/acme/);
  assert.match(ran.err, /nothing was set up/);
  assert.equal(await stateOf(northwind, 'mismatch'), undefined);
  const well = await northwind.ferry('link', 'accept', code, '--instance', 'northwind', '--link', 'mismatch');
  assert.equal(well.code, 0, well.out + well.err);
});

test('a code works once', async () => {
  const code = await invite('--link', 'once');
  assert.equal((await northwind.ferry('link', 'accept', code, '--instance', 'northwind', '--link', 'once')).code, 0);
  const again = await northwind.ferry('link', 'accept', code, '--instance', 'northwind', '--link', 'twice');
  assert.equal(again.code, 1);
  assert.match(again.out, /✗ supplier → customer {2}code: It says: The code is not valid/);
  assert.equal(await stateOf(northwind, 'twice'), undefined);
});

test('an answer that is lost on the way is asked for again, and nothing is set up twice', async () => {
  const code = await invite('--link', 'lost-answer');
  let cut = false;
  acme.intercept = async (c) => {
    if (c.req.path !== '/v1/pairing' || cut) return undefined;
    cut = true;
    acme.intercept = null;
    const body = await c.req.text();
    const url = `${acme.url}/v1/pairing`;
    const answer = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    assert.equal(answer.status, 200);
    return new Response('<html>gateway timeout', { status: 504 });
  };
  const ran = await northwind.ferry('link', 'accept', code, '--instance', 'northwind', '--link', 'lost-answer');
  acme.intercept = null;
  assert.equal(ran.code, 0, ran.out + ran.err);
  const [row] = await acme.rows(sql`select count(*)::int as n from clients where link = 'lost-answer'`);
  assert.equal(row?.['n'], 1);
});
