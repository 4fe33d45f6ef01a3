/** The initial contents of a desk. Seeds are plain values, so that tests can name what they contain. */
import type {
  Agent,
  Category,
  Client,
  EmailTemplate,
  FieldInfo,
  Outcome,
  Priority,
  Rule,
  Site,
  Status,
  Supplier,
  Team,
  TicketType,
  User,
} from './model.ts';

export interface SeedTicket {
  readonly id: number;
  readonly summary: string;
  readonly details_html: string;
  readonly tickettype_id: number;
  readonly status_id: number;
  readonly priority_id: number;
  readonly category_1: string;
  readonly user_id: number;
  readonly agent_id: number;
  readonly team: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly attachments: readonly {
    readonly filename: string;
    readonly data_base64: string;
    readonly cid?: string;
  }[];
  /** How many hours ago it was logged; 0 by default. */
  readonly hoursAgo?: number;
  /** What agents have done on it since, one hour apart, with kinds that send no mail. */
  readonly actions?: readonly { readonly agent: string; readonly outcome: string; readonly note_html: string }[];
}

/** An API application: its credentials and the agent it logs in as (null: none, so it may not write). */
export interface Application {
  readonly client_id: string;
  readonly client_secret: string;
  readonly name: string;
  readonly agent_id: number | null;
  readonly scopes: readonly string[];
}

export interface HaloSeed {
  readonly name: string;
  readonly product: 'HaloITSM' | 'HaloPSA';
  readonly version: string;
  readonly tenant: string;
  /** The colour of its pages, `#rrggbb`, dark enough for white text on it. */
  readonly accent: string;
  readonly mailbox: string;
  readonly firstTicketId: number;
  readonly applications: readonly Application[];
  readonly statuses: readonly Status[];
  readonly categories: readonly Category[];
  readonly priorities: readonly Priority[];
  readonly ticketTypes: readonly TicketType[];
  readonly outcomes: readonly Outcome[];
  readonly templates: readonly EmailTemplate[];
  readonly fields: readonly FieldInfo[];
  readonly clients: readonly Client[];
  readonly sites: readonly Site[];
  readonly users: readonly User[];
  readonly agents: readonly Agent[];
  readonly teams: readonly Team[];
  readonly suppliers: readonly Supplier[];
  readonly rules: readonly Rule[];
  readonly tickets: readonly SeedTicket[];
}

/** Builds a status from the few properties that matter. */
export function status(id: number, name: string, colour: string, closed = false): Status {
  return { id, name, shortname: name, sequence: id, colour, closed };
}

/** Builds a category from its path. */
export function category(id: number, value: string, type_id = 1): Category {
  return { id, value, category_name: value.split('>').at(-1) ?? value, type_id };
}

/** Returns a made-up UUID, always the same for the same number. */
function guidFor(id: number): string {
  return `5f0c1e2a-7d43-4b8e-9a61-${id.toString(16).padStart(12, '0')}`;
}

/** Builds a priority of the only service level. */
export function priority(id: number, name: string, colour: string): Priority {
  return { id, guid: guidFor(id), priorityid: id, slaid: 1, name, colour, ishidden: false };
}

/**
 * Builds an action kind: visible, without mail, sent nowhere, leaving the status unchanged, unless `rest` says
 * otherwise.
 */
export function outcome(id: number, name: string, rest: Partial<Outcome> = {}): Outcome {
  return {
    id,
    outcome: name,
    buttonname: name,
    sequence: id,
    hidden: false,
    sendemail: false,
    sendemail_via_api: false,
    newstatus: 0,
    systemuse: 'none',
    default_send_to_halo: 0,
    emailtemplate_id: 0,
    fields: ['note', 'attachments'],
    ...rest,
  };
}
