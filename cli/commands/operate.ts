/** `ferry retry`, `release`, `skip`, `resume`: what a person does to what waits. */
import { suggestion } from '#core/words/nearest.ts';
import type { Db } from '#db/base/client.ts';
import { notifyLanes } from '#db/carry/couriers.ts';
import { notifyHints } from '#db/log/hint.ts';
import { releaseDelivery, resumeMirror, retryInstance, skipDelivery } from '#db/operate/operate.ts';
import type { Operated } from '#db/operate/operate.ts';
import { knownInstances } from '#db/operate/trace.ts';
import { findContext, withDatabase } from '#cli/context.ts';
import type { GlobalOptions } from '#cli/context.ts';
import type { CliDeps } from '#cli/deps.ts';
import { CliError, exitCodes } from '#cli/errors.ts';
import { count } from '#cli/print-apply.ts';

const by = 'cli';
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export async function retry(instance: string, options: GlobalOptions, deps: CliDeps): Promise<number> {
  return operate(options, deps, async (db) => {
    const lanes = await retryInstance(db, instance, by);
    if (lanes === null) {
      const known = await knownInstances(db);
      throw new CliError(
        'unknown-instance',
        exitCodes.no,
        `there is no instance "${instance}". ${known.length === 0 ? 'None is set up yet, see ferry apply.' : suggestion(instance, known)}`,
      );
    }
    await ring(db, [instance]);
    return `${instance} is tried again now; ${count(lanes, 'lane waits', 'lanes wait')} for it.`;
  });
}

export async function release(id: string, options: GlobalOptions, deps: CliDeps): Promise<number> {
  return operate(options, deps, async (db) => {
    const result = await releaseDelivery(db, deliveryId(id), by);
    if (!result.done) throw refusal(id, result);
    await ring(db, [result.to]);
    return `Released; it goes to ${result.to} next.`;
  });
}

export async function skip(id: string, options: GlobalOptions, deps: CliDeps): Promise<number> {
  return operate(options, deps, async (db) => {
    const result = await skipDelivery(db, deliveryId(id), by);
    if (!result.done) throw refusal(id, result);
    await ring(db, [result.to]);
    return `Dropped; it will not be delivered to ${result.to}.`;
  });
}

export async function resume(id: string, options: GlobalOptions, deps: CliDeps): Promise<number> {
  return operate(options, deps, async (db) => {
    const woken = uuid.test(id) ? await resumeMirror(db, id, by) : null;
    if (woken === null)
      throw new CliError(
        'not-paused',
        exitCodes.no,
        `no paused mirror has the id "${id}"; ferry status lists the paused ones`,
      );
    await ring(db, woken);
    return 'The mirror goes on.';
  });
}

async function operate(options: GlobalOptions, deps: CliDeps, act: (db: Db) => Promise<string>): Promise<number> {
  const context = await findContext(options, deps, { secrets: false });
  const line = await withDatabase(context, ({ db }) => act(db));
  deps.out(`${line}\n`);
  return exitCodes.ok;
}

/** Running drains and watchers look at once; sleeping couriers are woken by the sweeper within seconds. */
async function ring(db: Db, instances: readonly string[]): Promise<void> {
  await notifyLanes(db, instances).catch(() => undefined);
  await notifyHints(db).catch(() => undefined);
}

function deliveryId(id: string): string {
  if (uuid.test(id)) return id;
  throw new CliError(
    'not-an-id',
    exitCodes.usage,
    `"${id}" is not the id of a delivery; ferry status and ferry trace show the ids`,
  );
}

function refusal(id: string, { why }: Extract<Operated, { done: false }>): CliError {
  const text = {
    unknown: `there is no delivery ${id}; ferry status and ferry trace show the ids`,
    ended: `the delivery ${id} has ended already; see it with ferry trace`,
    'not-held': `the delivery ${id} is not held; it goes by itself, or drop it with ferry skip`,
  }[why];
  return new CliError(why === 'unknown' ? 'unknown-delivery' : why, exitCodes.no, text);
}
