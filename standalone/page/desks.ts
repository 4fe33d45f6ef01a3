/** A desk as the page looks at it: what stands on a ticket, as its people see it. */
import { twinClient } from '#twins/halo/client.ts';
import type { ActionSeen, PortalTicket, TicketSeen } from '#twins/halo/client.ts';
import type { Mail } from '#twins/halo/mail.ts';

/** What the page looks at of a ticket and its entries, in the twin's words. */
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
  /** What its end user sees of it. */
  portal(id: string): Promise<PortalTicket | null>;
  mails(id: string): Promise<readonly Mail[]>;
  /** How many tickets here are the mirror of that far ticket. */
  mirrorsOf(farTicket: string): Promise<number>;
  /** Back to what it was at first. */
  reset(): Promise<void>;
  /** Requests over its API that are not older than so many milliseconds. */
  recentRequests(withinMs: number): Promise<number>;
};

/** @param user e-mail of the end user whose portal is looked at */
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
