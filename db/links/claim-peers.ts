/** Claims the peers whose state is to be queried, so that only one process asks each. */
import { sql } from 'drizzle-orm';
import type { LinkState } from '#core/wire.ts';
import { rows, type Db } from '#db/base/client.ts';
import { typeHasReach } from '#db/base/reach.ts';

export type PeerToAsk = {
  readonly link: string;
  readonly state: LinkState;
  /** The instance that represents the other side here. */
  readonly far: string;
  readonly desk: string;
  readonly catalogueVersion: number;
};

export async function claimPeers(db: Db, olderThanMs: number, limit = 50): Promise<PeerToAsk[]> {
  return rows<PeerToAsk>(
    db,
    sql`with due as materialized (
        select p.link from peers p join links l on l.id = p.link and l.state in ('active', 'suspended', 'quarantined')
        where p.said_at is null or p.said_at < now() - make_interval(secs => ${olderThanMs / 1000})
        order by p.said_at nulls first limit ${limit} for update of p skip locked
      )
      update peers p set said_at = now() from due, links l, sides s, instances i
      where p.link = due.link and l.id = p.link and s.link = p.link and i.id = s.instance and ${typeHasReach('i.type', 'peer')}
      returning p.link, l.state, i.id as far, i.name as desk, i.catalogue_version as "catalogueVersion"`,
  );
}
