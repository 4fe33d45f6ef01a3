/**
 * The vendor's OpenAPI ("Halo API v2", 886 paths, request side only) for the paths that a ticket connector uses: their
 * query parameters, and the properties of the bodies they accept. Written by hand from that document, names and types
 * only; parameters and properties that such a connector does not need are left out. Whatever is sent without being
 * listed here is under `exceptions`, with the clients that were seen to rely on it.
 */

/** Types as the document names them; `any` where it leaves them open. */
export type SpecType = 'int' | 'bool' | 'string' | 'double' | 'date-time' | 'uuid' | 'any' | readonly [item: string];

export type Operation = {
  readonly query: Readonly<Record<string, SpecType>>;
  /** Name of the schema of which the body is an array; `form` for a multipart form. */
  readonly body?: string;
};

const paged = { pageinate: 'bool', page_size: 'int', page_no: 'int', order: 'string', orderdesc: 'bool' } as const;
const listed = { ...paged, count: 'int', search: 'string', includeactive: 'bool', includeinactive: 'bool' } as const;

export const operations: Readonly<Record<string, Operation>> = {
  'GET /Tickets': {
    query: {
      ...paged,
      count: 'int',
      search: 'string',
      search_summary: 'string',
      search_reportedby: 'string',
      search_supplier_reference: 'string',
      client_id: 'int',
      client_ref: 'string',
      user_id: 'int',
      agent_id: 'int',
      supplier_id: 'int',
      status_id: 'int',
      requesttype: 'string',
      requesttype_id: 'int',
      ticketids: 'string',
      open_only: 'bool',
      closed_only: 'bool',
      deleted: 'bool',
      includecolumns: 'bool',
      ticketidonly: 'bool',
      datesearch: 'string',
      startdate: 'string',
      enddate: 'string',
      lastupdatefromdate: 'bool',
      lastupdatetodate: 'bool',
    },
  },
  'POST /Tickets': { query: {}, body: 'Faults' },
  'GET /Tickets/{id}': {
    query: {
      includedetails: 'bool',
      includelastaction: 'bool',
      nocache: 'bool',
      isdetailscreen: 'bool',
      utcoffset: 'double',
    },
  },
  'DELETE /Tickets/{id}': { query: { reason: 'string' } },
  'GET /Webhook': { query: { isazureautomation: 'bool', type: 'int' } },
  'POST /Webhook': { query: {}, body: 'Webhook' },
  'GET /Actions': {
    query: {
      ticket_id: 'int',
      count: 'int',
      startdate: 'string',
      enddate: 'string',
      datesearch: 'string',
      agentonly: 'bool',
      conversationonly: 'bool',
      excludesys: 'bool',
      excludeprivate: 'bool',
      includehtmlnote: 'bool',
      includehtmlemail: 'bool',
      includeattachments: 'bool',
      includeagentdetails: 'bool',
      importantonly: 'bool',
    },
  },
  'POST /Actions': { query: {}, body: 'Actions' },
  'GET /Actions/{id}': {
    query: { ticket_id: 'int', includedetails: 'bool', includeemail: 'bool', mostrecent: 'bool' },
  },
  'DELETE /Actions/{id}': { query: {} },
  'DELETE /Attachment/{id}': { query: {} },
  'GET /Attachment': { query: { ticket_id: 'int', action_id: 'int', type: 'int', unique_id: 'int', idonly: 'bool' } },
  'POST /Attachment': { query: {}, body: 'Attachment' },
  'GET /Attachment/{id}': { query: { includedetails: 'bool', token: 'string' } },
  'GET /Attachment/image': { query: { token: 'string', nonce: 'string' } },
  'POST /Attachment/image': {
    query: { ticket_id: 'int', action_id: 'int', image_upload_id: 'int', image_upload_key: 'string' },
    body: 'form',
  },
  'GET /Status': {
    query: {
      type: 'string',
      tickettype_id: 'int',
      ticket_id: 'int',
      excludeclosed: 'bool',
      excludepending: 'bool',
      showall: 'bool',
    },
  },
  'GET /Category': { query: { type_id: 'int', tickettype_id: 'int', client_id: 'int', team_id: 'int' } },
  'GET /Priority': { query: { slaid: 'int', includedistinct: 'bool' } },
  'GET /TicketType': { query: { showall: 'bool', showinactive: 'bool', client_id: 'int', domain: 'string' } },
  'GET /TicketType/{id}': {
    query: { includedetails: 'bool', includeconfig: 'bool', isnewticket: 'bool', ticket_id: 'int' },
  },
  'GET /Outcome': {
    query: {
      showhidden: 'bool',
      excludesystemactions: 'bool',
      tickettype_id: 'int',
      workflow_id: 'int',
      workflow_step: 'int',
      status: 'int',
    },
  },
  'GET /FieldInfo': {
    query: { typeid: 'int', includevalues: 'bool', iscustomfieldsetup: 'bool', fieldtype: 'int', inputtype: 'int' },
  },
  'GET /Client': { query: listed },
  'GET /Supplier': { query: listed },
  'GET /Site': { query: { ...listed, client_id: 'int' } },
  'GET /Users': { query: { ...listed, client_id: 'int', site_id: 'int', exclude_agents: 'bool' } },
  'GET /Users/{id}': { query: { includedetails: 'bool' } },
  'GET /Team': { query: { showall: 'bool', includeenabled: 'string', includedisabled: 'string', type: 'string' } },
  'GET /Agent': {
    query: {
      includeapiagents: 'bool',
      includeenabled: 'string',
      includedisabled: 'string',
      search: 'string',
      client_id: 'int',
    },
  },
  'GET /Agent/me': { query: {} },
  'GET /WebhookEvent': { query: { webhook_id: 'string' } },
};

export const schemas: Readonly<Record<string, Readonly<Record<string, SpecType>>>> = {
  Webhook: {
    id: 'uuid',
    name: 'string',
    url: 'string',
    content_type: 'string',
    authentication_type: 'int',
    method: 'int',
    active: 'bool',
    events: ['UnameNotification'],
  },
  UnameNotification: { id: 'int', name: 'string' },
  Faults: {
    id: 'int',
    summary: 'string',
    details: 'string',
    details_html: 'string',
    status_id: 'int',
    tickettype_id: 'int',
    priority_id: 'int',
    client_id: 'int',
    site_id: 'int',
    user_id: 'int',
    agent_id: 'int',
    team: 'string',
    category_1: 'string',
    supplier_id: 'int',
    supplier_reference: 'string',
    client_reference: 'string',
    third_party_id_string: 'string',
    thirdparty_url: 'string',
    reportedby: 'string',
    startdate: 'date-time',
    targetdate: 'date-time',
    customfields: ['CustomField'],
    attachments: ['Attachment'],
    sendack: 'bool',
    donotapplytemplateintheapi: 'bool',
    dont_do_rules: 'bool',
    _dont_fire_automations: 'bool',
    _prevent_outgoing: 'bool',
    _novalidate: 'bool',
  },
  Actions: {
    id: 'int',
    ticket_id: 'int',
    outcome: 'string',
    outcome_id: 'int',
    note: 'string',
    note_html: 'string',
    hiddenfromuser: 'bool',
    important: 'bool',
    sendemail: 'bool',
    emailto: 'string',
    emailcc: 'string',
    guid: 'uuid',
    third_party_who: 'string',
    new_status: 'int',
    new_priority: 'int',
    new_category1: 'string',
    new_supplier_id: 'int',
    new_supplier_ref: 'string',
    customfields: ['CustomField'],
    attachments: ['Attachment'],
    dont_do_rules: 'bool',
    _prevent_outgoing: 'bool',
    senttoapiurl: 'string',
  },
  Attachment: {
    id: 'int',
    ticket_id: 'int',
    action_id: 'int',
    unique_id: 'int',
    type: 'int',
    filename: 'string',
    filesize: 'int',
    content_type: 'string',
    isimage: 'bool',
    showforusers: 'bool',
    note: 'string',
    data_base64: 'string',
    link: 'string',
  },
  CustomField: { id: 'int', name: 'string', label: 'string', type: 'int', value: 'any', display: 'string' },
};

/** What is sent although the document has it differently or not at all. */
export const exceptions: readonly { readonly where: string; readonly evidence: string }[] = [
  {
    where: 'GET /Tickets ?lastupdatefromdate',
    evidence: 'typed as a boolean there; TopLeft djpsa (delta sync) and panoramicdata/HaloPsa.Api send an instant',
  },
  {
    where: 'POST /Actions body.who',
    evidence: 'scado/halo_action_importer writes it with millions of actions, an Uptime Kuma fork with its notes',
  },
  {
    where: 'POST /Actions body.sync_to_halo_api',
    evidence: "stellarcyber/halopsa-ticket-sync captured the web client's own body, which has it as 0",
  },
  {
    where: 'DELETE /Actions/{id} ?ticket_id',
    evidence:
      'ids of actions count per ticket; HaloAPI (Pester tests against a live desk) deletes with the ticket named',
  },
  {
    where: 'POST /Actions body._dont_fire_automations',
    evidence:
      'in the document for tickets, and in live use there (CIPP-API, halopsa-ticket-sync); unknown properties are ignored',
  },
];
