/** Saves what a run leaves: its result and, if it failed, its log, the desks' journals and how to run it again. */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Journal } from './journal.ts';
import type { Plan } from './plan.ts';
import type { RunResult } from './run.ts';
import type { World } from './world.ts';

export function nameOf({ seed, shape }: Pick<RunResult, 'seed' | 'shape'>): string {
  return `${String(seed).padStart(4, '0')}-${shape}`;
}

/** Reads the result of a seed that was run before, if there is one. */
export async function keptResult(out: string, name: string): Promise<RunResult | undefined> {
  try {
    return JSON.parse(await readFile(join(out, `${name}.json`), 'utf8')) as RunResult;
  } catch {
    return undefined;
  }
}

/**
 * Saves everything about a failed run.
 * @returns its folder; undefined if the run held
 */
export async function keepRun(
  out: string,
  {
    world,
    journal,
    plan,
    result,
    again,
  }: {
    readonly world: World;
    readonly journal: Journal;
    readonly plan: Plan;
    readonly result: RunResult;
    readonly again: string;
  },
): Promise<string | undefined> {
  await mkdir(out, { recursive: true });
  const name = nameOf(result);
  if (!result.holds) {
    const folder = join(out, name);
    await mkdir(folder, { recursive: true });
    const write = (file: string, text: string): Promise<void> => writeFile(join(folder, file), text);
    await write('again.txt', `${again}\n`);
    await write('plan.json', JSON.stringify(plan, null, 1));
    await write('people.json', JSON.stringify(journal, withoutDesks, 1));
    for (const { id, records } of world.desks)
      await write(`desk-${id}.json`, JSON.stringify([...records.tickets.values()], withoutBytes, 1));
    for (const site of world.sites) await write(`${site.name}.log`, site.output());
    for (const file of ['postgres.log', 'temporal.log'])
      await copyFile(join(world.services.dir, file), join(folder, file)).catch(() => {});
  }
  await writeFile(join(out, `${name}.json`), `${JSON.stringify(result, null, 1)}\n`);
  return result.holds ? undefined : join(out, name);
}

function withoutDesks(key: string, value: unknown): unknown {
  return key === 'pair'
    ? (value as { link: string }).link
    : key === 'talk'
      ? (value as { token: string }).token
      : value;
}

function withoutBytes(key: string, value: unknown): unknown {
  return key === 'bytes' ? undefined : value;
}
