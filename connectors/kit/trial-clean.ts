/** Deletes what a trial has written and sets back what it has changed, however far it came. */
import type { Outcome, TrialRecord } from '#connectors/contract/check.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { sameName } from '#core/words/names.ts';
import type { TicketSnapshot } from '#core/words/vocabulary.ts';
import type { TrialDesk, Wish } from './trial-desk.ts';
import type { TrialHelp } from './trial-help.ts';
import { trialSubject, trialValue } from './trial-texts.ts';

export function cleanUpOf(desk: TrialDesk, help: TrialHelp): (signal: AbortSignal) => Promise<Outcome | null> {
  return async (signal) => {
    const record = desk.record();
    if (record === null) return null;
    const left: string[] = [];
    // What may have been made although it failed shows a moment later, if at all.
    if (await desk.isInDoubt())
      await desk.wait((ticket) => (lastShows(desk, ticket) ? true : null), signal).catch(none);
    const now = await desk.read(signal).catch(unlessGone);
    if (now === 'gone') return { verdict: 'ok', saw: 'the ticket is not there any more, nor what was written on it' };
    if (now === null) left.push('whatever does not show now: the ticket can not be read');
    const changes = now === null ? null : changesBack(desk, record, now.snapshot);
    if (changes !== null) left.push(...(await setBack(desk, changes, signal)));
    const again = changes === null ? now : ((await desk.read(signal).catch(none)) ?? now);
    const made = desk.made(again);
    const { left: kept, isFault } = await help.remove(made, signal);
    left.push(...kept);
    const done = `${made.actionIds.length} actions and what came with them${changes === null ? '' : '; status, subject and fields are as before'}`;
    const isWhole = left.length === 0;
    if (isWhole) return { verdict: 'ok', saw: `deleted: ${done}` };
    const saw = `left on ticket ${made.ticketId}: ${left.join('; ')}`;
    if (!isFault && left.length === kept.length) return { verdict: 'ok', saw };
    return { verdict: 'not-allowed', saw, fix: 'Delete it by hand, or set it back.' };
  };
}

function none(): null {
  return null;
}

function unlessGone(error: unknown): 'gone' | null {
  return error instanceof HelpdeskError && error.code === 'trial-ticket' ? 'gone' : null;
}

function lastShows(desk: TrialDesk, ticket: Parameters<TrialDesk['ours']>[0]): boolean {
  const last = desk.made(null).markers.at(-1);
  return desk.fresh(ticket).some(({ marker }) => marker === last);
}

/** Null where all is as it was. Long after a trial that was killed, only what still is as it left it is set back. */
function changesBack(
  desk: TrialDesk,
  record: TrialRecord,
  is: TicketSnapshot,
): { readonly each: readonly Wish[] } | null {
  const was = desk.before() === null ? without(record, is) : record.before;
  const fields = Object.entries(was.fields).filter(([name, value]) => !same(is.fields[name] ?? null, value ?? null));
  const each: Wish[] = [
    ...(is.summary === was.summary ? [] : [{ summary: was.summary }]),
    ...fields.map(([name, value]): Wish => ({ fields: { [name]: value ?? null } })),
    ...(is.priority === was.priority ? [] : [{ priority: was.priority }]),
    ...(is.category === was.category ? [] : [{ category: was.category }]),
    // Last: some changes open a ticket by themselves.
    ...(is.status === was.status ? [] : [{ status: was.status }]),
  ];
  return each.length === 0 ? null : { each };
}

/** As it is to be: what somebody has changed since then stays. */
function without({ before, statuses, fields, summary }: TrialRecord, is: TicketSnapshot): TicketSnapshot {
  const ours = fields.filter((name) => same(is.fields[name], trialValue));
  return {
    ...is,
    ...(statuses.some((name) => sameName(name, is.status)) ? { status: before.status } : {}),
    ...(summary && is.summary.startsWith(trialSubject) ? { summary: before.summary } : {}),
    fields: { ...is.fields, ...Object.fromEntries(ours.map((name) => [name, before.fields[name] ?? null])) },
  };
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Gives what could not be set back. */
async function setBack(
  desk: TrialDesk,
  { each }: { readonly each: readonly Wish[] },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const left: string[] = [];
  for (const wish of each) {
    try {
      await desk.undo(wish, signal);
    } catch (error) {
      if (!(error instanceof HelpdeskError)) throw error;
      const what = wish.fields === undefined ? Object.keys(wish).join() : `field ${Object.keys(wish.fields).join()}`;
      left.push(`${what} (${error.message})`);
    }
  }
  return left;
}
