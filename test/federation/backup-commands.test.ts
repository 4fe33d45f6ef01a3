/**
 * Backup and restore by the very commands of docs/running.md, with the tools of a PostgreSQL that is installed: a hub at
 * work is backed up, works on, loses its database and its files, and continues from the copy without writing anything twice.
 */
import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import postgres from 'postgres';
import { openBlobStore } from '#blobs/store.ts';
import { startPostgres } from '#standalone/machine/postgres.ts';
import { freshDatabase } from '#test/support/database.ts';
import { checkout, endsWithThis, startProgram } from '#test/support/process.ts';
import { postgresVariable } from '#test/support/services.ts';
import { tempDir } from '#test/support/temp.ts';
import { never, until } from '#test/support/wait.ts';
import { count, shown } from './desk-notes.ts';
import { opened, startRig, type RigDesk } from './rig.ts';

/** Where Debian and Ubuntu keep each major version, with `pg_dump`, which the embedded one lacks. */
const installed = '/usr/lib/postgresql';

function tools(): string | undefined {
  try {
    const majors = readdirSync(installed).map(Number);
    const [major] = majors.filter((one) => one >= 15).toSorted((a, b) => b - a);
    return major === undefined ? undefined : join(installed, String(major), 'bin');
  } catch {
    return undefined;
  }
}

/** The blocks of shell below a heading of the page, up to the next one; those in lists without their indentation. */
function blocksBelow(heading: string): string[] {
  const page = readFileSync(join(checkout, 'docs/running.md'), 'utf8');
  const [, below = ''] = page.split(`\n### ${heading}\n`);
  const [section = ''] = below.split(/\n###? /);
  return [...section.matchAll(/^( *)```sh\n([\s\S]*?)^ *```$/gm)].map(([, indent = '', text = '']) =>
    text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );
}

test(
  'the commands of docs/running.md back a hub up and restore it: all rests, and resumed nothing is lost or written twice',
  { timeout: 600_000 },
  async (t) => {
    const bin = tools();
    if (bin === undefined) return t.skip(`no PostgreSQL from 15 on with its tools is installed in ${installed}`);
    const [backup, ...noMore] = blocksBelow('Backup');
    const [restore, files, resume, ...others] = blocksBelow('Restore');
    assert.ok(backup !== undefined && restore !== undefined && files !== undefined && resume !== undefined);
    assert.match(`${backup}${restore}`, /pg_dump[\s\S]*pg_restore/);
    assert.match(resume, /--dry-run/);
    assert.equal(noMore.length, 0);
    assert.ok(others.every((text) => text.startsWith('docker ')));

    const stops: (() => Promise<void>)[] = [];
    t.after(async () => {
      for (const stop of stops.toReversed()) await stop();
    });
    const temp = await tempDir(0o711);
    stops.push(() => temp.remove());
    let pid: number | undefined;
    endsWithThis(() => pid);
    const server = await startPostgres({
      dataDir: join(temp.path, 'pg'),
      durable: false,
      logFile: join(temp.path, 'postgres.log'),
      binaries: {
        postgres: join(bin, 'postgres'),
        initdb: join(bin, 'initdb'),
        major: bin.split('/').at(-2) ?? '',
      },
    });
    ({ pid } = server);
    stops.push(async () => {
      await server.stop();
      pid = undefined;
    });
    process.env[postgresVariable] = server.url('postgres');

    const rig = await startRig('backup_commands', { database: await freshDatabase('backup_commands') });
    stops.push(() => rig.close());
    const acme = await rig.desk('acme', {});
    const northwind = await rig.desk('northwind', {});
    const open = { inbound: { actionDefault: 'Note' } };
    await rig.link('acme-northwind', 'acme', 'northwind', { customer: open, supplier: open });
    let worker = await rig.startWorker();
    await rig.live();

    const folder = join(temp.path, 'backup');
    await mkdir(folder);
    const path = await withFerry(join(temp.path, 'bin'), bin);
    const shell = async (commands: string): Promise<{ code: number | null; output: string }> => {
      const program = await startProgram({
        ...{ program: '/bin/sh', command: '/bin/sh', args: ['-euc', commands], cwd: folder },
        env: { ...rig.env, PATH: path },
      });
      const { code } = await program.ended;
      return { code, output: program.output() };
    };
    const run = async (commands: string): Promise<string> => {
      const { code, output } = await shell(commands);
      assert.equal(code, 0, `${commands}\n${output}`);
      return output;
    };
    const carried = (to: RigDesk, ticket: string, text: string): Promise<number> =>
      shown(() => count(to, ticket, text) || undefined, `"${text}" at ${to.id}`);

    const first = await opened(acme, northwind);
    await acme.note(first.ticket, '<p>before</p>');
    await carried(northwind, first.far, 'before');
    await rig.settled();
    const blobs = rig.env['FERRY_BLOBS'] ?? '';
    const { sha256 } = await (await openBlobStore(blobs)).put(Readable.from(['a file']), 1_000);

    await run(backup);
    assert.deepEqual((await readdir(folder)).toSorted(), ['ferry-files.tar.gz', 'ferry-keys', 'ferry.dump']);
    assert.ok((await readFile(join(folder, 'ferry-keys'), 'utf8')).includes(rig.env['FERRY_SECRET_KEY'] ?? '?'));

    await acme.note(first.ticket, '<p>after one</p>');
    await northwind.note(first.far, '<p>after two</p>');
    await carried(northwind, first.far, 'after one');
    await carried(acme, first.ticket, 'after two');
    const second = await opened(acme, northwind);
    await rig.settled();
    await worker.stop();
    const desks = (): string =>
      JSON.stringify([acme, northwind].map(({ desk }) => [...desk.tickets.values()].map(({ actions }) => actions)));

    await emptied(server.url('postgres'), rig.database.name);
    await run(restore);
    for (const name of await readdir(blobs))
      if (name !== 'witness') await rm(join(blobs, name), { recursive: true, force: true });
    await run(files);
    assert.equal(await (await openBlobStore(blobs)).has(sha256), true);

    await acme.note(first.ticket, '<p>meanwhile</p>');
    const left = desks();
    worker = await rig.startWorker();
    const status = await until(
      async () => {
        const said = await shell('ferry status');
        return /^acme-northwind +quarantined /m.test(said.output) ? said : undefined;
      },
      { what: 'the link in quarantine', timeoutMs: 60_000, everyMs: 250 },
    );
    assert.equal(status.code, 2, status.output);
    await never(() => (desks() === left ? undefined : true), { what: 'a write in quarantine', forMs: 2_000 });

    const [look = '', goOn = ''] = resume.trim().split('\n');
    assert.match(await run(look), /looked for at [^\n]* before Ferry writes anything[\s\S]*Without --dry-run/);
    assert.equal(desks(), left);
    await run(goOn);
    await carried(northwind, first.far, 'meanwhile');
    await rig.settled(60_000);
    await rig.check({ restored: true, mayWiden: true });
    assert.equal(northwind.desk.tickets.size, 2, 'no ticket is opened twice');
    for (const [desk, ticket, text] of [
      [northwind, first.far, 'before'],
      [northwind, first.far, 'after one'],
      [acme, first.ticket, 'after two'],
      [northwind, first.far, 'meanwhile'],
    ] as const)
      assert.equal(count(desk, ticket, text), 1, text);
    await northwind.note(second.far, '<p>from now on</p>');
    await carried(acme, second.ticket, 'from now on');
  },
);

/** A PATH on which `ferry` is this checkout's, and PostgreSQL's tools are those of its server. */
async function withFerry(own: string, tools: string): Promise<string> {
  await mkdir(own);
  const ferry = join(own, 'ferry');
  await writeFile(ferry, `#!/bin/sh\nexec '${process.execPath}' '${join(checkout, 'bin/ferry.js')}' "$@"\n`);
  await chmod(ferry, 0o755);
  return [own, tools, process.env['PATH'] ?? ''].join(':');
}

/** An empty database in the place of the old one. */
async function emptied(url: string, name: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  await sql`drop database ${sql(name)} with (force)`;
  await sql`create database ${sql(name)} encoding 'UTF8' template template0`;
  await sql.end();
}
