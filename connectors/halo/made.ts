/**
 * What this process made lately, so that the next step need not ask for it. Only a shortcut: after a restart the same is
 * found in Halo.
 */
import { noteFingerprint } from '#core/text/fingerprint.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { createBoundedCache } from '#connectors/kit/bounded-cache.ts';
import { listActions } from './actions.ts';
import type { Call } from './call.ts';
import type { Desk } from './read.ts';
import type { HaloAttachment } from './wire.ts';
import { htmlOf } from './html.ts';

export type Made = {
  remember(ticketId: string, note: string | null, actionId: number): void;
  rememberFile(ticketId: string, key: string, file: HaloAttachment): void;
  file(ticketId: string, key: string): HaloAttachment | undefined;
  /** By which address a picture that we wrote shows. */
  rememberPicture(ticketId: string, key: string, address: string): void;
  picture(ticketId: string, key: string): string | undefined;
  /** Why a file could not be attached, in Halo's words. */
  rememberRefusal(ticketId: string, key: string, why: string): void;
  refusal(ticketId: string, key: string): string | undefined;
  /** The action that this note became. Throws `retry` when it is not there. */
  actionOf(desk: Desk, ticketId: string, note: string, call: Call): Promise<string>;
};

const mostKept = 2000;

export function createMade(): Made {
  const actions = createBoundedCache<number>(mostKept);
  const files = createBoundedCache<HaloAttachment>(mostKept);
  const pictures = createBoundedCache<string>(mostKept);
  const refusals = createBoundedCache<string>(mostKept);
  const keyOf = (ticketId: string, note: string): string => `${ticketId} ${noteFingerprint(note, 'unknown')}`;
  return {
    remember(ticketId, note, actionId) {
      if (note !== null) actions.set(keyOf(ticketId, note), actionId);
    },
    rememberFile(ticketId, key, file) {
      files.set(`${ticketId} ${key}`, file);
    },
    file: (ticketId, key) => files.get(`${ticketId} ${key}`),
    rememberPicture(ticketId, key, address) {
      pictures.set(`${ticketId} ${key}`, address);
    },
    picture: (ticketId, key) => pictures.get(`${ticketId} ${key}`),
    rememberRefusal(ticketId, key, why) {
      refusals.set(`${ticketId} ${key}`, why);
    },
    refusal: (ticketId, key) => refusals.get(`${ticketId} ${key}`),
    async actionOf(desk, ticketId, note, call) {
      const known = actions.get(keyOf(ticketId, note));
      if (known !== undefined) return String(known);
      const list = await listActions(desk.client, ticketId, null, call);
      const ownAgent = await desk.identity.agentId(call);
      const wanted = noteFingerprint(note, 'unknown');
      const found = list.findLast(
        (one) =>
          desk.identity.isOurs(one, ownAgent) &&
          noteFingerprint(one.note_html ?? htmlOf(one.note ?? ''), 'unknown') === wanted,
      );
      if (found !== undefined) return String(found.id);
      throw new HelpdeskError(
        'retry',
        'note-not-there',
        `Ticket ${ticketId} does not show the note a file belongs to.`,
      );
    },
  };
}
