// A seeded RT database to copy: making one takes seconds, copying it none. One per plan and process; with
// FERRY_RT_TEMPLATES naming a directory, one per plan for all processes that share it.
import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { chmod, chown, copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { until } from '#test/support/wait.ts';
import { placeholders } from './rt-plan.ts';
import type { SeedPlan } from './rt-plan.ts';

export type RtTokens = {
  readonly service: string;
  readonly agents: Readonly<Record<string, string>>;
};

export type RtTemplate = { readonly database: string; readonly tokens: RtTokens };

/** Whom RT runs as when the tests run as root. */
export const runAs = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

const setupDatabase = '/usr/sbin/rt-setup-database-5';
const seedScript = fileURLToPath(new URL('./rt/seed.pl', import.meta.url));
const setupScript = fileURLToPath(new URL('../../connectors/rt/setup.pl', import.meta.url));

const made = new Map<string, Promise<RtTemplate>>();

export function rtTemplate(plan: (secretFile: string) => SeedPlan): Promise<RtTemplate> {
  const key = JSON.stringify(plan(''));
  const known = made.get(key);
  if (known !== undefined) return known;
  const making = makeOrFind(key, plan);
  made.set(key, making);
  return making;
}

async function makeOrFind(key: string, plan: (secretFile: string) => SeedPlan): Promise<RtTemplate> {
  const scripts = await Promise.all([readFile(seedScript, 'utf8'), readFile(setupScript, 'utf8')]);
  const hash = createHash('sha256')
    .update([key, ...scripts].join('\0'))
    .digest('hex')
    .slice(0, 16);
  const shared = process.env['FERRY_RT_TEMPLATES'];
  if (shared === undefined) {
    const dir = await mkdtemp(join(tmpdir(), 'ferry-rt-template-'));
    process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
    return makeTemplate(dir, plan);
  }
  await mkdir(shared, { recursive: true });
  const dir = join(shared, hash);
  if (existsSync(dir)) return found(dir);
  try {
    await mkdir(`${dir}.making`);
  } catch {
    await until(() => stat(dir), { what: `the RT template ${dir}`, timeoutMs: 60_000 });
    return found(dir);
  }
  await makeTemplate(`${dir}.making`, plan);
  await rename(`${dir}.making`, dir);
  return found(dir);
}

async function found(dir: string): Promise<RtTemplate> {
  const tokens = JSON.parse(await readFile(join(dir, 'tokens.json'), 'utf8')) as RtTokens;
  return { database: join(dir, 'rt.db'), tokens };
}

async function makeTemplate(dir: string, plan: (secretFile: string) => SeedPlan): Promise<RtTemplate> {
  await prepareDir(dir);
  await writeSiteConfig(dir, { name: placeholders.domain, port: 80, timezone: 'UTC', extra: '' });
  const secretFile = join(dir, 'secret');
  // Copies, because the checkout may lie under a home that RT's user may not enter.
  await Promise.all([
    writeFile(secretFile, `${placeholders.webhookSecret}\n`),
    writeFile(join(dir, 'plan.json'), JSON.stringify(plan(secretFile))),
    copyFile(seedScript, join(dir, 'seed.pl')),
    copyFile(setupScript, join(dir, 'setup.pl')),
  ]);
  await perl(dir, [setupDatabase, '--action', 'init', '--skip-create']);
  const printed = await perl(dir, [join(dir, 'seed.pl'), join(dir, 'plan.json'), join(dir, 'setup.pl')]);
  await writeFile(join(dir, 'tokens.json'), printed.trim().split('\n').at(-1) ?? '');
  return found(dir);
}

/** Makes the directories RT writes to, for the user it runs as. */
export async function prepareDir(dir: string): Promise<void> {
  await chmod(dir, 0o755);
  for (const path of [dir, join(dir, 'site.d'), join(dir, 'mason'), join(dir, 'sessions'), join(dir, 'outbox')]) {
    await mkdir(path, { recursive: true });
    if (runAs.uid !== undefined) await chown(path, runAs.uid, runAs.gid);
  }
}

export type SiteConfig = {
  readonly name: string;
  readonly port: number;
  readonly timezone: string;
  /** Further lines of Perl. */
  readonly extra: string;
};

/** RT reads no file under /etc: everything that it needs to know is here. Each mail becomes a separate file. */
export async function writeSiteConfig(dir: string, config: SiteConfig): Promise<void> {
  const lines = `
Set($rtname, '${config.name}');
Set($Organization, '${config.name}');
Set($CorrespondAddress, 'support@${config.name}');
Set($CommentAddress, 'support-comment@${config.name}');
Set($WebDomain, '127.0.0.1');
Set($WebPort, ${config.port});
Set($WebPath, '');
Set($WebBaseURL, 'http://127.0.0.1:${config.port}');
Set($WebSecureCookies, 0);
Set($DatabaseType, 'SQLite');
Set($DatabaseName, '${dir}/rt.db');
# Every request pays for the hash of its token; at RT's own cost that is a quarter of a second.
Set($BcryptCost, 4);
Set($LogToSyslog, undef);
Set($LogToSTDERR, 'warning');
Set($Timezone, '${config.timezone}');
Set($MailCommand, sub {
    my $mail = shift;
    require Time::HiRes;
    our $count;
    my $file = sprintf '%s/outbox/%.6f-%d-%d', '${dir}', Time::HiRes::time(), $$, ++$count;
    open my $out, '>', "$file.part" or return 0;
    $mail->print($out);
    close $out;
    return rename "$file.part", "$file.eml";
});
$RT::MasonDataDir = '${dir}/mason';
$RT::MasonSessionDir = '${dir}/sessions';
${config.extra}
1;
`;
  await writeFile(join(dir, 'RT_SiteConfig.pm'), lines);
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

/** Runs a Perl program in the environment of the RT in `dir`, as RT's user; returns its output. */
export async function perl(dir: string, args: readonly string[]): Promise<string> {
  const child = spawn('perl', args, { cwd: dir, env: rtEnvironment(dir), stdio: ['ignore', 'pipe', 'pipe'], ...runAs });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`${args[0]} ended with ${code}:\n${stderr.slice(-3000)}${stdout.slice(-1000)}`);
  return stdout;
}

export async function removeDir(dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}
