/** What the desk keeps. Field names are Halo's; what is derived from other records is added by the views. */

export interface Status {
  readonly id: number;
  readonly name: string;
  readonly shortname: string;
  readonly sequence: number;
  readonly colour: string;
  /** What the desk itself knows; the API has no word for it. */
  readonly closed: boolean;
  /** Halo keeps statuses of other things in the same list. */
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
  /** What the API calls the `id`. */
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
  /** Ids of the action kinds its workflow allows; the view writes them as Halo's restriction rows. */
  readonly allowed_actions: readonly number[];
  readonly allowed_status: readonly number[];
  /** Fields without which nobody but a person in a hurry (`_novalidate`) logs a ticket, by name. */
  readonly mandatory?: readonly string[];
  /** Fields whose lack is only warned of, and only by the desk's own pages. */
  readonly recommended?: readonly string[];
  /** Steps of its workflow; a ticket starts in the first. */
  readonly steps?: readonly WorkflowStep[];
}

/** Action kinds and statuses that a ticket may take in one step of its workflow; an absent list restricts nothing. */
export interface WorkflowStep {
  readonly step: number;
  readonly actions?: readonly number[];
  readonly statuses?: readonly number[];
  /** By action kind: the step that follows. */
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
  /** Mails also when the action is made through the API. */
  readonly sendemail_via_api: boolean;
  /** Status after the action; 0 leaves it. */
  readonly newstatus: number;
  readonly systemuse: 'none' | 'log_to_supplier' | 'email' | 'close' | 'user_reply';
  /** 0 no, 1 supplier, 2 customer: "Send to Connected Halo Instance". */
  readonly default_send_to_halo: 0 | 1 | 2;
  readonly emailtemplate_id: number;
  /** Not offered to agents. */
  readonly notOffered?: boolean;
  /** Asks for approval: until it is given, the ticket takes no other status. */
  readonly asksApproval?: boolean;
  /** Fields an agent is asked for, by name. */
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
  /** What it is a field of; 1, the default, is the ticket. */
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
  /** For applications only: left out of lists that do not ask for such. */
  readonly is_api: boolean;
  /** The only customers whose tickets this agent may see; absent: all. */
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
  /** Names of events; empty takes all of them. */
  readonly events: readonly string[];
  /** How much a delivery says; `full` unless chosen. `text`: what the desk's owner wrote, which is no JSON. */
  readonly body?: 'full' | 'small' | 'event' | 'text';
  /** Several at once, as an array. */
  readonly batched?: boolean;
}

export type WrittenBy = 'application' | 'agent' | 'user' | 'any';

/** An automation: what it waits for and what it does. A rule never starts another rule. */
export interface Rule {
  readonly id: number;
  readonly name: string;
  readonly enabled: boolean;
  readonly when: {
    readonly on: 'action' | 'created' | 'status';
    readonly by?: WrittenBy;
    /** Name of the action kind. */
    readonly outcome?: string;
    /** Name of the status that is set. */
    readonly status?: string;
    readonly hidden?: boolean;
    readonly wasClosed?: boolean;
  };
  readonly does: {
    /** Absent: a system entry. An agent's name: an action as if that agent (a bot) had made it. */
    readonly as?: string;
    readonly outcome?: string;
    readonly note_html?: string;
    readonly status?: string;
    readonly hidden?: boolean;
    readonly mail?: boolean;
    readonly fields?: Readonly<Record<string, unknown>>;
  };
  /** Milliseconds after the cause; 0 is within the same request. */
  readonly delayMs?: number;
  /** Fires although the write asked for no automations, as a bot outside the desk would. */
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
  /** Step of its type's workflow; 0 where that has none. */
  workflow_step: number;
  /** 1 while an approval is asked for. */
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
  /** The id the next action on this ticket gets; ids of deleted actions are not used again. */
  next_action: number;
}

/** What Halo names as the application where people work in its web client. */
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
  /** The ticket it came from when that was merged into this one; 0 for all others. */
  merged_from_ticketid: number;
  /** Its id there, which nobody else can tell any more. */
  merged_from_id: number;
  issystem: boolean;
  /** Logged for the ticket itself. The desk's own pages show the request in its place. */
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
  /** False keeps a file that is bound to no action out of the portal. */
  readonly showforusers: boolean;
  note: string;
  /** Of a picture in a note: what its address is made with. */
  readonly guid?: string;
}

/** Who does something: decides what an action records, and whether it may mail. */
export type Actor =
  | {
      readonly by: 'application';
      /** Its name, which is what actions record. */
      readonly application: string;
      readonly agentId: number;
      readonly name: string;
    }
  | { readonly by: 'agent'; readonly agentId: number; readonly name: string }
  | { readonly by: 'user'; readonly userId: number; readonly name: string }
  | { readonly by: 'system' };
