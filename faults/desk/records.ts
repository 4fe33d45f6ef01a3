/**
 * The contents of one of the bench's desks: its tickets, the actions on them, its clock, its backups. It knows nothing
 * of Ferry. Its API shows times by the desk's own clock; the bench judges by `doneAtMs`, which is real time.
 */
import type { DeskAction, DeskFile } from '#twins/light/server.ts';

export type StoredFile = DeskFile & { readonly bytes: Buffer };

export type FaultAction = Omit<DeskAction, 'files'> & {
  readonly files: readonly StoredFile[];
  /** Milliseconds since 1970, by the bench's own clock. */
  readonly doneAtMs: number;
  /** The time from which readers see it. */
  readonly shownAtMs: number;
};

export type FaultTicket = {
  readonly id: string;
  readonly summary: string;
  readonly description: string;
  /** True if it was opened through the API. */
  readonly byService: boolean;
  /** The ticket as it was opened; its actions record every later change. */
  readonly first: { readonly status: string; readonly fields: Readonly<Record<string, unknown>> };
  marker: string | null;
  reference: string | null;
  readonly actions: FaultAction[];
  readonly shownAtMs: number;
};

export type NewAction = Partial<Omit<FaultAction, 'id' | 'at' | 'doneAtMs' | 'shownAtMs'>>;

/** How a desk keeps time, and how soon it shows what was done. */
export type Clock = {
  /** How far it is ahead of real time; negative if it is behind. */
  skewMs: number;
  /** True if the clock was wrong for a while. */
  jumped: boolean;
  /** How far at most the replica that serves readers lags behind. */
  lagMs: number;
  /** True if times are kept in whole seconds. */
  readonly wholeSeconds: boolean;
};

export type Records = {
  readonly name: string;
  readonly tickets: ReadonlyMap<string, FaultTicket>;
  /** The changes in order. */
  feed(): readonly Change[];
  open(body: NewTicket): FaultTicket;
  act(ticket: FaultTicket, action: NewAction): FaultAction;
  refer(ticket: FaultTicket, reference: string | null): void;
  byMarker(marker: string): { readonly ticket: string; readonly action: number | null } | null;
  file(id: string): StoredFile | undefined;
  backUp(): Backup;
  restore(backup: Backup): void;
};

export type Change = { readonly ticket: string; readonly shownAtMs: number };

export type NewTicket = {
  readonly summary: string;
  readonly description: string;
  readonly status?: string;
  readonly fields?: object;
  readonly marker?: string | null;
  readonly byService: boolean;
};

export type Backup = {
  readonly tickets: readonly FaultTicket[];
  readonly feed: readonly Change[];
  readonly next: number;
};

export type RecordsOptions = {
  readonly name: string;
  readonly clock: Clock;
  readonly keepsMarkers: boolean;
  /** Draws from [0, 1) how late a replica is this time. */
  readonly lateness: () => number;
  readonly onChange: (ticket: string) => void;
};

export function createRecords({ name, clock, keepsMarkers, lateness, onChange }: RecordsOptions): Records {
  const tickets = new Map<string, FaultTicket>();
  let feed: Change[] = [];
  let next = 1;
  let lastAtMs = 0;
  let lastSkewMs = 0;
  let lastShownMs = 0;

  const now = (): string => {
    const own = Date.now() + clock.skewMs;
    // A clock that is set back repeats times; one that is left alone never does.
    lastAtMs = clock.skewMs < lastSkewMs ? own : Math.max(lastAtMs + 1, own);
    lastSkewMs = clock.skewMs;
    return new Date(clock.wholeSeconds ? Math.floor(lastAtMs / 1_000) * 1_000 : lastAtMs).toISOString();
  };
  /** A replica is late, but shows changes in order. */
  const shownAt = (): number => {
    lastShownMs = Math.max(lastShownMs, Date.now() + (clock.lagMs === 0 ? 0 : lateness() * clock.lagMs));
    return lastShownMs;
  };
  const touch = ({ id }: FaultTicket, shownAtMs: number): void => {
    feed.push({ ticket: id, shownAtMs });
    onChange(id);
  };

  return {
    name,
    tickets,
    feed: () => feed,
    open({ summary, description, status = 'open', fields = {}, marker = null, byService }) {
      const ticket: FaultTicket = {
        id: `${name}-${next++}`,
        summary,
        description,
        byService,
        first: { status, fields: { ...fields } },
        marker,
        reference: null,
        actions: [],
        shownAtMs: shownAt(),
      };
      tickets.set(ticket.id, ticket);
      touch(ticket, ticket.shownAtMs);
      return ticket;
    },
    act(ticket, given) {
      const { marker, status, fields } = given;
      const action: FaultAction = {
        id: ticket.actions.length + 1,
        at: now(),
        by: given.by ?? 'agent',
        author: given.author ?? 'Ann',
        kind: given.kind ?? 'Note',
        note: given.note ?? null,
        visible: given.visible ?? true,
        files: given.files ?? [],
        doneAtMs: Date.now(),
        shownAtMs: shownAt(),
        ...(status === undefined ? {} : { status }),
        ...(fields === undefined ? {} : { fields }),
        ...(marker === undefined || !keepsMarkers ? {} : { marker }),
      };
      ticket.actions.push(action);
      touch(ticket, action.shownAtMs);
      return action;
    },
    refer(ticket, reference) {
      ticket.reference = reference;
    },
    byMarker(marker) {
      const nowMs = Date.now();
      for (const ticket of tickets.values()) {
        if (ticket.marker === marker && ticket.shownAtMs <= nowMs) return { ticket: ticket.id, action: null };
        const found = ticket.actions.find((one) => one.marker === marker && one.shownAtMs <= nowMs);
        if (found !== undefined) return { ticket: ticket.id, action: found.id };
      }
      return null;
    },
    file: (id) =>
      [...tickets.values()]
        .flatMap(({ actions }) => actions.flatMap(({ files }) => files))
        .find((one) => one.id === id),
    backUp: () => ({ tickets: [...tickets.values()].map(copied), feed: [...feed], next }),
    restore(backup) {
      tickets.clear();
      lastShownMs = 0;
      for (const ticket of backup.tickets) tickets.set(ticket.id, copied(ticket));
      feed = [...backup.feed];
      ({ next } = backup);
    },
  };
}

function copied(ticket: FaultTicket): FaultTicket {
  return { ...ticket, actions: [...ticket.actions] };
}

/** Computes the status and fields of a ticket after those of its actions that count. */
export function stateOf(
  { first, actions }: FaultTicket,
  counts: (action: FaultAction) => boolean = () => true,
): { readonly status: string; readonly fields: Readonly<Record<string, unknown>> } {
  let { status } = first;
  const fields = { ...first.fields };
  for (const action of actions.filter(counts)) {
    status = action.status ?? status;
    Object.assign(fields, action.fields);
  }
  return { status, fields };
}
