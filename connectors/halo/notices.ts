/** Reports to the operators which parts of a reply were left out: each place once, never the content. */
import type { ConnectorContext } from '#connectors/contract/helpdesk.ts';

export type Notices = {
  /** A row could not be read at `where`, a path such as `tickets[].id`. */
  dropped(what: string, where: string): void;
  /** Reports that Halo counts more rows than it returns. */
  incomplete(what: string): void;
};

const mostPlaces = 200;

export function createNotices(context: ConnectorContext): Notices {
  const told = new Set<string>();
  const tell = (key: string, code: string, text: string): void => {
    if (told.has(key) || told.size >= mostPlaces) return;
    told.add(key);
    context.notice?.(code, text);
  };
  return {
    dropped(what, where) {
      const text = `${what}: a row of Halo's reply has another shape than expected at ${where}; it was left out.`;
      tell(where, 'row-not-understood', text);
    },
    incomplete(what) {
      tell(what, 'list-incomplete', `${what}: Halo tells of more than it gives, so the oldest were not read.`);
    },
  };
}
