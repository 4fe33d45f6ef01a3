/** Records of the desk's configuration as Halo shows them, and how users are saved. */
import { notFound, refused } from './errors.ts';
import type { Input } from './input.ts';
import { flagOf, textOf, wholeOf } from './input.ts';
import type { Outcome, Site, TicketType, User } from './model.ts';
import type { Store } from './store.ts';

export function typeView(store: Store, type: TicketType): Input {
  return {
    ...type,
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
  };
}

export function outcomeView(store: Store, outcome: Outcome): Input {
  const { fields, ...rest } = outcome;
  return {
    ...rest,
    hidefromuser: outcome.hidden,
    sendemail: outcome.sendemail ? 1 : 0,
    emailtemplate_name: store.find('template', outcome.emailtemplate_id)?.name ?? '',
    fields: fields.map((name) => ({ name })),
  };
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
