// Real Request Trackers for tests: RT 5 of Debian, rootless, on SQLite, on the loopback address, several at once.
import { randomUUID } from 'node:crypto';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { chown, copyFile, mkdtemp, readFile, readdir, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { anyFreePort } from '#standalone/machine/ports.ts';
import { until } from '#test/support/wait.ts';
import { parseMail } from './rt-mail.ts';
import type { RtMail } from './rt-mail.ts';
import { defaultFields, defaultQueues, placeholders, seedPlan } from './rt-plan.ts';
import type { SeedField } from './rt-plan.ts';
import { perl, prepareDir, removeDir, rtEnvironment, rtTemplate, runAs, writeSiteConfig } from './rt-template.ts';

export type { RtMail } from './rt-mail.ts';

const server = '/usr/share/request-tracker5/libexec/rt-server';
/** Ends the whole group when the server ends, or when the test process does, however that ends: then its pipe closes. */
const guarded = 'exec 3<&0; (cat <&3 >/dev/null; kill -9 -$$) & "$0" "$@" </dev/null 3<&-; kill -9 -$$';

/** Tests of RT are skipped if it is not installed; `.ci/run` installs it. */
export function rtInstalled(): boolean {
  return existsSync(server) && existsSync('/usr/sbin/rt-setup-database-5');
}

/** For `skip` of node:test: false, or the line that says why. */
export const rtSkip: false | string = rtInstalled()
  ? false
  : 'Request Tracker 5 is not installed (Debian: request-tracker5 rt5-db-sqlite rt5-standalone starlet)';

export type RtOptions = {
  /** RT's name, its organisation and the domain of everybody's mail address, for instance `acme.example`. */
  readonly name: string;
  /** A free one by default. */
  readonly port?: number;
  /** RT's own time zone; UTC by default. */
  readonly timezone?: string;
  /** Time zone of Ferry's service user; UTC by default, as setup.pl sets it. */
  readonly serviceTimezone?: string;
  readonly agents?: readonly [RtNamed, RtNamed];
  readonly endUser?: RtNamed;
  readonly queues?: readonly string[];
  readonly customFields?: readonly SeedField[];
  /** RT posts here after each change. */
  readonly webhook?: { readonly url: string; readonly secret: string };
  /** False leaves out the scrip that keeps Ferry's writes from mailing. */
  readonly quiet?: boolean;
  /** Number of processes that answer requests; 2 by default. */
  readonly workers?: number;
  /** Further lines of RT_SiteConfig.pm. */
  readonly config?: string;
};

export type RtNamed = { readonly name: string; readonly realName: string };
export type RtAgent = RtNamed & { readonly email: string; readonly token: string };

export type Rt = {
  readonly name: string;
  readonly url: string;
  readonly restUrl: string;
  /** Of Ferry's own service user, `gateway`. */
  readonly token: string;
  readonly agents: readonly [RtAgent, RtAgent];
  /** An unprivileged user, for `Requestor`. */
  readonly endUser: RtNamed & { readonly email: string };
  readonly queues: readonly string[];
  readonly customFields: readonly SeedField[];
  readonly dir: string;
  readonly pid: () => number;
  /** The server's output. */
  log(): string;
  /** Every mail RT has sent so far, oldest first. */
  outbox(): Promise<readonly RtMail[]>;
  clearOutbox(): Promise<void>;
  /** A REST2 request as somebody with this token; gives the JSON, throws on 4xx and 5xx. */
  call(token: string, method: string, path: string, body?: unknown): Promise<unknown>;
  /** A mail arrives for a queue, as through rt-mailgate; this is how end users write. */
  mailIn(mail: RtMailIn): Promise<void>;
  /** Runs Perl in this RT's environment, with RT loaded, for what REST cannot do. */
  perl(code: string): Promise<string>;
  /** SIGKILL to the whole server; `start` brings it back with its data. */
  kill9(): Promise<void>;
  freeze(): void;
  thaw(): void;
  start(): Promise<void>;
  /** Ends it and removes its directory. */
  stop(): Promise<void>;
};

export type RtMailIn = {
  readonly from: string;
  readonly subject: string;
  readonly queue: string;
  /**
   * What comes below the subject: further headers, a blank line, the body. Without its own headers it is plain text.
   */
  readonly text: string;
};

const running = new Set<ChildProcess>();
const dirs = new Set<string>();
process.once('exit', () => {
  for (const child of running) signalGroup(child, 'SIGKILL');
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
});

export async function startRt(options: RtOptions): Promise<Rt> {
  const queues = options.queues ?? defaultQueues;
  const customFields = options.customFields ?? defaultFields;
  const template = await rtTemplate((secretFile) =>
    seedPlan(queues, customFields, options.webhook !== undefined, secretFile, options.quiet ?? true),
  );
  const dir = await mkdtemp(join(tmpdir(), 'ferry-rt-'));
  dirs.add(dir);
  await prepareDir(dir);
  const port = options.port ?? (await anyFreePort());
  await writeSiteConfig(dir, {
    name: options.name,
    port,
    timezone: options.timezone ?? 'UTC',
    extra: options.config ?? '',
  });
  const database = join(dir, 'rt.db');
  await copyFile(template.database, database);
  const named = (name: string, realName: string) => ({ name, realName, email: `${name}@${options.name}` });
  const [first, second] = options.agents ?? [
    { name: 'ann', realName: 'Ann Lee' },
    { name: 'bob', realName: 'Bob Ray' },
  ];
  const end = options.endUser ?? { name: 'uma', realName: 'Uma User' };
  personalise(database, options, [
    ['agent1', first],
    ['agent2', second],
    ['user1', end],
  ]);
  if (runAs.uid !== undefined) await chown(database, runAs.uid, runAs.gid);

  let child: ChildProcess | undefined;
  let printed = '';
  const rest = `http://127.0.0.1:${port}/REST/2.0`;
  async function start(): Promise<void> {
    const args = ['--server', 'Starlet', '--host', '127.0.0.1', '--port', String(port)];
    const started = spawn('/bin/sh', ['-c', guarded, server, ...args, '--max-workers', String(options.workers ?? 2)], {
      cwd: dir,
      env: rtEnvironment(dir),
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      ...runAs,
    });
    child = started;
    running.add(started);
    for (const stream of [started.stdout, started.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (printed += text));
    }
    started.once('close', () => running.delete(started));
    await until(
      async () => {
        if (started.exitCode !== null) return 'ended';
        const reply = await fetch(`${rest}/rt`, { headers: { authorization: `token ${template.tokens.service}` } });
        await reply.text();
        return reply.status === 200;
      },
      { what: `RT at ${rest}`, timeoutMs: 30_000, everyMs: 50 },
    );
    if (started.exitCode !== null) throw new Error(`RT ended at once:\n${printed.slice(-3000)}`);
  }
  async function end9(): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const closed = new Promise<void>((resolve) => child?.once('close', () => resolve()));
    signalGroup(child, 'SIGKILL');
    await closed;
  }
  await start();
  const agent = (seed: string, of: RtNamed): RtAgent => ({
    ...named(of.name, of.realName),
    token: template.tokens.agents[seed] ?? '',
  });
  return {
    name: options.name,
    url: `http://127.0.0.1:${port}`,
    restUrl: rest,
    token: template.tokens.service,
    agents: [agent('agent1', first), agent('agent2', second)],
    endUser: named(end.name, end.realName),
    queues,
    customFields,
    dir,
    pid: () => child?.pid ?? 0,
    log: () => printed,
    outbox: () => readOutbox(dir),
    clearOutbox: async () => {
      for (const file of readdirSync(join(dir, 'outbox'))) await unlink(join(dir, 'outbox', file));
    },
    call: (token, method, path, body) => call(rest + path, token, method, body),
    mailIn: (mail) => mailIn(`http://127.0.0.1:${port}`, mail),
    perl: (code) => perl(dir, ['-I/usr/share/request-tracker5/lib', '-MRT=-init', '-e', code]),
    kill9: end9,
    freeze: () => signalGroup(child, 'SIGSTOP'),
    thaw: () => signalGroup(child, 'SIGCONT'),
    start,
    stop: async () => {
      await end9();
      await removeDir(dir);
      dirs.delete(dir);
    },
  };
}

/** Gives the copied database the names of this instance. */
function personalise(database: string, options: RtOptions, people: readonly (readonly [string, RtNamed])[]): void {
  const db = new DatabaseSync(database);
  try {
    db.exec('begin');
    for (const [seed, { name, realName }] of people) {
      db.prepare('update Users set Name = ?, RealName = ?, EmailAddress = ? where Name = ?').run(
        name,
        realName,
        `${name}@${options.name}`,
        seed,
      );
    }
    db.prepare('update Users set EmailAddress = replace(EmailAddress, ?, ?)').run(placeholders.domain, options.name);
    if (options.serviceTimezone !== undefined) {
      db.prepare("update Users set Timezone = ? where Name = 'gateway'").run(options.serviceTimezone);
    }
    for (const [from, to] of [
      [placeholders.webhookUrl, options.webhook?.url],
      [placeholders.webhookSecret, options.webhook?.secret],
    ] as const) {
      if (to !== undefined)
        db.prepare('update Scrips set CustomCommitCode = replace(CustomCommitCode, ?, ?)').run(from, to);
    }
    db.exec('commit');
  } finally {
    db.close();
  }
}

async function call(url: string, token: string, method: string, body: unknown): Promise<unknown> {
  const reply = await fetch(url, {
    method,
    headers: { authorization: `token ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await reply.text();
  if (!reply.ok) throw new Error(`${method} ${url}: ${reply.status} ${text.slice(0, 500)}`);
  return text === '' ? null : JSON.parse(text);
}

async function mailIn(url: string, mail: RtMailIn): Promise<void> {
  const head = [`From: ${mail.from}`, `To: ${mail.queue}@rt.example`, `Subject: ${mail.subject}`];
  const own = /^[A-Za-z-]+:/.test(mail.text);
  const more = own ? [] : ['Content-Type: text/plain; charset=utf-8', ''];
  const message = [...head, `Message-ID: <${randomUUID()}@mail.example>`, ...more, mail.text].join('\n');
  const form = new FormData();
  for (const [name, value] of Object.entries({
    SessionType: 'REST',
    queue: mail.queue,
    action: 'correspond',
    message,
  })) {
    form.set(name, value);
  }
  const reply = await fetch(`${url}/REST/1.0/NoAuth/mail-gateway`, { method: 'POST', body: form });
  const said = await reply.text();
  if (!reply.ok || !said.startsWith('ok'))
    throw new Error(`RT did not take the mail: ${reply.status} ${said.slice(0, 500)}`);
}

async function readOutbox(dir: string): Promise<readonly RtMail[]> {
  const files = (await readdir(join(dir, 'outbox'))).filter((file) => file.endsWith('.eml')).toSorted();
  return Promise.all(files.map(async (file) => parseMail(await readFile(join(dir, 'outbox', file), 'utf8'))));
}

/** The server forks its workers into its own group. */
function signalGroup(child: ChildProcess | undefined, signal: NodeJS.Signals): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended already.
  }
}
