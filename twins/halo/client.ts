/** Plays people at a twin through its `/twin` API, and reads what tests and the demo need. */
import type { Input } from './input.ts';
import type { LoggedRequest } from './requests.ts';
import type { Mail } from './mail.ts';

export interface ActionSeen {
  readonly id: number;
  readonly ticket_id: number;
  readonly outcome: string;
  readonly note: string;
  readonly note_html: string;
  readonly emailbody_html: string;
  readonly hiddenfromuser: boolean;
  readonly issystem: boolean;
  readonly who: string;
  readonly actionby_agent_id: number;
  readonly actionby_user_id: number;
  readonly actionby_application_id: string;
  readonly guid: string;
  readonly datetime: string;
  readonly new_status_name: string;
  readonly sync_to_halo_api: number | null;
  readonly senttoapiurl: string;
  readonly attachments: readonly AttachmentSeen[];
}

export interface AttachmentSeen {
  readonly id: number;
  readonly action_id: number;
  readonly filename: string;
  readonly content_type: string;
  readonly filesize: number;
  readonly sha256?: string;
  /** The UUID of a picture in a note. */
  readonly guid?: string;
}

export interface FieldSeen {
  readonly id: number;
  readonly name: string;
  readonly label: string;
  readonly value: unknown;
  readonly display: string;
}

export interface TicketSeen {
  readonly id: number;
  readonly summary: string;
  readonly details_html: string;
  readonly status_id: number;
  readonly status_name: string;
  readonly tickettype_name: string;
  readonly priority_name: string;
  readonly category_1: string;
  readonly client_name: string;
  readonly user_name: string;
  readonly user_email: string;
  readonly agent_name: string;
  readonly supplier_id: number;
  readonly supplier_name: string;
  readonly supplier_reference: string;
  readonly third_party_id_string: string;
  readonly thirdparty_url: string;
  readonly last_update: string;
  readonly dateclosed: string | null;
  readonly merged_into_id: number | null;
  readonly customfields: readonly FieldSeen[];
  readonly attachments: readonly AttachmentSeen[];
  readonly actions: readonly ActionSeen[];
}

export interface PortalTicket {
  readonly id: number;
  readonly summary: string;
  readonly status: string;
  readonly closed: boolean;
  readonly details_html: string;
  readonly attachments: readonly AttachmentSeen[];
  readonly actions: readonly {
    readonly id: number;
    readonly outcome: string;
    readonly who: string;
    readonly datetime: string;
    readonly note_html: string;
    readonly attachments: readonly AttachmentSeen[];
  }[];
}

/** What the twin answered instead of a success. */
export class TwinRefusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'TwinRefusal';
    this.status = status;
  }
}

export interface TwinClient {
  readonly url: string;
  agentAction(agent: string, ticketId: number, body: Input): Promise<ActionSeen>;
  agentTicket(agent: string, body: Input): Promise<TicketSeen>;
  userTicket(email: string, body: Input): Promise<PortalTicket>;
  userReply(email: string, ticketId: number, body: Input): Promise<ActionSeen>;
  portal(email: string): Promise<readonly PortalTicket[]>;
  portalTicket(email: string, ticketId: number): Promise<PortalTicket>;
  ticket(id: number): Promise<TicketSeen>;
  /** Returns a page of up to 1000 headings, newest first. */
  tickets(): Promise<readonly TicketSeen[]>;
  edit(ticketId: number, body: Input): Promise<TicketSeen>;
  merge(ticketId: number, into: number): Promise<void>;
  remove(ticketId: number): Promise<void>;
  /** Gives the approval that a ticket waits for. */
  approve(ticketId: number): Promise<void>;
  /** Makes all open tickets look changed although nothing was done. */
  recompute(): Promise<void>;
  outbox(ticketId?: number): Promise<readonly Mail[]>;
  fault(body: Input): Promise<void>;
  clearFaults(): Promise<void>;
  rule(body: Input): Promise<void>;
  /** Changes or adds records of the desk's configuration: `status`, `outcome`, `tickettype`, `user`, … */
  catalogue(kind: string, patches: readonly Input[]): Promise<void>;
  rateLimit(body: Input): Promise<void>;
  requests(): Promise<{
    total: number;
    counts: Record<string, number>;
    requests: readonly LoggedRequest[];
  }>;
  clearRequests(): Promise<void>;
  reset(): Promise<void>;
  call(method: string, path: string, body?: unknown): Promise<unknown>;
}

/** Creates a client of the twin at `url`. Its calls throw TwinRefusal for anything but a success. */
export function twinClient(url: string): TwinClient {
  async function call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${url}/twin${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new TwinRefusal(response.status, messageOf(text));
    return JSON.parse(text) as unknown;
  }
  const as = encodeURIComponent;

  return {
    url,
    call,
    agentAction: async (agent, id, body) =>
      (await call('POST', `/agent/${as(agent)}/tickets/${id}/actions`, body)) as ActionSeen,
    agentTicket: async (agent, body) => (await call('POST', `/agent/${as(agent)}/tickets`, body)) as TicketSeen,
    userTicket: async (email, body) => (await call('POST', `/users/${as(email)}/tickets`, body)) as PortalTicket,
    userReply: async (email, id, body) =>
      (await call('POST', `/users/${as(email)}/tickets/${id}/replies`, body)) as ActionSeen,
    portal: async (email) => (await call('GET', `/portal/${as(email)}/tickets`)) as PortalTicket[],
    portalTicket: async (email, id) => (await call('GET', `/portal/${as(email)}/tickets/${id}`)) as PortalTicket,
    ticket: async (id) => (await call('GET', `/tickets/${id}`)) as TicketSeen,
    tickets: async () => ((await call('GET', '/tickets?count=1000')) as { tickets: TicketSeen[] }).tickets,
    edit: async (id, body) => (await call('POST', `/tickets/${id}`, body)) as TicketSeen,
    merge: async (id, into) => void (await call('POST', `/tickets/${id}/merge`, { into })),
    remove: async (id) => void (await call('DELETE', `/tickets/${id}`)),
    approve: async (id) => void (await call('POST', `/tickets/${id}/approval`)),
    recompute: async () => void (await call('POST', '/recompute')),
    outbox: async (id) => (await call('GET', `/outbox${id === undefined ? '' : `?ticket_id=${id}`}`)) as Mail[],
    fault: async (body) => void (await call('POST', '/faults', body)),
    clearFaults: async () => void (await call('DELETE', '/faults')),
    rule: async (body) => void (await call('POST', '/rules', body)),
    catalogue: async (kind, patches) => void (await call('POST', `/catalogue/${kind}`, patches)),
    rateLimit: async (body) => void (await call('POST', '/ratelimit', body)),
    requests: async () => (await call('GET', '/requests')) as Awaited<ReturnType<TwinClient['requests']>>,
    clearRequests: async () => void (await call('DELETE', '/requests')),
    reset: async () => void (await call('POST', '/reset')),
  };
}

function messageOf(text: string): string {
  try {
    const body = JSON.parse(text) as { Message?: string; message?: string; error?: string };
    return body.Message ?? body.message ?? body.error ?? text;
  } catch {
    return text;
  }
}
