/** News of changes inside the twin, which keeps its own pages live. It names the ticket and never the change. */

export interface Changes {
  /** Announces a change. `ticketId` 0 means everything, as after a reset. */
  tell(ticketId: number): void;
  /** Starts listening. Returns a function that stops it. */
  listen(heard: (ticketId: number) => void): () => void;
}

export function createChanges(): Changes {
  const listeners = new Set<(ticketId: number) => void>();
  return {
    tell(ticketId) {
      for (const heard of listeners) heard(ticketId);
    },
    listen(heard) {
      listeners.add(heard);
      return () => void listeners.delete(heard);
    },
  };
}
