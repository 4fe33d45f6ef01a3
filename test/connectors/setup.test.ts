/**
 * Somebody who follows only the page of a connector, with a fresh helpdesk, ends with a check that has nothing to
 * report.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { manifests } from '#connectors/index.ts';
import { ferry } from '#test/cli/run.ts';
import { rtSkip, startRt } from '#test/real/rt.ts';
import type { Rt } from '#test/real/rt.ts';
import { freshDatabase } from '#test/support/database.ts';
import type { Application } from '#twins/halo/seed.ts';
import { acmeSeed } from '#twins/halo/seeds/acme.ts';
import { createHaloTwin } from '#twins/halo/server.ts';
import { createRequestCheck } from './halo/valid-requests.ts';

const root = join(import.meta.dirname, '../..');
const pageOf = (type: string): Promise<string> => readFile(join(root, `docs/connectors/${type}.md`), 'utf8');

/** Commands that the page gives, one a line. */
function commandsIn(page: string): readonly string[] {
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, text = '']) => text);
  const inline = [...page.matchAll(/`(ferry [a-z][^`]*)`/g)].map(([, text = '']) => text);
  return [...blocks.flatMap((text) => text.split('\n')), ...inline].filter((line) => line !== '');
}

type Database = Awaited<ReturnType<typeof freshDatabase>>;
let database: Database;
/** Of every Halo here. */
const requests = createRequestCheck();
before(async () => {
  database = await freshDatabase('setup');
});
after(async () => {
  await database?.drop();
  requests.assertValid();
});

const key = Buffer.alloc(32, 7).toString('base64');

/** Types the page's instructions, with the names of this desk, in the page's order. */
async function typed(
  page: string,
  instance: string,
  links: unknown,
  secrets: Readonly<Record<string, string>>,
): Promise<Awaited<ReturnType<typeof ferry>>> {
  const env = {
    ...secrets,
    DATABASE_URL: database.url,
    FERRY_SECRET_KEY: key,
    FERRY_ALLOW_ADDRESSES: '127.0.0.0/8',
  };
  const commands = commandsIn(page).filter((line) => /^ferry (?:apply|check) [^-]*$/.test(line));
  assert.deepEqual([...new Set(commands)], ['ferry apply links.yaml', 'ferry check INSTANCE']);
  const { mkdtemp, writeFile, rm } = await import('node:fs/promises');
  const { tmpdir } = await import('node:os');
  const dir = await mkdtemp(join(tmpdir(), 'ferry-setup-'));
  try {
    await writeFile(join(dir, 'links.yaml'), JSON.stringify(links));
    const words = (line: string): string[] =>
      line
        .split(' ')
        .slice(1)
        .map((word) => (word === 'INSTANCE' ? instance : word === 'links.yaml' ? join(dir, word) : word));
    const applied = await ferry(words('ferry apply links.yaml'), { env });
    assert.equal(applied.code, 0, applied.out + applied.err);
    return await ferry(words('ferry check INSTANCE'), { env });
  } finally {
    await rm(dir, { recursive: true });
  }
}

const isGreen = (out: string): boolean => !/^(?:differs|not allowed)/m.test(out);

test('each connector has a page with the commands to type', async () => {
  for (const { type } of manifests)
    assert.ok(
      commandsIn(await pageOf(type)).some((line) => line.startsWith('ferry check')),
      type,
    );
});

describe('a fresh Request Tracker', { skip: rtSkip }, () => {
  let rt: Rt;
  before(async () => {
    rt = await startRt({ name: 'fresh.example' });
    // As if nobody had ever prepared it.
    await rt.perl(`
      my $scrips = RT::Scrips->new(RT->SystemUser); $scrips->UnLimit;
      for (@{ $scrips->ItemsArrayRef }) { $_->Delete if ($_->Description // '') =~ /^Ferry:/ }
      for my $name (qw(RemoteRef SupplierRef)) {
        my $f = RT::CustomField->new(RT->SystemUser);
        $f->LoadByName(Name => $name, LookupType => RT::Ticket->CustomFieldLookupType, IncludeGlobal => 1);
        next unless $f->id; $f->SetDisabled(1); $f->SetName("Old $name");
      }
      my $u = RT::User->new(RT->SystemUser); $u->Load('gateway');
      $u->SetName('former'); $u->SetPrivileged(0);
    `);
    await rt.call(rt.agents[0].token, 'POST', '/ticket', { Queue: 'Support', Subject: 'First', Content: 'x' });
  });
  after(() => rt?.stop());

  const links = (): unknown => ({
    instances: {
      desk: { type: 'rt', name: 'Desk', url: rt.url, credentials: { token: { env: 'RT_TOKEN' } } },
    },
    links: {},
  });

  test('that is set up with the command of the page is found right, and one that was not is found to be not', async () => {
    const page = await pageOf('rt');
    const [command = ''] = commandsIn(page).filter((line) => line.startsWith('perl setup.pl'));
    assert.match(command, /^perl setup\.pl --queue Support --queue Escalations --token --webhook https:/);
    const args = command.split(' ').slice(2);
    const printed = await rt.perl(
      `@ARGV = qw(${args.join(' ')}); do '${join(root, 'connectors/rt/setup.pl')}' or die $@ || $!;`,
    );
    const token = printed.trim().split('\n').at(-1) ?? '';
    assert.match(token, /^1-\d+-/);
    const { code, out, err } = await typed(page, 'desk', links(), { RT_TOKEN: token });
    assert.ok(isGreen(out), out);
    assert.equal(code, 0, out + err);

    const stranger = await rt.perl(
      "my $u = RT::User->new(RT->SystemUser); my ($id) = $u->Create(Name => 'stranger', Privileged => 1); my (undef, undef, $t) = RT::AuthToken->new(RT->SystemUser)->Create(Owner => $id, Description => 'x'); print $t;",
    );
    const wrong = await typed(page, 'desk', links(), { RT_TOKEN: stranger.trim() });
    assert.equal(wrong.code, 1);
    assert.match(wrong.out, /^differs {6}time zone/m);
    assert.match(wrong.out, /^not allowed {2}own field "RemoteRef"/m);
    assert.match(wrong.out, /Run setup\.pl/);
  });
});

describe('a Request Tracker that is set up', { skip: rtSkip }, () => {
  let rt: Rt;
  before(async () => {
    rt = await startRt({ name: 'setup.example' });
  });
  after(() => rt?.stop());

  const setUp = (...args: readonly string[]): Promise<string> =>
    rt.perl(`@ARGV = qw(${args.join(' ')}); do '${join(root, 'connectors/rt/setup.pl')}' or die $@ || $!;`);
  const valuesOf = async (name: string): Promise<string> =>
    (
      await rt.perl(
        `my $f = RT::CustomField->new(RT->SystemUser); $f->LoadByName(Name => '${name}', LookupType => RT::Ticket->CustomFieldLookupType, IncludeGlobal => 1); my $q = RT::Queue->new(RT->SystemUser); $q->Load('Support'); print join ' ', $f->Type, $f->MaxValues, ($f->IsAdded($q->id) ? 'added' : 'not added'), sort map { $_->Name } @{ $f->Values->ItemsArrayRef };`,
      )
    ).trim();

  test('gets the field by which agents escalate where that is asked for, with each supplier once', async () => {
    const field = ['--supplier-field', 'Escalate-to'];
    await setUp('--queue', 'Support', ...field, '--supplier', 'Northwind');
    assert.equal(await valuesOf('Escalate-to'), 'Select 1 added Northwind');
    await setUp('--queue', 'Support', ...field, '--supplier', 'northwind', '--supplier', 'Contoso');
    assert.equal(await valuesOf('Escalate-to'), 'Select 1 added Contoso Northwind');
  });

  test('refuses a field of another sort for that, and changes nothing of it', async () => {
    await assert.rejects(
      setUp('--queue', 'Support', '--supplier-field', 'RemoteRef', '--supplier', 'Northwind'),
      /the custom field RemoteRef is none of which one value is selected/,
    );
    assert.equal(await valuesOf('RemoteRef'), 'Freeform 1 added');
  });

  test('does not take over a user of that name who is not its own, unless somebody confirms that it is', async () => {
    await rt.perl(
      "my $u = RT::User->new(RT->SystemUser); my ($ok, $why) = $u->Create(Name => 'mailgate', RealName => 'Mail gate', Timezone => 'Asia/Tokyo'); die $why unless $ok;",
    );
    const look = "my $u = RT::User->new(RT->SystemUser); $u->Load('mailgate'); print $u->Timezone;";
    await assert.rejects(
      setUp('--queue', 'Support', '--user', 'mailgate'),
      /there is a user mailgate already \(Mail gate\)\. Name another one with --user/,
    );
    assert.equal((await rt.perl(look)).trim(), 'Asia/Tokyo');
    await setUp('--queue', 'Support', '--user', 'mailgate', '--existing-user');
    assert.equal((await rt.perl(look)).trim(), 'UTC');
  });
});

describe('a Request Tracker that somebody has set up wrongly', { skip: rtSkip }, () => {
  let rt: Rt;
  before(async () => {
    rt = await startRt({ name: 'wrong.example' });
    await rt.perl(
      "my $q = RT::Queue->new(RT->SystemUser); my ($ok, $why) = $q->Create(Name => 'Forgotten'); die $why unless $ok;",
    );
  });
  after(() => rt?.stop());

  const cases: readonly {
    readonly what: string;
    readonly url?: (url: string) => string;
    readonly token?: string;
    readonly options?: Readonly<Record<string, unknown>>;
    readonly prepare?: string;
    readonly undo?: string;
    readonly finds: RegExp;
    readonly says: RegExp;
  }[] = [
    {
      what: 'an address at which nobody is',
      url: () => 'http://127.0.0.1:1',
      finds: /^differs {6}address: /m,
      says: /Correct `url`, port included/,
    },
    {
      what: 'a path at which no RT is',
      url: (url) => `${url}/elsewhere`,
      finds: /^(?:differs|not allowed) +token: /m,
      says: /Check the URL|rights and the queue/,
    },
    {
      what: 'a token that is none',
      token: '1-14-0123456789abcdef0123456789abcdef',
      finds: /^not allowed {2}token: /m,
      says: /token/i,
    },
    {
      what: 'a queue that setup.pl was not run for',
      options: { queues: ['Forgotten'] },
      finds: /^not allowed {2}queue "Forgotten": /m,
      says: /setup\.pl with --queue "Forgotten"/,
    },
    {
      what: 'a service user in another time zone than the option says',
      options: { timezone: 'Europe/Berlin' },
      prepare: "my $u = RT::User->new(RT->SystemUser); $u->Load('gateway'); $u->SetTimezone('America/New_York');",
      undo: "my $u = RT::User->new(RT->SystemUser); $u->Load('gateway'); $u->SetTimezone('UTC');",
      finds: /^differs {6}time zone: at Timezone: the service user has America\/New_York/m,
      says: /Leave option `timezone` out, or set it to America\/New_York/,
    },
  ];
  for (const { what, url = (own: string) => own, token, options = {}, prepare, undo, finds, says } of cases)
    test(`with ${what} is found wrong, with what to set`, async () => {
      if (prepare !== undefined) await rt.perl(prepare);
      try {
        const instance = {
          type: 'rt',
          name: 'Wrong',
          url: url(rt.url),
          credentials: { token: { env: 'RT_TOKEN' } },
          options,
        };
        const links = { instances: { 'wrong-rt': instance }, links: {} };
        const { code, out, err } = await typed(await pageOf('rt'), 'wrong-rt', links, { RT_TOKEN: token ?? rt.token });
        assert.equal(code, 1, out + err);
        assert.match(out, finds, out);
        assert.match(out, says, out);
      } finally {
        if (undo !== undefined) await rt.perl(undo);
      }
    });
});

describe('a Halo that answers as live ones were seen to', () => {
  /** Scopes that the page's table names. */
  const scopesIn = (page: string): readonly string[] =>
    [...page.matchAll(/^\| `((?:edit|read|all):[a-z]+)` \|/gm)].map(([, scope = '']) => scope);

  async function checked(scopes: readonly string[]): Promise<Awaited<ReturnType<typeof ferry>>> {
    const [seeded] = acmeSeed.applications;
    assert.ok(seeded);
    const applications: Application[] = [{ ...seeded, scopes: [...scopes] }];
    const twin = await createHaloTwin({ watch: requests.watch, seed: acmeSeed, applications });
    try {
      const page = await pageOf('halo');
      const credentials = { clientId: { env: 'HALO_ID' }, clientSecret: { env: 'HALO_SECRET' } };
      const links = {
        instances: { acme: { type: 'halo', name: 'Acme', url: twin.url, credentials } },
        links: {},
      };
      const secrets = { HALO_ID: seeded.client_id, HALO_SECRET: seeded.client_secret };
      return await typed(page, 'acme', links, secrets);
    } finally {
      await twin.close();
    }
  }

  test('with the scopes of the page is found right', async () => {
    const scopes = scopesIn(await pageOf('halo'));
    assert.deepEqual(scopes, ['edit:tickets', 'read:customers', 'read:suppliers', 'all:teams']);
    const { code, out, err } = await checked(scopes);
    assert.ok(isGreen(out), out);
    assert.equal(code, 0, out + err);
  });

  test('the addresses that its page for applications shows are taken as well as those of its pages', async () => {
    const [seeded] = acmeSeed.applications;
    assert.ok(seeded);
    const twin = await createHaloTwin({ watch: requests.watch, seed: acmeSeed });
    try {
      const credentials = {
        clientId: { env: 'HALO_ID' },
        clientSecret: { env: 'HALO_SECRET' },
        authUrl: { env: 'HALO_AUTH' },
      };
      const links = {
        instances: { shown: { type: 'halo', name: 'Shown', url: `${twin.url}/api/`, credentials } },
        links: {},
      };
      const secrets = {
        HALO_ID: seeded.client_id,
        HALO_SECRET: seeded.client_secret,
        HALO_AUTH: `${twin.url}/auth/token`,
      };
      const { code, out, err } = await typed(await pageOf('halo'), 'shown', links, secrets);
      assert.ok(code === 0 && isGreen(out), out + err);
    } finally {
      await twin.close();
    }
  });

  const wrongOnes: readonly {
    readonly what: string;
    readonly url?: (url: string) => string;
    readonly secrets?: Readonly<Record<string, string>>;
    readonly application?: Partial<Application>;
    readonly more?: Readonly<Record<string, unknown>>;
    readonly finds: RegExp;
    readonly says: RegExp;
  }[] = [
    {
      what: 'an address at which nobody is',
      url: () => 'http://127.0.0.1:1',
      finds: /^differs {6}address: /m,
      says: /Correct `url`, port included/,
    },
    {
      what: 'an address with a path at which no Halo is',
      url: (url) => `${url}/helpdesk`,
      finds: /^differs {6}token: .*answered 40[14]/m,
      says: /it is the address of Halo's pages/,
    },
    {
      what: 'a name without an address',
      url: () => 'https://acme.invalid',
      finds: /^differs {6}address: /m,
      says: /name server/,
    },
    {
      what: 'a wrong secret',
      secrets: { HALO_SECRET: 'mistyped' },
      finds: /^not allowed {2}token: .*invalid_client/m,
      says: /Check client id, secret and tenant/,
    },
    {
      what: 'a tenant of somebody else',
      more: { tenant: { env: 'HALO_TENANT' } },
      secrets: { HALO_TENANT: 'elsewhere' },
      finds: /^not allowed {2}token: .*invalid_tenant/m,
      says: /Check client id, secret and tenant/,
    },
    {
      what: 'an application that logs in as nobody',
      application: { agent_id: null },
      finds: /^not allowed {2}own agent: .*This functionality is not supported/m,
      says: /has an agent to log in as/,
    },
  ];
  for (const {
    what,
    url = (own: string) => own,
    secrets: other = {},
    application = {},
    more = {},
    finds,
    says,
  } of wrongOnes)
    test(`set up with ${what} is found wrong, with what to set`, async () => {
      const [seeded] = acmeSeed.applications;
      assert.ok(seeded);
      const twin = await createHaloTwin({
        watch: requests.watch,
        seed: acmeSeed,
        applications: [{ ...seeded, ...application }],
      });
      try {
        const credentials = { clientId: { env: 'HALO_ID' }, clientSecret: { env: 'HALO_SECRET' }, ...more };
        const links = {
          instances: { wrong: { type: 'halo', name: 'Wrong', url: url(twin.url), credentials } },
          links: {},
        };
        const secrets = { HALO_ID: seeded.client_id, HALO_SECRET: seeded.client_secret, ...other };
        const { code, out } = await typed(await pageOf('halo'), 'wrong', links, secrets);
        assert.equal(code, 1, out);
        assert.match(out, finds, out);
        assert.match(out, says, out);
        const said = out.split('\n').filter((line) => says.test(line));
        assert.equal(said.length, 1, `what to set is said once:\n${out}`);
      } finally {
        await twin.close();
      }
    });

  test('without any one of them is found wrong, with the scope that is missing', async () => {
    const scopes = scopesIn(await pageOf('halo'));
    for (const missing of scopes) {
      const { code, out } = await checked(scopes.filter((one) => one !== missing));
      assert.equal(code, 1, missing);
      assert.match(out, new RegExp(`^not allowed {2}scope "${missing}"`, 'm'));
      assert.match(out, new RegExp(`Give the API application the scope ${missing}`));
    }
  });
});
