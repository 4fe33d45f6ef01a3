/**
 * The plug of the worker, which does all the carrying. Pulling it kills the process; what people write meanwhile waits in
 * their desks. What became of it is counted there, on both tickets, and compared with the deliveries.
 */
import type { PlugSeen } from './seen.ts';
import type { StripRow } from '#standalone/demo/strip.ts';

import type { Children } from '#standalone/machine/children.ts';
import type { DeskAction, DeskTicket } from './desks.ts';
import { isCarried } from './seen.ts';

export type DeskName = 'acme' | 'northwind';
type Both<T> = Readonly<Record<DeskName, T>>;

export type Plug = {
  /** @param now the two tickets as they are when it is pulled */
  pull(now: Both<DeskTicket | null>): Promise<void>;
  /** @param now the two tickets as they are just before it is plugged in */
  plugIn(now: Both<DeskTicket | null>): void;
  seen(now: Both<DeskTicket | null>, rows: readonly StripRow[]): PlugSeen;
  /** Forgets what was counted; the worker is as it is. */
  forget(): void;
};

/** @param sent whether the link carries what an action of this kind says, by the settings of its desk's side */
export function createPlug(
  children: Pick<Children, 'pull' | 'plugIn' | 'isPulled' | 'isUp'>,
  sent: (desk: DeskName, action: DeskAction) => boolean,
): Plug {
  let base: Both<Mark> | null = null;
  /** What had been written when it was plugged in: what comes later did not wait. */
  let waited: Both<readonly string[]> | null = null;
  /** The last count stays as it was. */
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

/** A ticket, and the last action on it so far. */
type Mark = { readonly ticket: number | null; readonly last: number };

function newOn(mark: Mark | undefined, ticket: DeskTicket | null): readonly DeskAction[] {
  if (mark === undefined || ticket === null) return [];
  return ticket.actions.filter(({ id }) => mark.ticket !== ticket.id || id > mark.last);
}

/** Carried actions on a ticket that are no delivery's one: each is something that was applied again. */
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
