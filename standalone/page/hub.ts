/** Whoever watches the page, and what they were shown last: a fragment of HTML by the name of its event. */
export type Message = { readonly event: string; readonly data: string };
export type Watcher = (message: Message) => void;

export type Hub = {
  /** Sends a fragment to everybody, if it differs from the last one of this name. */
  show(event: string, html: string): void;
  /** Sends once, and keeps nothing: what is added to a list, or moves a frame. */
  send(event: string, html: string): void;
  /** Forgets what was shown, so that everything counts as new. */
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
