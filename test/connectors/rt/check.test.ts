/** `ferry check` at a real Request Tracker, set up by setup.pl and not. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createCheck, createHelpdesk } from '#connectors/rt/index.ts';
import type { Finding, Mapped } from '#connectors/contract/check.ts';
import { createHttpClient } from '#connectors/kit/http.ts';
import { isBad, reportOf } from '#operate/check/check.ts';
import { rtSkip, startRt } from '#test/real/rt.ts';
import type { Rt } from '#test/real/rt.ts';

const http = createHttpClient({ allow: { http: true, privateAddresses: true } });
const asked: Mapped = {
  accounts: ['Support'],
  types: [{ name: '-', fields: ['Severity'] }],
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
  const trial =
    write === undefined ? null : { helpdesk: createHelpdesk(context), ticketId: write, marker: randomUUID() };
  const { probes, verdictOf } = createCheck(context, mapped, trial);
  const found: Finding[] = [];
  for (const { name, about, run } of probes) {
    const outcome = await run(AbortSignal.timeout(60_000)).catch(verdictOf);
    found.push({ name, ...(about === undefined ? {} : { about }), ...outcome });
  }
  return found;
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

  test('a trial writes a hidden note with a file that comes back as ours, and mails nobody', async () => {
    await rt.clearOutbox();
    const findings = await check(rt, asked, { write: '1' });
    assert.deepEqual(
      told(findings.filter(({ verdict }) => verdict !== 'ok')),
      ['unknown: scrips'],
      JSON.stringify(findings),
    );
    assert.ok(findings.some(({ name }) => name === 'write a file'));
    assert.deepEqual(await rt.outbox(), []);
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
    const findings = await check(rt, { ...asked, types: [{ name: '-', fields: ['Sevrity'] }] }, { options });
    assert.deepEqual(told(findings.filter(isBad)), [
      'differs: own field FarTicket',
      'differs: mapped field Kategorie',
      'differs: mapped field Sevrity',
      'differs: queue Support',
    ]);
  });

  test('a right that was taken away is found at the ticket', async () => {
    const change = (how: string): Promise<string> =>
      rt.perl(
        `my $u = RT::User->new(RT->SystemUser); $u->Load('gateway'); my $q = RT::Queue->new(RT->SystemUser); $q->Load('Support'); my ($ok, $why) = $u->PrincipalObj->${how}(Right => 'CommentOnTicket', Object => $q); die $why unless $ok;`,
      );
    await change('RevokeRight');
    try {
      const findings = await check(rt);
      assert.deepEqual(told(findings.filter(isBad)), [
        'not-allowed: rights on tickets',
        'not-allowed: mirrored ticket 1',
      ]);
    } finally {
      await change('GrantRight');
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
