/** Resumes links that were suspended until a time, once that time has come. */
import { sql } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';
import { ferryItself, writeAudit } from '#db/base/audit.ts';
import { moveLink } from '#db/links/link-life.ts';

export type EndedPause = {
  readonly link: string;
  /** Who paused it, where that is known. */
  readonly by: string | null;
  /** Instances to wake. */
  readonly wake: readonly string[];
};

export async function endPauses(db: Db): Promise<readonly EndedPause[]> {
  const due = await rows<{ id: string }>(
    db,
    sql`select id from links where suspended_until <= now() and state = 'suspended' order by suspended_until limit 100`,
  );
  const ended: EndedPause[] = [];
  for (const { id } of due) {
    const one = await db.transaction(async (tx) => {
      // Somebody may have put its end off, or another worker has been here.
      const [still] = await rows<{ by: string | null; until: string }>(
        tx,
        sql`select suspended_by as by, suspended_until as until from links
          where id = ${id} and suspended_until <= now() and state = 'suspended' for update`,
      );
      if (still === undefined || (await moveLink(tx, id, 'active', null)) === null) return null;
      await writeAudit(tx, ferryItself(), [
        {
          what: 'link-active',
          subject: `links/${id}`,
          detail: { from: 'suspended', to: 'active', pausedBy: still.by, until: new Date(still.until).toISOString() },
        },
      ]);
      const sides = await rows<{ instance: string }>(
        tx,
        sql`select instance from sides where link = ${id} order by side`,
      );
      return { link: id, by: still.by, wake: sides.map(({ instance }) => instance) };
    });
    if (one !== null) ended.push(one);
  }
  return ended;
}
