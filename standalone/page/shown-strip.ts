/** The strip as everybody was shown it; only what changes from then on is sent. */
import type { StripRow } from '#standalone/demo/strip.ts';
import { stripLine, stripList } from './html-strip.ts';
import type { Hub } from './hub.ts';

export type ShownStrip = {
  html(): string;
  /** Sends what is new or has changed. */
  show(rows: readonly StripRow[]): Promise<void>;
  /** What is there at the start is sent to nobody. */
  begin(rows: readonly StripRow[]): Promise<void>;
  forget(): void;
};

export async function createShownStrip(hub: Hub): Promise<ShownStrip> {
  const empty = String(await stripList([]));
  /** Lines as they were shown, by delivery. */
  let shown = new Map<string, string>();
  return {
    html: () => (shown.size === 0 ? empty : [...shown.values()].join('')),
    async show(rows) {
      const lines = new Map<string, string>();
      let added = '';
      for (const row of rows) {
        const line = String(await stripLine(row));
        lines.set(row.id, line);
        const before = shown.get(row.id);
        if (before === undefined) added += String(await stripLine(row, 'arrives'));
        else if (before !== line) added += String(await stripLine(row, 'changes'));
      }
      shown = lines;
      if (added !== '') hub.send('strip', added);
    },
    async begin(rows) {
      for (const row of rows) shown.set(row.id, String(await stripLine(row)));
    },
    forget() {
      shown = new Map();
    },
  };
}
