/** `ferry trace <instance> <ticket>` */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { entryLines, headLines } from '#cli/print/trace.ts';
import { withOperator } from '#cli/wire.ts';
import { trace as look } from '#operate/trace/trace.ts';
import type { Timeline } from '#operate/trace/timeline.ts';

export type TraceCommand = GlobalOptions & {
  readonly follow?: boolean;
  readonly json?: boolean;
  readonly notes?: boolean;
};

const lookEveryMs = 500;

export async function trace(instance: string, ticket: string, options: TraceCommand, deps: CliDeps): Promise<number> {
  return withOperator(options, deps, async (operator) => {
    // With --follow, people may be waiting for the ticket's first action.
    const how = { notes: options.notes ?? false, awaited: options.follow === true };
    const load = (): Promise<Timeline> => look(operator, instance, ticket, how);
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

/** Prints entries that are new or have changed since the last call. */
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

/** Prints a line of JSON for the mirrors whenever they change, and one for each new or changed entry. */
function followJson(deps: CliDeps): (timeline: Timeline) => void {
  const shown = new Set<string>();
  return ({ entries, ...head }) => {
    for (const line of [JSON.stringify(head), ...entries.map((entry) => JSON.stringify({ entry }))]) {
      if (!shown.has(line)) deps.out(`${line}\n`);
      shown.add(line);
    }
  };
}
