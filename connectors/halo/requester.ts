/** Whom a new ticket belongs to: the account, its site, and the user who asks, never a user of another account. */
import { createBoundedCache } from '#connectors/kit/bounded-cache.ts';
import type { Command } from '#core/words/vocabulary.ts';
import type { Glossary } from './catalogue.ts';
import { byName, same } from './catalogue.ts';
import type { Call } from './call.ts';
import type { HaloClient } from './client.ts';
import { allOf } from './pages.ts';
import { site as siteRow, user as userRow } from './wire.ts';
import type { HaloOptions, HaloUser } from './wire.ts';

export type Owner = { readonly client_id: number; readonly site_id?: number; readonly user_id?: number };
export type OwnerOf = (open: NonNullable<Command['open']>, call: Call) => Promise<Owner>;

const keptMs = 600_000;
const mostKept = 1000;

export function createOwners(client: HaloClient, glossary: Glossary, options: HaloOptions): OwnerOf {
  const known = createBoundedCache<{ readonly owner: Owner; readonly until: number }>(mostKept);

  async function search(clientId: number, words: string, call: Call): Promise<HaloUser[]> {
    const list = { path: 'Users', key: 'users', query: { client_id: clientId, search: words }, row: userRow };
    const found = await allOf(client, list, { ...call, what: 'Looking for the requester' });
    // The filter is not trusted: whose a user is, the user says.
    return found.filter((user) => user.inactive !== true && user.client_id === clientId);
  }

  async function find(clientId: number, wanted: string, call: Call): Promise<HaloUser | undefined> {
    if (wanted === '') return undefined;
    const found = await search(clientId, wanted, call);
    const isIt = (user: HaloUser): boolean =>
      same(wanted.includes('@') ? (user.emailaddress ?? '') : user.name, wanted);
    return found.find(isIt);
  }

  async function ownerOf(open: NonNullable<Command['open']>, call: Call): Promise<Owner> {
    const account = await glossary.look('account', open.account, (words) => byName(words.clients, open.account), call);
    const standIn = Object.entries(options.standIns ?? {}).find(([name]) => same(name, open.account))?.[1];
    const { email, name } = open.requester;
    const user =
      (await find(account.id, email ?? '', call)) ??
      (await find(account.id, name, call)) ??
      (await find(account.id, standIn ?? 'General User', call));
    const named = open.site === undefined ? undefined : await siteOf(account.id, open.site, call);
    // Halo takes a user only together with a site of the same client.
    const site_id = named ?? (await ownSite(user, call)) ?? (await siteOf(account.id, undefined, call));
    return {
      client_id: account.id,
      ...(site_id === undefined ? {} : { site_id }),
      ...(user === undefined || site_id === undefined ? {} : { user_id: user.id }),
    };
  }

  /** Lists may leave it out; the user itself has it. */
  async function ownSite(user: HaloUser | undefined, call: Call): Promise<number | undefined> {
    if (user === undefined) return undefined;
    if ((user.site_id ?? 0) > 0) return user.site_id ?? undefined;
    const whole = await client.get(`Users/${user.id}`, {}, userRow, { ...call, what: 'Looking for the site' });
    return (whole.site_id ?? 0) > 0 ? (whole.site_id ?? undefined) : undefined;
  }

  async function siteOf(clientId: number, name: string | undefined, call: Call): Promise<number | undefined> {
    const list = { path: 'Site', key: 'sites', query: { client_id: clientId }, row: siteRow };
    const found = await allOf(client, list, { ...call, what: 'Looking for the site' });
    const own = found.filter((site) => site.client_id === clientId && site.inactive !== true);
    return (name === undefined ? own[0] : (byName(own, name) ?? own[0]))?.id;
  }

  return async (open, call) => {
    const key = JSON.stringify(
      [open.account, open.site, open.requester.email, open.requester.name].map((one) => one ?? ''),
    );
    const kept = known.get(key);
    if (kept !== undefined && kept.until > performance.now()) return kept.owner;
    const owner = await ownerOf(open, call);
    known.set(key, { owner, until: performance.now() + keptMs });
    return owner;
  };
}
