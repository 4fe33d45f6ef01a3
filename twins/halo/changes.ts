/** Word of changes inside the twin: what its own pages need to be live. Says which ticket, never what. */

export interface Changes {
  /** `ticketId` 0 stands for everything, as after a reset. */
  tell(ticketId: number): void;
  /** Gives a function that ends the listening. */
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
