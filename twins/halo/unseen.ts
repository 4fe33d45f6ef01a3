/** Writes that are done and not readable yet: Halo answers some reads from a copy that lags by up to minutes. */
import type { Ticket } from './model.ts';

export interface Unseen {
  /** Returns what the API shows of this ticket now; null if it does not show it yet. */
  ticket(now: Ticket): Ticket | null;
  /** Tells whether the API shows this action yet. */
  shows(ticketId: number, actionId: number): boolean;
  /** Hides what is written from now on from readers for that many milliseconds. */
  hold(
    change: { readonly ticketId: number; readonly before: Ticket | null; readonly actionIds: readonly number[] },
    ms: number,
  ): void;
  clear(): void;
}

export function createUnseen(now: () => number): Unseen {
  const tickets = new Map<number, { readonly until: number; readonly before: Ticket | null }>();
  const actions = new Map<string, number>();
  return {
    ticket(ticket) {
      const held = tickets.get(ticket.id);
      if (held === undefined || held.until <= now()) return ticket;
      return held.before;
    },
    shows: (ticketId, actionId) => (actions.get(`${ticketId} ${actionId}`) ?? 0) <= now(),
    hold({ ticketId, before, actionIds }, ms) {
      const until = now() + ms;
      tickets.set(ticketId, { until, before });
      for (const id of actionIds) actions.set(`${ticketId} ${id}`, until);
    },
    clear() {
      tickets.clear();
      actions.clear();
    },
  };
}
