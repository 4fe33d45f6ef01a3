/**
 * Lifts pauses of the breaker automatically, once it was quiet for a while and nothing proves that machines answer each
 * other. A mirror that trips again within a day stays paused until somebody has looked.
 */
import { sql } from 'drizzle-orm';
import { breaker } from '#core/log/breaker.ts';
import { rows, type Db } from '#db/base/client.ts';
import type { Turn } from '#db/log/mirrors.ts';
import { ferryItself, writeAudit } from '#db/base/audit.ts';
import { resumeMirror } from './operate.ts';

/** Nothing was written on either ticket for this long. Milliseconds. */
export const quietMs = 10 * 60_000;

export type Lifted = { readonly mirror: string; readonly link: string; readonly wake: readonly string[] };

export async function liftPauses(db: Db, quiet = quietMs): Promise<Lifted[]> {
  const quietly = sql`now() - make_interval(secs => ${quiet / 1000})`;
  const found = await rows<{ id: string; link: string; turns: readonly Turn[] }>(
    db,
    sql`select m.id, m.link, m.turns from mirrors m
      where m.paused_at < ${quietly} and m.pause_reason = 'ping-pong' and m.state in ('opening', 'open')
        and not exists (select 1 from deliveries d where d.mirror = m.id and d.kind = 'action' and d.created_at >= ${quietly})
        and not exists (select 1 from audit a
          where a.what = 'lift' and a.subject = 'mirrors/' || m.id and a.at > now() - interval '1 day')
      order by m.paused_at limit 100`,
  );
  const lifted: Lifted[] = [];
  for (const { id, link, turns } of found) {
    const passages = turns.map((turn) => ({ at: turn.at, direction: turn.to, sign: turn.sign }));
    if (breaker(passages).machine === 'certain') continue;
    const resumed = await db.transaction(async (tx) => {
      const done = await resumeMirror(tx, id);
      if (done !== null)
        await writeAudit(tx, ferryItself(), [{ what: 'lift', subject: `mirrors/${id}`, detail: { link } }]);
      return done;
    });
    if (resumed !== null) lifted.push({ mirror: id, link, wake: resumed.wake });
  }
  return lifted;
}
