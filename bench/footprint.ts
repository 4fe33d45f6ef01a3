/** What a small installation takes: memory of each program at rest and at work, disk at the start and for what is carried. */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { startChild } from './child.ts';
import { startFederation, type Federation } from './federation.ts';
import { openMirrors, underLoad } from './ferry.ts';
import { pause } from './load.ts';
import { memoryMib } from './memory.ts';
import type { Services } from './services.ts';

export type Footprint = {
  /** `ferry start` with its demo, half a minute after it was ready. Mebibytes by program, and by folder of its data. */
  readonly atRest: { readonly memoryMib: Sizes; readonly diskMib: Sizes };
  /** Programs that carry as much as this machine lets them. Mebibytes by program. */
  readonly atWork: { readonly memoryMib: Sizes; readonly perSecond: number };
  /** By which the database grew with each action that was carried, a sentence long. */
  readonly kibPerAction: number;
};

export type Sizes = Readonly<Record<string, number>>;

const restMs = 30_000;

/** @param seconds of work */
export async function measureFootprint(services: Services, seconds: number): Promise<Footprint> {
  const atRest = await rest(join(services.dir, 'small'));
  const federation = await startFederation({ services, customers: 1, mirrors: openMirrors, label: 'footprint' });
  try {
    const before = await database(federation);
    const { perSecond } = await underLoad(federation, seconds);
    const memoryMib = whole(await federation.memory());
    const after = await database(federation);
    return {
      atRest,
      atWork: { memoryMib, perSecond: Math.round(perSecond) },
      kibPerAction: Math.round((after.bytes - before.bytes) / 1024 / Math.max(after.carried - before.carried, 1)),
    };
  } finally {
    await federation.stop();
  }
}

async function rest(data: string): Promise<Footprint['atRest']> {
  const ferry = await startChild({ program: 'bin/ferry.js', args: ['start', '--json', '--data', data] });
  try {
    await pause(restMs);
    const pids = ferry.ready['pids'] as Readonly<Record<string, number>>;
    const sizes: Record<string, number> = { 'page and supervision': await memoryMib(ferry.pid) };
    for (const [name, pid] of Object.entries(pids)) sizes[name] = await memoryMib(pid, name === 'postgres');
    const folders: Record<string, number> = {};
    for (const { name } of (await readdir(data, { withFileTypes: true })).filter((entry) => entry.isDirectory()))
      folders[name] = (await diskBytes(join(data, name))) / 2 ** 20;
    return { memoryMib: whole(sizes), diskMib: whole(folders) };
  } finally {
    await ferry.stop();
  }
}

/** Whole mebibytes, and all together. */
function whole(sizes: Sizes): Sizes {
  const all = Object.values(sizes).reduce((sum, size) => sum + size, 0);
  return Object.fromEntries(
    [...Object.entries(sizes), ['all', all]].map(([name, size]) => [name, Math.round(Number(size))]),
  );
}

async function database({ connection }: Federation): Promise<{ readonly bytes: number; readonly carried: number }> {
  const [row] = await rows<{ bytes: number; carried: number }>(
    connection.db,
    sql`select pg_database_size(current_database())::float8 as bytes,
      (select count(*)::int from deliveries where outcome = 'applied') as carried`,
  );
  return row ?? { bytes: 0, carried: 0 };
}

/** What it takes on the disk, which is another thing than how long its files are. */
async function diskBytes(path: string): Promise<number> {
  const found = await lstat(path).catch(() => null);
  if (found === null) return 0;
  if (!found.isDirectory()) return found.blocks * 512;
  let bytes = found.blocks * 512;
  for (const name of await readdir(path)) bytes += await diskBytes(join(path, name));
  return bytes;
}
