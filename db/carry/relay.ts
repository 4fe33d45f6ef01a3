/** Relays what was applied at a desk between two others to the ticket's further mirrors, if they allow it. */
import { sql } from 'drizzle-orm';
import type { Command, ConstantPart, SideName, Words } from '#core/words/vocabulary.ts';
import { rows, type Tx } from '#db/base/client.ts';
import type { DeliveryContext } from './delivery-context.ts';
import { lockKnown, placeDeliveries } from '#db/log/place-deliveries.ts';
import { uuidArray } from '#db/base/text-array.ts';
import type { VersionCache } from '#db/settings/settings-in-force.ts';

type FurtherMirror = {
  readonly id: string;
  readonly side: SideName;
  readonly link: string;
  readonly settings_version: number;
  readonly to: string;
};

/** Returns the instances to wake. Never relays to an instance the action has passed: the origin guard. */
export async function relay(
  tx: Tx,
  cache: VersionCache,
  context: DeliveryContext,
  at: string,
  command: Command,
  constant?: ConstantPart,
): Promise<string[]> {
  const { entity } = context.to;
  const ticket = command.ticketId ?? context.to.ticketId;
  if (ticket === null) return [];
  const further = await rows<FurtherMirror>(
    tx,
    sql`select m.id, s.side, m.link, s.settings_version,
        case when s.place = 'first' then m.second_instance else m.first_instance end as to
      from mirrors m
      join links l on l.id = m.link and l.state in ('active', 'suspended', 'quarantined')
      join sides s on s.link = m.link and s.instance = ${at}
      where m.id <> ${context.mirror.id} and m.state in ('opening', 'open')
        and ((m.first_instance = ${at} and m.first_entity = ${entity} and m.first_ticket = ${ticket})
          or (m.second_instance = ${at} and m.second_entity = ${entity} and m.second_ticket = ${ticket}))
      order by m.id`,
  );
  const passed = new Set([context.action.origin, ...context.action.via, ...(context.delivery.via ?? []), at]);
  const via = [...(context.delivery.via ?? context.action.via), at];
  const allowed: FurtherMirror[] = [];
  for (const mirror of further) {
    if (passed.has(mirror.to)) continue;
    const { outbound } = await cache.side(tx, `${mirror.link}/${mirror.side}`, mirror.settings_version);
    if (outbound.relay !== 'none') allowed.push(mirror);
  }
  if (allowed.length === 0) return [];
  await tx.execute(
    sql`select mirror from lanes where mirror = any(${uuidArray(allowed.map(({ id }) => id))}) order by mirror, to_instance for update`,
  );
  await lockKnown(tx, [context.action.id]);
  const wake: string[] = [];
  for (const mirror of allowed) {
    const delivery = {
      action: context.action.id,
      words: wordsOf(command),
      via,
      ...(constant === undefined ? {} : { constant }),
    };
    await placeDeliveries(tx, { mirror: mirror.id, to: mirror.to }, [delivery], { desk: mirror.to });
    wake.push(mirror.to);
  }
  return wake;
}

/** Builds the words from the command applied here: this desk's own words for the change. */
function wordsOf(command: Command): Words {
  return {
    kind: command.kind,
    ...(command.status === undefined ? {} : { status: command.status }),
    ...(command.category === undefined ? {} : { category: command.category }),
    ...(command.priority === undefined ? {} : { priority: command.priority }),
    ...(command.summary === undefined ? {} : { summary: command.summary }),
    fields: command.fields,
  };
}
