/** A link as lint wants it: the settings in force of both sides, and what their desks offer as last read. */
import { sql } from 'drizzle-orm';
import type { LintInput } from '#core/lint/lint.ts';
import type { SideSettings } from '#core/rules/settings.ts';
import type { Catalogue, SideName } from '#core/words/vocabulary.ts';
import { isRemote } from '#core/words/reach.ts';
import { rows, type Db } from '#db/base/client.ts';

export type LinkToLint = {
  readonly input: LintInput;
  readonly instances: { readonly customer: string; readonly supplier: string };
};

type SideRow = {
  readonly name: SideName;
  readonly instance: string;
  readonly desk: string;
  readonly type: string;
  readonly settings: SideSettings;
  readonly catalogue: Catalogue | null;
};

/** Links that are not ended, of one instance or of all, in the order of their ids. */
export async function linksToLint(db: Db, instance?: string): Promise<readonly string[]> {
  const found = await rows<{ id: string }>(
    db,
    sql`select l.id from links l where l.state not in ('closing', 'closed') and ${
      instance === undefined
        ? sql`true`
        : sql`exists (select 1 from sides s where s.link = l.id and s.instance = ${instance})`
    } order by l.id`,
  );
  return found.map(({ id }) => id);
}

/** Null where there is no such link. */
export async function loadLinkToLint(db: Db, link: string): Promise<LinkToLint | null> {
  const found = await rows<SideRow>(
    db,
    sql`select s.side as name, s.instance, i.name as desk, i.type, v.settings, c.catalogue
      from sides s
      join instances i on i.id = s.instance
      join settings v on v.side = s.id and v.version = s.settings_version
      left join catalogues c on c.instance = i.id and c.version = i.catalogue_version
      where s.link = ${link}`,
  );
  const customer = found.find(({ name }) => name === 'customer');
  const supplier = found.find(({ name }) => name === 'supplier');
  if (customer === undefined || supplier === undefined) return null;
  return {
    input: {
      customer: customer.settings,
      supplier: supplier.settings,
      customerCatalogue: offered(isRemote(customer.type), customer.catalogue),
      supplierCatalogue: offered(isRemote(supplier.type), supplier.catalogue),
      names: { customer: customer.desk, supplier: supplier.desk },
      remote: found.find(({ type }) => isRemote(type))?.name,
    },
    instances: { customer: customer.instance, supplier: supplier.instance },
  };
}

/** Of another gateway nothing is known until it offers something. */
export function offered(isFar: boolean, catalogue: Catalogue | null): Catalogue | null {
  const isNothing = catalogue === null || catalogue.kinds.length + catalogue.statuses.length === 0;
  return isFar && isNothing ? null : catalogue;
}
