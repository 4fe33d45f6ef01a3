/**
 * The demo's own Request Tracker, from Debian's package: rootless, on SQLite, on this machine only. It reads no file under
 * /etc, and writes nothing outside the data directory.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { programFile } from '#config/tree.ts';
import type { RunAs } from '#standalone/machine/user.ts';

export const rtServer = '/usr/share/request-tracker5/libexec/rt-server';
const setupDatabase = '/usr/sbin/rt-setup-database-5';
export const rtPackages = 'request-tracker5 rt5-db-sqlite rt5-standalone starlet';

export function rtIsInstalled(): boolean {
  return existsSync(rtServer) && existsSync(setupDatabase);
}

export type RtSite = {
  readonly dir: string;
  readonly port: number;
  /** The user that it runs as if we are root. */
  readonly runAs: RunAs | undefined;
};

/** Writes directories and configuration at each start, because the port may change. */
export async function writeSite({ dir, port, runAs }: RtSite): Promise<void> {
  for (const path of [dir, join(dir, 'site.d'), join(dir, 'mason'), join(dir, 'sessions'), join(dir, 'outbox')]) {
    await mkdir(path, { recursive: true });
    if (runAs !== undefined) await chown(path, runAs.uid, runAs.gid);
  }
  await chmod(dir, 0o700);
  const config = join(dir, 'RT_SiteConfig.pm');
  await writeFile(config, configuration(dir, port), { mode: 0o644 });
}

function configuration(dir: string, port: number): string {
  return `Set($rtname, 'northwind.example');
Set($Organization, 'northwind.example');
Set($CorrespondAddress, 'service@northwind.example');
Set($CommentAddress, 'comments@northwind.example');
Set($WebDomain, '127.0.0.1');
Set($WebPort, ${port});
Set($WebPath, '');
Set($WebBaseURL, 'http://127.0.0.1:${port}');
Set($WebSecureCookies, 0);
# The demo's page shows it in a frame.
Set($Framebusting, 0);
Set($DatabaseType, 'SQLite');
Set($DatabaseName, '${dir}/rt.db');
# Every request pays for the hash of its token; at RT's own cost that is a quarter of a second.
Set($BcryptCost, 4);
Set($LogToSyslog, undef);
Set($LogToSTDERR, 'warning');
Set($Timezone, 'UTC');
# No mail leaves: each becomes a file.
Set($MailCommand, sub {
    my $mail = shift;
    require Time::HiRes;
    our $count;
    my $file = sprintf '%s/outbox/%.6f-%d-%d.eml', '${dir}', Time::HiRes::time(), $$, ++$count;
    open my $out, '>', $file or return 0;
    $mail->print($out);
    return close $out;
});
$RT::MasonDataDir = '${dir}/mason';
$RT::MasonSessionDir = '${dir}/sessions';
1;
`;
}

export function rtEnvironment(dir: string): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: dir,
    LANG: 'C.UTF-8',
    RT_SITE_CONFIG: join(dir, 'RT_SiteConfig.pm'),
    RT_SITE_CONFIG_DIR: join(dir, 'site.d'),
  };
}

/** Makes the database and fills it, which takes seconds, once. @param password of the demo's agent */
export async function fillRt(site: RtSite, password: string): Promise<void> {
  const { dir } = site;
  const [plan, script] = [join(dir, 'plan.json'), join(dir, 'fill.pl')];
  // Copies, because the checkout may be in a home directory that RT's user may not enter.
  await writeFile(plan, JSON.stringify({ password }), { mode: 0o600 });
  await copyFile(programFile('standalone/rt/fill.pl'), script);
  if (site.runAs !== undefined) for (const file of [plan, script]) await chown(file, site.runAs.uid, site.runAs.gid);
  await perl(site, [setupDatabase, '--action', 'init', '--skip-create']);
  await perl(site, [script, plan]);
}

/** Runs connectors/rt/setup.pl, as an administrator would. @returns the service user's token, if requested */
export async function setUpRt(site: RtSite, hookUrl: string, withToken: boolean): Promise<string> {
  const script = join(site.dir, 'setup.pl');
  await copyFile(programFile('connectors/rt/setup.pl'), script);
  const args = ['--queue', 'Acme', '--email', 'ferry@northwind.example', '--webhook', hookUrl];
  const printed = await perl(site, [script, ...args, ...(withToken ? ['--token'] : [])]);
  return printed.trim().split('\n').at(-1) ?? '';
}

async function perl({ dir, runAs }: RtSite, args: readonly string[]): Promise<string> {
  const child = spawn('perl', args, {
    cwd: dir,
    env: rtEnvironment(dir),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(runAs === undefined ? {} : { uid: runAs.uid, gid: runAs.gid }),
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code === 0) return stdout;
  const said = stderr.trim().split('\n').at(-1) ?? '';
  throw new Error(`${args[0]} ended with ${code}: ${said.slice(0, 300)}`);
}
