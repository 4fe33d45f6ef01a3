/**
 * Reads a ticket's actions. Halo returns them newest first and without page numbers; if it returns fewer than exist, Ferry asks for
 * older ones by the time of the oldest one seen.
 */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { Call } from './call.ts';
import type { HaloClient, Query } from './client.ts';
import { haloInstant, instantOf, shifted } from './time.ts';
import { action as actionSchema } from './wire.ts';
import type { HaloAction } from './wire.ts';

const mostAtOnce = 1_000;
const mostRequests = 400;

/** Actions at or after `since`, oldest first. Their ids count within the ticket, in the order they were made. */
export async function listActions(
  client: HaloClient,
  ticketId: string,
  since: string | null,
  call: Call,
): Promise<HaloAction[]> {
  const what = { ...call, what: `Reading the actions of ticket ${ticketId}` };
  const found = new Map<number, HaloAction>();
  let until: string | null = null;
  let count = mostAtOnce;
  let most = 0;
  let byFraction = false;
  for (let asked = 1; ; asked++) {
    if (asked > mostRequests) throw new HelpdeskError('refused', 'endless-list', `${what.what}: the list has no end.`);
    const query = { ...actionsQuery(ticketId, since, until), count };
    const list = { path: 'Actions', key: 'actions', query, row: actionSchema };
    const reply = await client.list(list, what).catch((error: unknown) => {
      // Long mails with pictures in them: fewer at once.
      if (!(error instanceof HelpdeskError) || error.code !== 'reply-too-large' || count === 1) throw error;
      count = Math.max(1, Math.floor(count / 8));
      return null;
    });
    if (reply === null) continue;
    const { held, total } = reply;
    const rows = reply.rows.filter((action) => isOf(ticketId, action));
    if (rows.length < reply.rows.length) client.dropped(what.what, 'actions[].ticket_id');
    const fresh = rows.filter(({ id }) => !found.has(id));
    for (const action of fresh) found.set(action.id, action);
    most = Math.max(most, total ?? 0);
    const last = oldestOf(rows);
    if (fresh.length === 0 && held >= count && last !== null && until !== last) {
      // More of one second than come at once: its fraction tells them apart, where this Halo regards it.
      byFraction = true;
      until = last;
      continue;
    }
    if (fresh.length === 0 || isWhole(found, rows, held < Math.min(client.ways.wholeRows, count), total, since)) break;
    const oldest = oldestOf(fresh);
    if (oldest === null) break;
    // That second is asked for again: several actions may be of it, and Halo may cut its fraction off.
    until = shifted(oldest, 1_000);
  }
  if (since === null && most > found.size && (byFraction || !found.has(1))) client.incomplete(what.what);
  return [...found.values()]
    .filter((action) => since === null || (timeOf(action) ?? since) >= since)
    .sort((a, b) => a.id - b.id);
}

/** Drops actions of other tickets, because a Halo ignores filters that it does not know. */
function isOf(ticketId: string, { ticket_id: of }: HaloAction): boolean {
  return (of ?? 0) <= 0 || String(of) === ticketId;
}

/** Between two instants; null for no end. */
export function actionsQuery(ticketId: string, since: string | null = null, until: string | null = null): Query {
  return {
    ticket_id: ticketId,
    count: mostAtOnce,
    excludesys: false,
    includehtmlnote: true,
    includehtmlemail: true,
    includeattachments: true,
    startdate: since === null ? undefined : haloInstant(since),
    enddate: until === null ? undefined : haloInstant(until),
  };
}

/** Whether nothing older is left. The total can't be trusted when it says no more than the reply holds. */
function isWhole(
  found: ReadonlyMap<number, HaloAction>,
  rows: readonly HaloAction[],
  isShort: boolean,
  total: number | undefined,
  since: string | null,
): boolean {
  if (found.has(1)) return true;
  if (since !== null && rows.some((one) => (timeOf(one) ?? since) < since)) return true;
  return isShort && (total ?? 0) <= found.size;
}

function oldestOf(actions: readonly HaloAction[]): string | null {
  const times = actions.flatMap((one) => timeOf(one) ?? []);
  return times.length === 0 ? null : times.reduce((oldest, at) => (at < oldest ? at : oldest));
}

export function timeOf(action: HaloAction): string | null {
  return instantOf(action.datetime) ?? instantOf(action.actiondatecreated);
}
