/** Records of the desk's configuration as Halo shows them, and the saving of users. */
import { fieldInfoView } from './customfields.ts';
import { notFound, refused } from './errors.ts';
import type { Input } from './input.ts';
import { flagOf, textOf, wholeOf } from './input.ts';
import type { Agent, FieldInfo, Outcome, Priority, Site, Status, TicketType, User } from './model.ts';
import type { Store } from './store.ts';

export function statusView({ closed: _closed, type, ...status }: Status): Input {
  return { ...status, type: type === undefined || type === 'ticket' ? 0 : type === 'opportunity' ? 1 : 2 };
}

/** Returns one row for each service level: Halo keeps a priority's times there, and may use another name there. */
export function priorityViews({ guid, ...priority }: Priority): readonly (Input & { readonly slaid: number })[] {
  return [1, 2].map((slaid) => ({ ...priority, id: `${guid.slice(0, 7)}${slaid}${guid.slice(8)}`, slaid }));
}

/** Builds a type as the list shows it: without what the workflow allows. */
export function typeRow(type: TicketType): Input {
  const {
    allowed_actions: _actions,
    allowed_status: _status,
    steps: _steps,
    mandatory,
    recommended: _recommended,
    ...rest
  } = type;
  const { allowall_actions: _allActions, allowall_status: _allStatus, ...row } = rest;
  return { ...row, hasmandatorytechfields: (mandatory ?? []).length > 0, hasmandatoryuserfields: false };
}

/** Builds a type as `?includedetails=true` shows it. */
export function typeDetails(store: Store, type: TicketType, isGrouped: boolean): Input {
  const { allowall_actions, allowall_status } = type;
  const fields = fieldsOf(store, type);
  return {
    ...typeRow(type),
    allowall_actions,
    allowall_status,
    allowed_actions: type.allowed_actions.map((id) => {
      const name = store.find('outcome', id)?.outcome ?? '';
      return { id, key1: type.id, key1_name: type.name, key2: id, key2_name: name, name };
    }),
    allowed_status: type.allowed_status.map((id) => ({
      ticketype_id: type.id,
      tickettype_name: type.name,
      status_id: id,
      status_name: store.find('status', id)?.name ?? '',
    })),
    fields: isGrouped ? [{ id: 1, technew: 0, group: { id: 1, name: 'Details', fields } }] : fields,
  };
}

/**
 * Lists what its form asks for: 1 may, 2 should and 3 must be filled in. Fields of the ticket have the names of columns
 * there.
 */
function fieldsOf(store: Store, type: TicketType): Input[] {
  const row = (name: string, technew: number): Input => {
    const field = store.named('fieldinfo', name);
    const column = columns[name] ?? { id: 0, name, label: name };
    const { id, label } = field ?? column;
    const fieldinfo = { id, name: field?.name ?? column.name, label, custom: field === null ? 0 : 1 };
    return { fieldid: id, technew, fieldinfo };
  };
  return [
    row('summary', 3),
    row('details', 2),
    ...(type.recommended ?? []).map((name) => row(name, 2)),
    ...(type.mandatory ?? []).map((name) => row(name, 3)),
  ];
}

/** The names and ids that were seen; ids above a thousand are made up. */
const columns: Readonly<Record<string, { readonly id: number; readonly name: string; readonly label: string }>> = {
  summary: { id: 2, name: 'symptom', label: 'Summary' },
  details: { id: 3, name: 'symptom2', label: 'Details' },
  team: { id: 13, name: 'sectio_', label: 'Team' },
  agent_id: { id: 14, name: 'assignedtoint', label: 'Agent' },
  estimate: { id: 16, name: 'estimate', label: 'Estimated Time' },
  impact: { id: 27, name: 'impact', label: 'Impact' },
  urgency: { id: 28, name: 'urgency', label: 'Urgency' },
  priority_id: { id: 1001, name: 'seriousness', label: 'Priority' },
  category_1: { id: 1002, name: 'category2', label: 'Category' },
  targetdate: { id: 1003, name: 'FOppTargetDate', label: 'Target Date' },
};

export function outcomeView(store: Store, outcome: Outcome): Input {
  const {
    fields: _fields,
    sendemail_via_api: _api,
    systemuse,
    hidden,
    notOffered,
    asksApproval: _asks,
    ...rest
  } = outcome;
  return {
    ...rest,
    hidden: notOffered ?? false,
    hidefromuser: hidden,
    sendemail: outcome.sendemail ? 1 : 0,
    hidesendemail: false,
    respondtype: 0,
    systemid: systemids[systemuse],
    default_send_to_halo: outcome.default_send_to_halo > 0,
    emailtemplate_name: store.find('template', outcome.emailtemplate_id)?.name ?? '',
  };
}

/** The twin's own numbers. The meaning of Halo's is not published. */
const systemids = { none: 0, log_to_supplier: 56, email: 18, close: 3, user_reply: 21 } as const;

export function fieldView(field: FieldInfo, hasValues: boolean): Input {
  const { values, ...rest } = fieldInfoView(field);
  return hasValues ? { ...rest, values } : rest;
}

export function agentView({ clients: _clients, ...agent }: Agent): Input {
  return { ...agent };
}

export function siteView(store: Store, site: Site): Input {
  return { ...site, client_name: store.find('client', site.client_id)?.name ?? '' };
}

export function userView(store: Store, user: User): Input {
  const site = store.find('site', user.site_id);
  const client_id = site?.client_id ?? 0;
  const client_name = store.find('client', client_id)?.name ?? '';
  return { ...user, site_name: site?.name ?? '', client_id, client_name };
}

export function saveUser(store: Store, element: Input): User {
  const id = wholeOf(element, 'id') ?? 0;
  const before = id > 0 ? store.find('user', id) : null;
  if (id > 0 && before === null) throw notFound(`User ${id}`);
  const site_id = wholeOf(element, 'site_id') ?? before?.site_id ?? 0;
  if (store.find('site', site_id) === null) throw refused(`Site ${site_id} does not exist`);
  const name = textOf(element, 'name') ?? before?.name ?? '';
  if (name === '') throw refused('A name is required');
  const user = {
    id: before?.id ?? Math.max(0, ...store.list('user').map((one) => one.id)) + 1,
    name,
    emailaddress: textOf(element, 'emailaddress') ?? before?.emailaddress ?? '',
    site_id,
    inactive: flagOf(element, 'inactive') ?? before?.inactive ?? false,
  };
  store.put('user', user);
  return user;
}
