/** Writes for a trial, reads back what comes of them, and knows all of it when it is to be deleted. */
import { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import type { Trial, TrialRecord } from '#connectors/contract/check.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { Helpdesk } from '#connectors/contract/helpdesk.ts';
import { notAfterIn } from '#connectors/contract/not-after.ts';
import type { ObservedAction, Reading } from '#core/words/desk.ts';
import type { Command, TicketSnapshot } from '#core/words/vocabulary.ts';
import { trialAuthor } from './trial-texts.ts';
import type { TrialFile } from './trial-texts.ts';

type Ticket = Extract<Reading, { readonly kind: 'ticket' }>;

/** What a trial has made so far, as far as anybody knows. */
export type Made = {
  readonly ticketId: string;
  readonly actionIds: readonly string[];
  readonly markers: readonly string[];
  /** Pictures were written, which no list shows; null where nobody knows how many. */
  readonly pictures: number | null;
};

export type Wrote = { readonly marker: string; readonly ids: readonly string[] };

export type Wish = Partial<Omit<Command, 'attachments'>> & {
  readonly files?: readonly TrialFile[];
  /** A new one unless given. */
  readonly marker?: string;
};

export type TrialDesk = {
  /** The ticket before anything was written; null until `begin`. */
  before(): Ticket | null;
  /** What is kept of it, here or by a trial that was killed; null where nothing was written. */
  record(): TrialRecord | null;
  /** Null for a ticket that is not there, or merged. */
  begin(signal: AbortSignal): Promise<Ticket | null>;
  write(wish: Wish, signal: AbortSignal): Promise<Wrote>;
  /** As `write`, of what a trial sets back, which nobody has to set back again. */
  undo(wish: Wish, signal: AbortSignal): Promise<Wrote>;
  read(signal: AbortSignal): Promise<Ticket>;
  /** Reads until `found` says something; null where it does not within the time. */
  wait<T>(
    found: (ticket: Ticket) => T | null,
    signal: AbortSignal,
  ): Promise<{ readonly it: T; readonly ms: number } | null>;
  /** Actions that were not there before and are ours, by this reading. */
  ours(ticket: Ticket): readonly ObservedAction[];
  /** Actions that were not there before. */
  fresh(ticket: Ticket): readonly ObservedAction[];
  made(ticket: Ticket | null): Made;
  /** Once nothing is under way: some write may have been made although it failed. */
  isInDoubt(): Promise<boolean>;
};

/** How long the first write may take to show; others show within a few times what it took. Milliseconds. */
export const showsWithinMs = 15_000;
const leastMs = 3_000;
const writeWithinMs = 30_000;
const lookEveryMs = 500;

/** Of a trial; what it wrote under which of them nobody knows once it was killed. */
const mostMarkers = 64;

export function createTrialDesk(helpdesk: Helpdesk, { ticketId, marker: own, keep, left }: Trial): TrialDesk {
  let before: Ticket | null = null;
  let record: TrialRecord | null = left;
  let known: ReadonlySet<string> = new Set(left?.known);
  const markers: string[] = left === null ? [] : Array.from({ length: mostMarkers }, (_, number) => `${own}-${number}`);
  const ids = new Set<string>();
  let pictures = 0;
  let inDoubt = false;
  let slowestMs: number | null = null;
  /** A write that is under way, also where nobody waits for it any more. */
  let underWay: Promise<unknown> = Promise.resolve();

  async function read(signal: AbortSignal): Promise<Ticket> {
    const reading = await helpdesk.read(ticketId, null, signal);
    if (reading.kind === 'ticket') return reading;
    throw new HelpdeskError('refused', 'trial-ticket', `Ticket ${ticketId} is ${reading.kind}.`);
  }

  function fresh({ actions }: Ticket): readonly ObservedAction[] {
    return actions.filter(({ externalId }) => !known.has(externalId));
  }

  function ours(ticket: Ticket): readonly ObservedAction[] {
    return fresh(ticket).filter(
      ({ externalId, marker, author }) =>
        ids.has(externalId) || author.role === 'service' || (marker !== undefined && markers.includes(marker)),
    );
  }

  /** As a courier does: what can't be done yet is done a moment later. */
  async function patiently<T>(perform: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const began = performance.now();
    for (;;) {
      try {
        return await perform();
      } catch (error) {
        const isOver = performance.now() - began > patienceMs();
        if (!(error instanceof HelpdeskError) || error.class !== 'retry' || isOver || signal.aborted) throw error;
        await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
      }
    }
  }

  /** Kept elsewhere before it is done. */
  async function promise({ status, fields = {}, summary }: Wish): Promise<void> {
    if (before === null) return;
    const next: TrialRecord = {
      before: before.snapshot,
      known: [...known],
      statuses: joined(record?.statuses, status === undefined ? [] : [status]),
      fields: joined(record?.fields, Object.keys(fields)),
      summary: record?.summary === true || summary !== undefined,
    };
    if (record !== null && isDeepStrictEqual(record, next)) return;
    await keep(next);
    record = next;
  }

  function patienceMs(): number {
    return slowestMs === null ? showsWithinMs : Math.max(leastMs, 3 * slowestMs);
  }

  async function perform(
    { files = [], marker = `${own}-${markers.length}`, ...wish }: Wish,
    signal: AbortSignal,
  ): Promise<Wrote> {
    const command: Command = {
      ticketId,
      kind: null,
      note: null,
      visibility: 'hidden',
      mailsUser: false,
      author: { display: trialAuthor },
      at: new Date().toISOString(),
      fields: {},
      attachments: files.map(({ bytes: _bytes, ...file }) => file),
      ...wish,
    };
    if (!markers.includes(marker)) markers.push(marker);
    pictures += files.filter(({ inline }) => inline).length;
    const made: string[] = [];
    // Every write here comes after one of our own, so no version of the ticket is asked for.
    const snapshot = before === null ? null : withoutVersion(before.snapshot);
    for (const step of helpdesk.steps(command)) {
      const openStaged = ({ id }: { readonly id: string }): Readable =>
        Readable.from([files.find((file) => file.id === id)?.bytes ?? Buffer.alloc(0)]);
      signal.throwIfAborted();
      const performed = patiently(
        () =>
          helpdesk.perform(step, {
            marker,
            signal,
            link: 'check',
            snapshot,
            openStaged,
            notAfter: notAfterIn(writeWithinMs),
          }),
        signal,
      ).catch((error: unknown) => {
        inDoubt ||= !(error instanceof HelpdeskError) || error.class === 'in-doubt';
        throw error;
      });
      underWay = performed.catch(() => undefined);
      const written = await performed;
      for (const id of written.actionIds) ids.add(id);
      made.push(...written.actionIds);
    }
    return { marker, ids: made };
  }

  return {
    before: () => before,
    record: () => record,
    async begin(signal) {
      const reading = await helpdesk.read(ticketId, null, signal);
      if (reading.kind !== 'ticket') return null;
      known = new Set(reading.actions.map(({ externalId }) => externalId));
      before = reading;
      return reading;
    },
    async write(wish, signal) {
      await promise(wish);
      return perform(wish, signal);
    },
    undo: perform,
    read,
    async wait(found, signal) {
      const began = performance.now();
      for (;;) {
        const it = found(await read(signal));
        const ms = performance.now() - began;
        if (it !== null) {
          slowestMs = Math.max(slowestMs ?? 0, ms);
          return { it, ms };
        }
        if (ms > patienceMs()) return null;
        await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
        signal.throwIfAborted();
      }
    },
    ours,
    fresh,
    made(ticket) {
      const seen = ticket === null ? [] : ours(ticket).map(({ externalId }) => externalId);
      const shown = left === null ? pictures : null;
      return { ticketId, markers, pictures: shown, actionIds: [...new Set([...ids, ...seen])] };
    },
    async isInDoubt() {
      await underWay;
      return inDoubt;
    },
  };
}

function joined(known: readonly string[] = [], more: readonly string[]): readonly string[] {
  return [...new Set([...known, ...more])];
}

function withoutVersion({ version: _version, ...snapshot }: TicketSnapshot): TicketSnapshot {
  return snapshot;
}
