/** The browsers that watch the page, and what each event sent last: a fragment of HTML by the event's name. */
export type Message = { readonly event: string; readonly data: string };
export type Watcher = (message: Message) => void;

export type Hub = {
  /** Sends a fragment to all watchers if it differs from the last one of this name. */
  show(event: string, html: string): void;
  /** Sends once and stores nothing: for additions to a list, and for moving a frame. */
  send(event: string, html: string): void;
  /** Forgets what was sent, so that everything counts as new. */
  clear(): void;
  watch(watcher: Watcher): () => void;
  watchers(): number;
};

export function createHub(): Hub {
  const watchers = new Set<Watcher>();
  const shown = new Map<string, string>();
  const send = (event: string, data: string): void => {
    for (const watcher of watchers) watcher({ event, data });
  };
  return {
    send,
    show(event, html) {
      if (shown.get(event) === html) return;
      shown.set(event, html);
      send(event, html);
    },
    clear: () => shown.clear(),
    watch(watcher) {
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
    watchers: () => watchers.size,
  };
}
