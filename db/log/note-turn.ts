/**
 * Counts changes of direction on a mirror; if machines cause too many in too short a time, pauses it and raises a
 * notice.
 */
import { sql } from 'drizzle-orm';
import { breaker, breakerChanges } from '#core/log/breaker.ts';
import { reason } from '#core/words/reasons.ts';
import { rows, type Tx } from '#db/base/client.ts';
import { nameOf, type Mirror, type Turn } from './mirrors.ts';
import { raiseNotice } from '#db/base/notices.ts';
import { textArray } from '#db/base/text-array.ts';
import { sendGathered, type Gathered } from '#db/base/transaction.ts';

type Turned = { readonly mirror: string; readonly turns: Mirror['turns']; readonly pause: boolean };

const setTurns: Gathered<Turned, void> = {
  send: async (tx, turned) => {
    await rows(
      tx,
      sql`with asked as materialized (
          select * from unnest(${textArray(turned.map(({ mirror }) => mirror))},
            ${textArray(turned.map(({ turns }) => JSON.stringify(turns)))},
            ${textArray(turned.map(({ pause }) => String(pause)))}) as a (mirror, turns, pause)
        )
        update mirrors m set turns = asked.turns::jsonb,
          paused_at = case when asked.pause = 'true' then now() else m.paused_at end,
          pause_reason = case when asked.pause = 'true' then 'ping-pong' else m.pause_reason end
        from asked where m.id = any(array(select mirror::uuid from asked)) and m.id = asked.mirror::uuid`,
    );
    return [];
  },
  keyOf: ({ mirror }) => mirror,
};

/**
 * Records that an action goes down the mirror to this instance; the caller holds the mirror's lock. An action that
 * follows nothing new from the other side is not a turn: its author has seen nothing. Turns are in the order in which
 * they were logged, which is their true order: an action that one follows was logged before it was written at its desk.
 */
export async function noteTurn(tx: Tx, mirror: Mirror, turn: Turn): Promise<void> {
  const { to, after } = turn;
  const last = mirror.turns.at(-1);
  if (last?.to === to) return;
  const mine = mirror.turns.findLast((one) => one.to === to);
  if (after !== undefined && mine?.after === after) return;
  const turns = [...mirror.turns, turn].slice(-(breakerChanges + 2));
  mirror.turns = turns;
  const { tripped } = breaker(turns.map((one) => ({ at: one.at, direction: one.to, sign: one.sign })));
  const pause = tripped && !mirror.paused;
  await sendGathered(tx, setTurns, { mirror: mirror.id, turns, pause });
  if (!pause) return;
  mirror.paused = true;
  await raiseNotice(tx, {
    link: mirror.link,
    cause: `ping-pong/${mirror.id}`,
    text: `${nameOf(mirror)}: ${reason('ping-pong').text}`,
  });
}
