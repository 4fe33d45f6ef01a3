/**
 * The plug of the worker, which does all the carrying. Pulling it kills the process; what people write meanwhile waits in
 * their desks. After plugging in, the page counts the notes on both tickets and compares them with the deliveries.
 */
import type { PlugSeen } from './seen.ts';
import type { StripRow } from '#standalone/demo/strip.ts';

import type { Children } from '#standalone/machine/children.ts';
import type { DeskAction, DeskTicket } from './desks.ts';
import { isCarried } from './seen.ts';

export type DeskName = 'acme' | 'northwind';
type Both<T> = Readonly<Record<DeskName, T>>;

export type Plug = {
  /** Kills the worker. @param now the two tickets at this moment */
  pull(now: Both<DeskTicket | null>): Promise<void>;
  /** Starts the worker again. @param now the two tickets just before */
  plugIn(now: Both<DeskTicket | null>): void;
  seen(now: Both<DeskTicket | null>, rows: readonly StripRow[]): PlugSeen;
  /** Forgets the counts and leaves the worker alone. */
  forget(): void;
};

/** Makes a plug. @param sent whether the settings of its desk's side send actions of this kind */
export function createPlug(
  children: Pick<Children, 'pull' | 'plugIn' | 'isPulled' | 'isUp'>,
  sent: (desk: DeskName, action: DeskAction) => boolean,
): Plug {
  let base: Both<Mark> | null = null;
  /** What people had written before it was plugged in; later notes did not wait. */
  let waited: Both<readonly string[]> | null = null;
  /** The last count. */
  let final: PlugSeen | null = null;

  const written = (desk: DeskName, ticket: DeskTicket | null): readonly string[] =>
    newOn(base?.[desk], ticket)
      .filter((action) => !isCarried(action) && !action.issystem && sent(desk, action))
      .map(({ ticket_id: of, id }) => `${desk} ${of} ${id}`);
  const notesOf = (now: Both<DeskTicket | null>): Both<readonly string[]> =>
    waited ?? { acme: written('acme', now.acme), northwind: written('northwind', now.northwind) };

  return {
    async pull(now) {
      await children.pull('worker');
      base = { acme: markOf(now.acme), northwind: markOf(now.northwind) };
      waited = null;
      final = null;
    },
    plugIn(now) {
      waited = notesOf(now);
      children.plugIn('worker');
    },
    forget() {
      base = null;
      waited = null;
      final = null;
    },
    seen(now, rows) {
      const state = children.isPulled('worker') ? 'pulled' : children.isUp('worker') ? 'in' : 'starting';
      if (final !== null) return { ...final, state };
      const notes = notesOf(now);
      const both = [...notes.acme, ...notes.northwind];
      const ends = both.map((note) => rows.find((row) => row.kind === 'action' && keyOf(row) === note));
      const ended = ends.filter((row) => row !== undefined && row.outcome !== null);
      const applied = ends.filter((row) => row?.outcome === 'applied').length;
      const twice = (desk: DeskName): number => unexplained(desk, newOn(base?.[desk], now[desk]), rows);
      const seen: PlugSeen = {
        state,
        notes: { acme: notes.acme.length, northwind: notes.northwind.length },
        waiting: both.length,
        applied,
        lost: ended.length - applied,
        twice: twice('acme') + twice('northwind'),
        finished: state === 'in' && both.length > 0 && ended.length === both.length,
      };
      if (seen.finished) final = seen;
      return seen;
    },
  };
}

/** A ticket with its last action so far. */
type Mark = { readonly ticket: number | null; readonly last: number };

function newOn(mark: Mark | undefined, ticket: DeskTicket | null): readonly DeskAction[] {
  if (mark === undefined || ticket === null) return [];
  return ticket.actions.filter(({ id }) => mark.ticket !== ticket.id || id > mark.last);
}

/** Counts the carried actions that belong to no delivery: each was applied twice. */
function unexplained(desk: DeskName, actions: readonly DeskAction[], rows: readonly StripRow[]): number {
  const known = new Set(rows.filter(({ to }) => to === desk).flatMap(({ written }) => written));
  return actions.filter((action) => isCarried(action) && !known.has(String(action.id))).length;
}

function markOf(ticket: DeskTicket | null): Mark {
  return { ticket: ticket?.id ?? null, last: Math.max(0, ...(ticket?.actions ?? []).map(({ id }) => id)) };
}

function keyOf({ instance, ticket, external_id }: StripRow): string {
  return `${instance} ${ticket} ${external_id}`;
}
