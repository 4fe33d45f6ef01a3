/** A desk as the page sees it: the content of a ticket, as its people see it. */
import { twinClient } from '#twins/halo/client.ts';
import type { ActionSeen, PortalTicket, TicketSeen } from '#twins/halo/client.ts';
import type { Mail } from '#twins/halo/mail.ts';

/** The parts of a ticket and its entries that the page reads, in the twin's words. */
export type DeskAction = Pick<
  ActionSeen,
  | 'id'
  | 'ticket_id'
  | 'outcome'
  | 'who'
  | 'hiddenfromuser'
  | 'issystem'
  | 'actionby_application_id'
  | 'actionby_user_id'
>;
export type DeskTicket = Pick<TicketSeen, 'id' | 'status_name' | 'tickettype_name' | 'user_name'> & {
  readonly attachments: readonly { readonly action_id: number; readonly sha256?: string }[];
  readonly actions: readonly DeskAction[];
};

export type PageDesk = {
  readonly url: string;
  ticket(id: string): Promise<DeskTicket>;
  /** Returns what the end user sees of a ticket. */
  portal(id: string): Promise<PortalTicket | null>;
  mails(id: string): Promise<readonly Mail[]>;
  /** Counts the tickets here that are the mirror of that far ticket. */
  mirrorsOf(farTicket: string): Promise<number>;
  /** Restores the initial state. */
  reset(): Promise<void>;
  /** Counts API requests of the last so many milliseconds. */
  recentRequests(withinMs: number): Promise<number>;
};

/** Opens a twin's desk. @param user e-mail address of the end user whose portal is shown */
export function twinDesk(url: string, user: string | undefined): PageDesk {
  const twin = twinClient(url);
  return {
    url,
    ticket: (id) => twin.ticket(Number(id)),
    portal: async (id) => (user === undefined ? null : twin.portalTicket(user, Number(id))),
    mails: (id) => twin.outbox(Number(id)),
    mirrorsOf: async (far) => {
      const tickets = await twin.tickets();
      return tickets.filter((one) => (one as { client_reference?: unknown }).client_reference === far).length;
    },
    reset: () => twin.reset(),
    recentRequests: async (withinMs) => {
      const { requests } = await twin.requests();
      return requests.filter(({ at, ms }) => at + ms > Date.now() - withinMs).length;
    },
  };
}
