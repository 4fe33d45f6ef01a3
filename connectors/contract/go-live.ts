/** Where an instance starts: the desk's own newest change, and the actions of tickets that changed close to it. */
import { numberOf } from '#core/log/position.ts';
import type { Helpdesk } from './helpdesk.ts';

export type LiveFrom = {
  /** The feed's position. */
  readonly cursor: string;
  /** Instant of the newest change by the desk's clock; null if the desk is empty; absent if its connector can't know. */
  readonly newest?: string | null;
  /** The newest id, if ids grow over the whole instance. */
  readonly after: string | null;
  /** Tickets whose listed actions, and all earlier ones, are before go-live. */
  readonly known: readonly { readonly ticket: string; readonly floor: string; readonly at: string }[];
};

/** More than ever change within the same moment; beyond this, only times count. */
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
