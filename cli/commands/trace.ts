/** `ferry trace <instance> <ticket>` */
import { setTimeout as sleep } from 'node:timers/promises';
import { suggestion } from '#core/words/nearest.ts';
import type { Db } from '#db/base/client.ts';
import { findTicket, knownInstances, loadTrace } from '#db/operate/trace.ts';
import { findContext, withDatabase } from '#cli/context.ts';
import type { GlobalOptions } from '#cli/context.ts';
import type { CliDeps } from '#cli/deps.ts';
import { CliError, exitCodes } from '#cli/errors.ts';
import { entryLines, headLines } from '#cli/print-trace.ts';
import { timelineOf } from '#operate/trace/timeline.ts';
import type { Timeline } from '#operate/trace/timeline.ts';

export type TraceCommand = GlobalOptions & {
  readonly follow?: boolean;
  readonly json?: boolean;
  readonly notes?: boolean;
};

const lookEveryMs = 500;

export async function trace(instance: string, ticket: string, options: TraceCommand, deps: CliDeps): Promise<number> {
  const context = await findContext(options, deps, { secrets: false });
  return withDatabase(context, async ({ db }) => {
    await assertInstance(db, instance);
    const id = await ticketId(db, instance, ticket, options.follow === true);
    const load = async (): Promise<Timeline> =>
      timelineOf(instance, id, await loadTrace(db, instance, id, { notes: options.notes ?? false }));
    const first = await load();
    if (options.json === true && options.follow !== true) {
      deps.out(`${JSON.stringify(first)}\n`);
      return exitCodes.ok;
    }
    const say = options.json === true ? followJson(deps) : followText(deps);
    say(first);
    while (options.follow === true && !deps.signal.aborted) {
      await sleep(lookEveryMs, undefined, { signal: deps.signal }).catch(() => undefined);
      if (!deps.signal.aborted) say(await load());
    }
    return exitCodes.ok;
  });
}

async function assertInstance(db: Db, instance: string): Promise<void> {
  const known = await knownInstances(db);
  if (known.includes(instance)) return;
  throw new CliError(
    'unknown-instance',
    exitCodes.no,
    `there is no instance "${instance}". ${known.length === 0 ? 'None is set up yet, see ferry apply.' : suggestion(instance, known)}`,
  );
}

async function ticketId(db: Db, instance: string, ticket: string, isFollowing: boolean): Promise<string> {
  const found = await findTicket(db, instance, ticket);
  if (found !== null) return found;
  // Somebody who follows may wait for the ticket's first action.
  if (isFollowing) return ticket;
  throw new CliError(
    'unknown-ticket',
    exitCodes.no,
    `Ferry has seen nothing of ticket "${ticket}" of ${instance}; it may have no news since Ferry reads this desk, or what it left (kept 7 days where it is not mirrored) is gone; ferry status tells when the desk was last read`,
  );
}

/** Prints what is new or has changed since the last time. */
function followText(deps: CliDeps): (timeline: Timeline) => void {
  const shown = new Map<string, string>();
  let day: string | null = null;
  let head = '';
  return (timeline) => {
    const lines = headLines(timeline);
    if (lines.join('\n') !== head) for (const line of lines) deps.out(`${line}\n`);
    head = lines.join('\n');
    for (const entry of timeline.entries) {
      const key = entry.action ?? `${entry.instance}/${entry.ticket}/${entry.externalId}`;
      const content = JSON.stringify(entry);
      if (shown.get(key) === content) continue;
      shown.set(key, content);
      for (const line of entryLines(entry, day)) deps.out(`${line}\n`);
      day = entry.at.slice(0, 10);
    }
  };
}

/** A line of JSON for the mirrors whenever they change, and one for each entry that is new or has changed. */
function followJson(deps: CliDeps): (timeline: Timeline) => void {
  const shown = new Set<string>();
  return ({ entries, ...head }) => {
    for (const line of [JSON.stringify(head), ...entries.map((entry) => JSON.stringify({ entry }))]) {
      if (!shown.has(line)) deps.out(`${line}\n`);
      shown.add(line);
    }
  };
}
