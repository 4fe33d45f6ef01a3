/** `ferry check` at a real Request Tracker, set up by setup.pl and not. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createCheck, createHelpdesk } from '#connectors/rt/index.ts';
import type { Finding, Mapped } from '#connectors/contract/check.ts';
import { createHttpClient } from '#connectors/kit/http.ts';
import { isBad, reportOf } from '#operate/check/check.ts';
import { newTrial } from '#test/connectors/bench.ts';
import { rtSkip, startRt } from '#test/real/rt.ts';
import type { Rt } from '#test/real/rt.ts';

const http = createHttpClient({ allow: { http: true, privateAddresses: true } });
const asked: Mapped = {
  accounts: ['Support'],
  types: [{ name: '-', fields: ['Severity'], own: [] }],
  tickets: ['1'],
};

type Over = {
  readonly token?: string;
  readonly options?: Record<string, unknown>;
  /** A ticket for a trial. */
  readonly write?: string;
};

async function check(
  rt: Rt,
  mapped: Mapped = asked,
  { token = rt.token, options = {}, write }: Over = {},
): Promise<readonly Finding[]> {
  const context = { instance: 'rt', url: rt.url, credentials: { token }, options, http, take: async () => undefined };
  const trial = write === undefined ? null : newTrial(write, createHelpdesk);
  const { probes, verdictOf, cleanUp } = createCheck(context, mapped, trial);
  const found: Finding[] = [];
  for (const { name, about, run } of probes) {
    const outcome = await run(AbortSignal.timeout(60_000)).catch(verdictOf);
    found.push({ name, ...(about === undefined ? {} : { about }), ...outcome });
  }
  const cleaned = await cleanUp(AbortSignal.timeout(60_000));
  return cleaned === null ? found : [...found, { name: 'clean up', ...cleaned }];
}

function told(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ name, about, verdict }) => `${verdict}: ${name}${about === undefined ? '' : ` ${about}`}`);
}

describe('ferry check at a Request Tracker', { skip: rtSkip }, () => {
  let rt: Rt;
  before(async () => {
    rt = await startRt({ name: 'acme.example' });
    await rt.call(rt.agents[0].token, 'POST', '/ticket', {
      Queue: 'Support',
      Subject: 'VPN drops',
      Content: 'It drops.',
      Attachments: [{ FileName: 'log.txt', FileType: 'text/plain', FileContent: Buffer.from('a').toString('base64') }],
    });
  });
  after(async () => {
    await http.close();
    await rt?.stop();
  });

  test('one that setup.pl has prepared is found right; only its scrips stay unknown', async () => {
    const findings = await check(rt);
    assert.deepEqual(
      told(findings.filter(({ verdict }) => verdict !== 'ok')),
      ['unknown: scrips'],
      JSON.stringify(findings),
    );
    const report = reportOf('rt', findings);
    assert.match(String(report.facts['version']), /^5\./);
    for (const name of ['Support', 'Severity', 'VPN', 'gateway'])
      assert.ok(!JSON.stringify(report).includes(name), name);
  });

  test('a trial tries everything that Ferry writes, mails nobody, sets back what it changed, and names what RT keeps', async () => {
    await rt.clearOutbox();
    const ticket = async (): Promise<unknown> => {
      type Seen = { Subject: string; Status: string; CustomFields: readonly { name: string; values: unknown }[] };
      const seen = (await rt.call(rt.agents[0].token, 'GET', '/ticket/1')) as Seen;
      const fields = Object.fromEntries(seen.CustomFields.map(({ name, values }) => [name, values]));
      return { subject: seen.Subject, status: seen.Status, fields };
    };
    const before = await ticket();
    const findings = await check(rt, asked, { write: '1' });
    assert.deepEqual(told(findings.filter(({ verdict }) => verdict !== 'ok')), [], JSON.stringify(findings));
    for (const name of ['write a file', 'write a picture', 'write a status', 'write a field', 'size of files'])
      assert.ok(
        findings.some((one) => one.name === name),
        name,
      );
    assert.match(findings.at(-1)?.saw ?? '', /^left on ticket 1: transactions [\d, ]+: RT deletes none over REST$/);
    assert.match(findings.find(({ name }) => name === 'by itself')?.saw ?? '', /set the status to open/);
    assert.deepEqual(await ticket(), before);
    assert.deepEqual(await rt.outbox(), []);
    for (const name of ['Support', 'Severity', 'VPN', 'gateway'])
      assert.ok(!JSON.stringify(reportOf('rt', findings)).includes(name), name);
  });

  test('a queue that setup.pl was not run for is found, and so is one that is called otherwise', async () => {
    await rt.perl(
      "my $q = RT::Queue->new(RT->SystemUser); my ($ok, $why) = $q->Create(Name => 'Unprepared'); die $why unless $ok;",
    );
    const findings = await check(rt, { ...asked, accounts: ['Unprepared', 'Suport'] });
    assert.deepEqual(told(findings.filter(isBad)), ['not-allowed: queue Unprepared', 'not-allowed: queue Suport']);
    assert.match(findings.find(({ about }) => about === 'Suport')?.saw ?? '', /nearest is "Support"/);
  });

  test('fields that are missing are found, whether setup.pl makes them or a mapping names them', async () => {
    const options = { remoteRefField: 'FarTicket', categoryField: 'Kategorie' };
    const findings = await check(rt, { ...asked, types: [{ name: '-', fields: ['Sevrity'], own: [] }] }, { options });
    assert.deepEqual(told(findings.filter(isBad)), [
      'differs: own field FarTicket',
      'differs: mapped field Kategorie',
      'differs: mapped field Sevrity',
      'differs: queue Support',
    ]);
  });

  const change = (how: string, right: string): Promise<string> =>
    rt.perl(
      `my $u = RT::User->new(RT->SystemUser); $u->Load('gateway'); my $q = RT::Queue->new(RT->SystemUser); $q->Load('Support'); my ($ok, $why) = $u->PrincipalObj->${how}(Right => '${right}', Object => $q); die $why unless $ok;`,
    );
  for (const right of ['CommentOnTicket', 'ModifyTicket'])
    test(`the right ${right} that was taken away is found at the ticket, with its name`, async () => {
      await change('RevokeRight', right);
      try {
        const findings = await check(rt);
        assert.deepEqual(told(findings.filter(isBad)), [
          'not-allowed: rights on tickets',
          'not-allowed: mirrored ticket 1',
        ]);
        assert.match(findings.find(isBad)?.saw ?? '', new RegExp(right));
      } finally {
        await change('GrantRight', right);
      }
    });

  test('what a killed trial changed is set back by another one, and what RT keeps is named', async () => {
    const context = {
      instance: 'rt',
      url: rt.url,
      credentials: { token: rt.token },
      options: {},
      http,
      take: async () => undefined,
    };
    const ticket = async (): Promise<unknown> => {
      const { Subject, Status, CustomFields } = (await rt.call(rt.agents[0].token, 'GET', '/ticket/1')) as Record<
        string,
        unknown
      >;
      const fields = (CustomFields as readonly { readonly name: string }[]).toSorted((a, b) =>
        a.name < b.name ? -1 : 1,
      );
      return { Subject, Status, fields };
    };
    const before = await ticket();
    const killed = newTrial('1', createHelpdesk);
    const { probes, verdictOf } = createCheck(context, asked, killed);
    for (const { name, run } of probes.slice(probes.findIndex((one) => one.name === 'ticket for the trial'))) {
      await run(AbortSignal.timeout(60_000)).catch(verdictOf);
      if (name === 'size of subjects') break;
    }
    assert.notDeepEqual(await ticket(), before);
    const next = newTrial('1', createHelpdesk, { marker: killed.marker, left: killed.kept.at(-1) ?? null });
    const cleaned = await createCheck(context, asked, next).cleanUp(AbortSignal.timeout(60_000));
    assert.equal(cleaned?.verdict, 'ok', cleaned?.saw);
    assert.match(cleaned?.saw ?? '', /transactions .*: RT deletes none over REST/);
    assert.deepEqual(await ticket(), before);
  });

  test('the right to fill fields that was taken away is found by a trial', async () => {
    await change('RevokeRight', 'ModifyCustomField');
    try {
      const findings = await check(rt, asked, { write: '1' });
      assert.deepEqual(told(findings.filter(isBad)), ['differs: write a field'], JSON.stringify(findings));
      assert.match(findings.find(isBad)?.fix ?? '', /ModifyCustomField/);
    } finally {
      await change('GrantRight', 'ModifyCustomField');
    }
  });

  test('a scrip that mails about what Ferry writes is found by a trial', async () => {
    const quiet = (disabled: 0 | 1): Promise<string> =>
      rt.perl(
        `my $s = RT::Scrip->new(RT->SystemUser); $s->LoadByCols(Description => 'Ferry: quiet writes'); my ($ok, $why) = $s->SetDisabled(${disabled}); die $why unless $ok;`,
      );
    await rt.call(rt.agents[0].token, 'PUT', '/ticket/1', { Requestor: rt.endUser.email });
    await quiet(1);
    // Each process of the server has loaded the scrip's filter once.
    await rt.kill9();
    await rt.start();
    try {
      const findings = await check(rt, asked, { write: '1' });
      assert.deepEqual(told(findings.filter(isBad)), ['differs: by itself'], JSON.stringify(findings));
      assert.match(findings.find(isBad)?.fix ?? '', /setup\.pl/);
    } finally {
      await quiet(0);
      await rt.kill9();
      await rt.start();
    }
  });

  test('a time zone that the option names otherwise is found', async () => {
    const findings = await check(rt, asked, { options: { timezone: 'Asia/Tokyo' } });
    assert.deepEqual(told(findings.filter(isBad)), []);
    await rt.perl("my $u = RT::User->new(RT->SystemUser); $u->Load('gateway'); $u->SetTimezone('America/New_York');");
    try {
      const other = await check(rt, asked, { options: { timezone: 'Asia/Tokyo' } });
      assert.deepEqual(told(other.filter(isBad)), ['differs: time zone']);
    } finally {
      await rt.perl("my $u = RT::User->new(RT->SystemUser); $u->Load('gateway'); $u->SetTimezone('UTC');");
    }
  });

  test('a user that was never set up is found to lack its fields, its time zone and its rights', async () => {
    const token = await rt.perl(
      "my $u = RT::User->new(RT->SystemUser); my ($id, $why) = $u->Create(Name => 'nobody-yet', Privileged => 1); die $why unless $id; my (undef, undef, $text) = RT::AuthToken->new(RT->SystemUser)->Create(Owner => $id, Description => 'x'); print $text;",
    );
    const bad = told((await check(rt, asked, { token: token.trim() })).filter(isBad));
    for (const finding of ['differs: time zone', 'not-allowed: own field RemoteRef', 'not-allowed: queue Support'])
      assert.ok(bad.includes(finding), `${finding} in ${bad.join(', ')}`);
  });

  test('a wrong token is found, and address and clock are right all the same', async () => {
    const findings = await check(rt, asked, { token: '1-12-00000000' });
    const of = (name: string): string | undefined => findings.find((one) => one.name === name)?.verdict;
    assert.deepEqual(['address', 'clock', 'token', 'version'].map(of), ['ok', 'ok', 'not-allowed', 'not-allowed']);
  });
});
