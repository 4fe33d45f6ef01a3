/** The desk's records. Field names are Halo's; the views add what is derived from other records. */

export interface Status {
  readonly id: number;
  readonly name: string;
  readonly shortname: string;
  readonly sequence: number;
  readonly colour: string;
  /** The desk itself knows this; the API has no word for it. */
  readonly closed: boolean;
  /** Halo keeps the statuses of other records in the same list. */
  readonly type?: 'ticket' | 'opportunity' | 'asset';
}

export interface Category {
  readonly id: number;
  /** Path, such as `Network>VPN`. */
  readonly value: string;
  readonly category_name: string;
  /** 1 to 4: which of the ticket's four category fields it belongs to. */
  readonly type_id: number;
}

export interface Priority {
  readonly id: number;
  /** The API calls this the `id`. */
  readonly guid: string;
  readonly priorityid: number;
  readonly slaid: number;
  readonly name: string;
  readonly colour: string;
  readonly ishidden: boolean;
}

export interface TicketType {
  readonly id: number;
  readonly name: string;
  readonly initial_status: number;
  readonly default_sendack: number;
  readonly default_priority: number;
  readonly statusafteruserupdate: number;
  readonly reopenedstatus: number;
  readonly allowall_actions: boolean;
  readonly allowall_status: boolean;
  /** The ids of the action kinds that its workflow allows. The view writes them as Halo's restriction rows. */
  readonly allowed_actions: readonly number[];
  readonly allowed_status: readonly number[];
  /** The fields, by name, that a ticket must have to be logged, unless a person in a hurry sets `_novalidate`. */
  readonly mandatory?: readonly string[];
  /** The fields that only cause a warning if they are empty, and only on the desk's own pages. */
  readonly recommended?: readonly string[];
  /** The steps of its workflow. A ticket starts in the first. */
  readonly steps?: readonly WorkflowStep[];
}

/**
 * The action kinds and statuses that a ticket may take in one step of its workflow. An absent list restricts nothing.
 */
export interface WorkflowStep {
  readonly step: number;
  readonly actions?: readonly number[];
  readonly statuses?: readonly number[];
  /** The step that follows, by action kind. */
  readonly next?: Readonly<Record<string, number>>;
}

/** What Halo calls an outcome; Ferry calls it an action kind. */
export interface Outcome {
  readonly id: number;
  readonly outcome: string;
  readonly buttonname: string;
  readonly sequence: number;
  /** Hidden from the end user unless the action says otherwise. */
  readonly hidden: boolean;
  readonly sendemail: boolean;
  /** Sends mail also when the action comes through the API. */
  readonly sendemail_via_api: boolean;
  /** The status after the action; 0 leaves it unchanged. */
  readonly newstatus: number;
  readonly systemuse: 'none' | 'log_to_supplier' | 'email' | 'close' | 'user_reply';
  /** 0 no, 1 supplier, 2 customer: "Send to Connected Halo Instance". */
  readonly default_send_to_halo: 0 | 1 | 2;
  readonly emailtemplate_id: number;
  /** True if it is not offered to agents. */
  readonly notOffered?: boolean;
  /** True if it asks for approval. Until that is given, the ticket takes no other status. */
  readonly asksApproval?: boolean;
  /** The fields, by name, that an agent is asked for. */
  readonly fields: readonly string[];
}

export interface EmailTemplate {
  readonly id: number;
  readonly name: string;
  readonly subject: string;
  readonly body: string;
}

export type FieldType =
  | ('text' | 'memo' | 'rich' | 'select' | 'multiselect' | 'date' | 'datetime' | 'time' | 'checkbox')
  | ('integer' | 'money' | 'number');

export interface FieldInfo {
  readonly id: number;
  /** The sort of record that it is a field of; 1, the default, is the ticket. */
  readonly typeid?: number;
  readonly name: string;
  readonly label: string;
  readonly kind: FieldType;
  readonly values: readonly { readonly id: number; readonly name: string }[];
  readonly characterlimit: number;
}

export interface Client {
  readonly id: number;
  readonly name: string;
  readonly inactive: boolean;
}

export interface Site {
  readonly id: number;
  readonly name: string;
  readonly client_id: number;
}

export interface User {
  readonly id: number;
  readonly name: string;
  readonly emailaddress: string;
  readonly site_id: number;
  readonly inactive: boolean;
}

export interface Agent {
  readonly id: number;
  readonly name: string;
  readonly email: string;
  readonly team: string;
  readonly isdisabled: boolean;
  /** True for applications' agents, which are left out of lists that do not ask for them. */
  readonly is_api: boolean;
  /** The only customers whose tickets this agent may see. If absent, all. */
  readonly clients?: readonly number[];
}

export interface Team {
  readonly id: number;
  readonly name: string;
}

export interface Supplier {
  readonly id: number;
  readonly name: string;
  readonly contact_email: string;
}

export interface Webhook {
  readonly id: number;
  readonly guid: string;
  readonly name: string;
  readonly url: string;
  readonly active: boolean;
  readonly authentication_type: number;
  readonly basic_username: string;
  readonly basic_password: string;
  /** Names of events. If empty, all of them. */
  readonly events: readonly string[];
  /** How much a delivery contains; `full` by default. `text`: what the desk's owner wrote, which is not JSON. */
  readonly body?: 'full' | 'small' | 'event' | 'text';
  /** True if several are sent together, as an array. */
  readonly batched?: boolean;
}

export type WrittenBy = 'application' | 'agent' | 'user' | 'any';

/** An automation: its trigger and its effect. A rule never triggers another rule. */
export interface Rule {
  readonly id: number;
  readonly name: string;
  readonly enabled: boolean;
  readonly when: {
    readonly on: 'action' | 'created' | 'status';
    readonly by?: WrittenBy;
    /** The name of the action kind. */
    readonly outcome?: string;
    /** The name of the status that is set. */
    readonly status?: string;
    readonly hidden?: boolean;
    readonly wasClosed?: boolean;
  };
  readonly does: {
    /** If absent, a system entry. An agent's name: an action as if that agent (a bot) had created it. */
    readonly as?: string;
    readonly outcome?: string;
    readonly note_html?: string;
    readonly status?: string;
    readonly hidden?: boolean;
    readonly mail?: boolean;
    readonly fields?: Readonly<Record<string, unknown>>;
  };
  /** Milliseconds after the trigger; 0 means within the same request. */
  readonly delayMs?: number;
  /** Runs although the write asked for no automations, as a bot outside the desk would. */
  readonly ignoresSwitches?: boolean;
}

export interface Records {
  readonly status: Status;
  readonly category: Category;
  readonly priority: Priority;
  readonly tickettype: TicketType;
  readonly outcome: Outcome;
  readonly template: EmailTemplate;
  readonly fieldinfo: FieldInfo;
  readonly client: Client;
  readonly site: Site;
  readonly user: User;
  readonly agent: Agent;
  readonly team: Team;
  readonly supplier: Supplier;
  readonly webhook: Webhook;
  readonly rule: Rule;
}

export type RecordKind = keyof Records;

export type FieldValue = string | number | boolean | readonly number[] | null;

export interface Ticket {
  readonly id: number;
  summary: string;
  details: string;
  details_html: string;
  status_id: number;
  tickettype_id: number;
  priority_id: number;
  /** The step of its type's workflow, or 0 if the type has none. */
  workflow_step: number;
  /** 1 while an approval is pending. */
  approval_status: number;
  client_id: number;
  site_id: number;
  user_id: number;
  agent_id: number;
  team: string;
  category_1: string;
  category_2: string;
  category_3: string;
  category_4: string;
  supplier_id: number;
  supplier_reference: string;
  client_reference: string;
  third_party_id_string: string;
  thirdparty_url: string;
  reportedby: string;
  source: string;
  created_by: string;
  startdate: string | null;
  targetdate: string | null;
  customfields: Record<string, FieldValue>;
  readonly dateoccurred: string;
  dateclosed: string | null;
  hasbeenclosed: boolean;
  last_update: string;
  lastactiondate: string;
  deleted: boolean;
  merged_into_id: number | null;
  /** The id of the next action on this ticket. Ids of deleted actions are not used again. */
  next_action: number;
}

/** The application that Halo names when people work in its web client. */
export const webClient = 'nethelpdesk-agent-web-application';

export interface Action {
  readonly id: number;
  readonly ticket_id: number;
  outcome: string;
  outcome_id: number;
  note: string;
  note_html: string;
  emailbody: string;
  emailbody_html: string;
  hiddenfromuser: boolean;
  important: boolean;
  sendemail: boolean;
  emailto: string;
  emailcc: string;
  emailsubject: string;
  who: string;
  who_type: number;
  who_agentid: number;
  actionby_agent_id: number;
  actionby_user_id: number;
  actionby_application_id: string;
  third_party_who: string;
  readonly datetime: string;
  readonly actiondatecreated: string;
  last_updated: string;
  guid: string;
  old_status: number;
  new_status: number;
  new_status_name: string;
  new_supplier_id: number;
  new_supplier_ref: string;
  new_category1: string;
  new_priority: number;
  new_agent: number;
  new_team: string;
  customfields: Record<string, FieldValue>;
  sync_to_halo_api: 0 | 1 | 2 | null;
  senttoapisupplierid: number;
  senttoapiurl: string;
  /** The ticket that it came from if that ticket was merged into this one; otherwise 0. */
  merged_from_ticketid: number;
  /** Its id there, which is recorded nowhere else. */
  merged_from_id: number;
  issystem: boolean;
  /** True for the entry that logs the ticket itself. The desk's own pages show the request in its place. */
  iscreation: boolean;
}

export interface Attachment {
  readonly id: number;
  readonly ticket_id: number;
  action_id: number;
  readonly filename: string;
  readonly content_type: string;
  readonly filesize: number;
  readonly isimage: boolean;
  readonly sha256: string;
  readonly datecreated: string;
  /** False hides a file that is bound to no action from the portal. */
  readonly showforusers: boolean;
  note: string;
  /** For a picture in a note: the UUID that its address is built from. */
  readonly guid?: string;
}

/** Who does something. It decides what an action records, and whether it may send mail. */
export type Actor =
  | {
      readonly by: 'application';
      /** Its name, which actions record. */
      readonly application: string;
      readonly agentId: number;
      readonly name: string;
    }
  | { readonly by: 'agent'; readonly agentId: number; readonly name: string }
  | { readonly by: 'user'; readonly userId: number; readonly name: string }
  | { readonly by: 'system' };
