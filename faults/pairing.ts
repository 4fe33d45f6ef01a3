/** Pairs two Ferries as their operators would: one invites, the other accepts. */
import { saveSide } from '#db/settings/apply-links.ts';
import { plainSide } from '#test/federation/rig.ts';
import type { Site } from './site.ts';

export type PairedEnd = { readonly site: Site; readonly desk: string };

const statuses = ['open', 'waiting', 'working', 'closed'].map((status) => ({ from: status, to: status }));

export async function pairSites(customer: PairedEnd, supplier: PairedEnd): Promise<void> {
  const link = `${customer.desk}-${supplier.desk}`;
  const invited = await supplier.site.ferry(
    ...['link', 'invite', '--as', 'supplier', '--instance', supplier.desk, '--link', link],
  );
  const code = /\bferry_[\w-]+/.exec(invited.text)?.[0];
  if (invited.code !== 0 || code === undefined) throw new Error(`no invitation: ${invited.text}`);
  const accepted = await customer.site.ferry('link', 'accept', code, '--instance', customer.desk, '--link', link);
  if (accepted.code !== 0) throw new Error(`not accepted: ${accepted.text}`);
  await settle(customer, link, 'customer');
  await settle(supplier, link, 'supplier');
}

/** Gives the organisation's own side its settings. */
async function settle({ site, desk }: PairedEnd, link: string, side: 'customer' | 'supplier'): Promise<void> {
  const settings = plainSide(side, { inbound: { statuses } });
  await site
    .connection()
    .db.transaction((tx) =>
      saveSide(tx, { link, name: side, instance: desk, settings, profile: null, own: {}, by: 'faults' }),
    );
}
