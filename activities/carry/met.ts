/**
 * Determines which changes a delivery has met, once it is written: from the log, under the ticket's lock, with the
 * ticket as just read.
 */
import { isPassed } from '#core/log/position.ts';
import { changesAnything, due, isNewer, meet, type Change, type Due } from '#core/conversation/meet.ts';
import type { Changed, Command, Meant, TicketSnapshot } from '#core/words/vocabulary.ts';
import type { UnitOfWork } from '#db/base/unit-of-work.ts';
import type { Plan } from '#db/carry/writes.ts';
import { knownChanges } from '#db/log/changes.ts';
import type { LogReadingResult } from '#db/log/log-reading.ts';
import type { TicketRead } from '#db/log/locked-ticket.ts';
import type { ApplyRun } from './apply-run.ts';
import { changesHere, stampOf } from './changes-here.ts';

export type Meeting = Due & {
  /** Newer changes by any other author. */
  readonly people: readonly { readonly words: Changed }[];
  /** What the command still changed, for relays. */
  readonly command: Command;
  /** The log knows a change that this reading lacks: the reading is older than the log. */
  readonly stale: boolean;
};

export async function meeting(
  { deps, desk, context }: ApplyRun,
  unit: UnitOfWork,
  { command, meant, steps }: Plan,
  corrections: number,
  { ref, externalIds }: TicketRead,
  snapshot: TicketSnapshot,
  logged: LogReadingResult,
): Promise<Meeting> {
  const { to, mirror } = context;
  const all: Meant = meant ?? { all: changedBy(command), assumed: { fields: {} } };
  const nothing = { again: { fields: {} }, drops: [], command, stale: false };
  if (context.delivery.kind !== 'action' || !changesAnything(all.all)) return { ...nothing, people: logged.people };
  const { outbound } = await deps.cache.side(unit, `${mirror.link}/${to.side}`, to.settings);
  const { changes: known } = await knownChanges(unit.tx, ref, logged.mirrors);
  const stamp = stampOf(context);
  const corrected = steps.slice(steps.length - corrections).map((step) => changedBy(step.command));
  const here = changesHere(context, known, outbound);
  const people = newer(here.all, stamp).map(({ changed }) => ({ words: changed }));
  // An escalation opens its ticket, so nobody can have changed anything before.
  if (context.delivery.escalation) return { ...nothing, people };
  const shown = new Set(externalIds);
  const { floor, since } = to.readFrom;
  const from = since === null ? Number.NEGATIVE_INFINITY : Date.parse(since);
  // The read began there; a change above that is not shown has been missed.
  const isBelow = (id: string, at: string): boolean =>
    floor === null ? Date.parse(at) < from : isPassed({ floor }, id);
  return {
    ...due(all, corrected, stamp, here.shared, here.all, snapshot, desk.name),
    people,
    command: withChanged(command, meet(all.all, changedBy(command), stamp, here.shared, desk.name).changed),
    stale: known.some(
      ({ externalId, at }) => externalId !== null && !shown.has(externalId) && !isBelow(externalId, at),
    ),
  };
}

function newer(changes: readonly Change[], stamp: ReturnType<typeof stampOf>): readonly Change[] {
  return changes.filter((change) => isNewer(change, stamp));
}

export function changedBy({ status, category, priority, summary, fields }: Command): Changed {
  return {
    ...(status === undefined ? {} : { status }),
    ...(category === undefined ? {} : { category }),
    ...(priority === undefined ? {} : { priority }),
    ...(summary === undefined ? {} : { summary }),
    fields,
  };
}

export function withChanged(command: Command, changed: Changed): Command {
  const { status: _s, category: _c, priority: _p, summary: _t, fields: _f, ...rest } = command;
  return { ...rest, ...changed };
}
