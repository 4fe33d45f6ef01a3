/** Counts changes of direction on a mirror; too many in too short a time pause it and tell somebody. */
import { sql } from 'drizzle-orm';
import { breaker, breakerChanges } from '#core/log/breaker.ts';
import { reason } from '#core/words/reasons.ts';
import { rows, type Tx } from '#db/base/client.ts';
import { nameOf, type Mirror } from './mirrors.ts';
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

/** An action travels down the mirror to this instance; the caller holds the mirror's lock. */
export async function noteTurn(tx: Tx, mirror: Mirror, to: string, at: string): Promise<void> {
  const last = mirror.turns.at(-1);
  if (last?.to === to) return;
  const turns = [...mirror.turns, { at, to }].slice(-(breakerChanges + 2));
  mirror.turns = turns;
  const { tripped } = breaker(turns.map((turn) => ({ at: turn.at, direction: turn.to })));
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
