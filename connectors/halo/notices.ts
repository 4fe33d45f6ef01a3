/** Tells whoever runs the gateway what was left out of a reply: each place once, never what was in it. */
import type { ConnectorContext } from '#connectors/contract/helpdesk.ts';

export type Notices = {
  /** A row could not be read at `where`, a path such as `tickets[].id`. */
  dropped(what: string, where: string): void;
};

const mostPlaces = 200;

export function createNotices(context: ConnectorContext): Notices {
  const told = new Set<string>();
  return {
    dropped(what, where) {
      if (told.has(where) || told.size >= mostPlaces) return;
      told.add(where);
      context.notice?.(
        'row-not-understood',
        `${what}: a row of Halo's reply has another shape than expected at ${where}; it was left out.`,
      );
    },
  };
}
