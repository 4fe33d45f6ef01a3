/** Where an instance begins: the desk's own newest change, and how far the tickets are known that changed close to it. */
import { numberOf } from '#core/log/position.ts';
import type { Helpdesk } from './helpdesk.ts';

export type LiveFrom = {
  /** The feed's position. */
  readonly cursor: string;
  /** Instant of the newest change by the desk's clock; null: the desk is empty; absent: its connector can't tell. */
  readonly newest?: string | null;
  /** The newest id, where ids grow over the whole instance. */
  readonly after: string | null;
  /** Tickets of which these actions, and all before them, lie before go-live. */
  readonly known: readonly { readonly ticket: string; readonly floor: string; readonly at: string }[];
};

/** More than have changed within the same moment; what is above is told by its time alone. */
const nearMost = 50;

/** @throws HelpdeskError */
export async function askLiveFrom(helpdesk: Helpdesk, signal: AbortSignal): Promise<LiveFrom> {
  if (helpdesk.goLive === undefined) return { cursor: await helpdesk.feedStart(signal), after: null, known: [] };
  const { cursor, newest, after, near } = await helpdesk.goLive(signal);
  const known: { ticket: string; floor: string; at: string }[] = [];
  if (helpdesk.traits.ids === 'count' && typeof newest === 'string') {
    for (const ticket of near.slice(0, nearMost)) {
      const reading = await helpdesk.read(ticket, null, signal);
      if (reading.kind !== 'ticket') continue;
      const last = reading.actions.findLast(
        ({ externalId, at, made = at }) => numberOf(externalId) !== null && Date.parse(made) <= Date.parse(newest),
      );
      if (last !== undefined) known.push({ ticket, floor: last.externalId, at: last.at });
    }
  }
  return { cursor, ...(newest === undefined ? {} : { newest }), after: after ?? null, known };
}
