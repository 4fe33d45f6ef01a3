/** The progress of a start: its parts and its last message. Listeners are called on every change. */
export const partNames = {
  postgres: 'PostgreSQL',
  temporal: 'Temporal',
  acme: "Acme's helpdesk",
  northwind: "Northwind's helpdesk",
  gateway: 'Gateway',
  worker: 'Worker',
  demo: 'The link between the two desks',
} as const;
export type PartName = keyof typeof partNames;
export type PartState = 'waiting' | 'done' | 'failed';

export type ProgressSeen = {
  readonly parts: readonly { readonly name: PartName; readonly title: string; readonly state: PartState }[];
  /** The last message; empty at first. */
  readonly line: string;
  /** Milliseconds since the start. */
  readonly elapsedMs: number;
};

export type Progress = {
  say(line: string): void;
  /** Marks a part as done when its work ends. */
  follow<T>(name: PartName, work: Promise<T>): Promise<T>;
  seen(): ProgressSeen;
  /** Calls `listener` on every change. @returns a function that ends this */
  onChange(listener: () => void): () => void;
};

export function createProgress(): Progress {
  const states = new Map<PartName, PartState>();
  const listeners = new Set<() => void>();
  const begun = performance.now();
  let line = '';
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  const set = (name: PartName, state: PartState): void => {
    states.set(name, state);
    tell();
  };
  return {
    say(text) {
      line = text;
      tell();
    },
    follow(name, work) {
      set(name, 'waiting');
      return work.then(
        (value) => {
          set(name, 'done');
          return value;
        },
        (error: unknown) => {
          set(name, 'failed');
          throw error;
        },
      );
    },
    seen: () => ({
      parts: (Object.keys(partNames) as PartName[]).map((name) => ({
        name,
        title: partNames[name],
        state: states.get(name) ?? 'waiting',
      })),
      line,
      elapsedMs: Math.round(performance.now() - begun),
    }),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
