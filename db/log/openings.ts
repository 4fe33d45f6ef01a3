/** The links on which an instance's tickets can be escalated. */
import { sql, type SQL } from 'drizzle-orm';
import type { InstanceType, LinkMode } from '#core/words/vocabulary.ts';

export type OpeningRow = {
  readonly link: string;
  readonly mode: LinkMode;
  readonly settings_version: number;
  readonly supplier_instance: string;
  readonly supplier_name: string;
  readonly supplier_type: InstanceType;
  readonly customer_type: InstanceType;
};

/** `instance`: a value or a column. */
export function openingsQuery(instance: SQL): SQL {
  return sql`select s.link, l.settings->>'mode' as mode, s.settings_version, o.instance as supplier_instance, i.name as supplier_name,
        i.type as supplier_type, own.type as customer_type
      from sides s
      join links l on l.id = s.link and l.state in ('active', 'suspended', 'quarantined')
      join sides o on o.link = s.link and o.place = 'second'
      join instances i on i.id = o.instance
      join instances own on own.id = s.instance
      where s.instance = ${instance} and s.place = 'first'
      order by s.link`;
}
