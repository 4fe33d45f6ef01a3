/**
 * What a connector asks of a helpdesk to find out whether it is as the connector takes it to be. Each probe asks one
 * thing and can be run alone: one that fails stops no other.
 */
import type { TrialRecord } from '#core/words/desk.ts';
import type { RequiredOwn } from '#core/words/vocabulary.ts';
import type { ConnectorContext, Facts, Helpdesk } from './helpdesk.ts';

export type { TrialRecord } from '#core/words/desk.ts';
export type { Facts } from './helpdesk.ts';

/**
 * - `ok`: as expected, or otherwise in a way that the connector copes with.
 * - `differs`: something has to be set, here or in the helpdesk.
 * - `not-allowed`: our account lacks a right.
 * - `unknown`: nothing there shows it, or it could not be asked.
 */
export type Verdict = 'ok' | 'differs' | 'not-allowed' | 'unknown';

export type Outcome = {
  readonly verdict: Verdict;
  /** Path in the reply, such as `tickets[].id`. */
  readonly where?: string;
  /** What was there, for people; may name accounts and fields. */
  readonly saw?: string;
  /** What to set, and where. */
  readonly fix?: string;
  /** How this helpdesk answers; kept with the instance, and in reports: so no names. */
  readonly facts?: Facts;
  /** Kept with the instance, and in no report: names and ids by which this helpdesk knows us. */
  readonly own?: Facts;
};

export type Probe = {
  /** What is asked: `page size`, `mapped account`. */
  readonly name: string;
  /** Which one, where there are several; names are said here only. */
  readonly about?: string;
  /** Throws HelpdeskError; `verdictOf` of connectors/kit/check.ts says what that means. */
  run(signal: AbortSignal): Promise<Outcome>;
};

export type Finding = Outcome & Pick<Probe, 'name' | 'about'>;

/** What the links of this instance rely on. */
export type Mapped = {
  readonly accounts: readonly string[];
  /** Ticket types that tickets are opened with, and the fields and other properties that are filled then. */
  readonly types: readonly {
    readonly name: string;
    readonly fields: readonly string[];
    readonly own: readonly RequiredOwn['of'][];
  }[];
  /** Ids of tickets that Ferry mirrors. */
  readonly tickets: readonly string[];
};

export type Checked = {
  /** In the order in which they are to be run. */
  readonly probes: readonly Probe[];
  /** What a thrown error means. */
  verdictOf(error: unknown): Outcome;
  /**
   * Deletes what a trial has written and sets back what it has changed, however far it came; names what it can't. Null where
   * nothing was written. It is run last, also after a failure or an interrupt, with a signal of its own.
   */
  cleanUp(signal: AbortSignal): Promise<Outcome | null>;
};

/** A ticket that is named for a trial. */
export type Trial = {
  readonly ticketId: string;
  /** A UUID of version 7; the markers of its writes are `<marker>-<number>`. */
  readonly marker: string;
  /** Done before the first write, and before each that changes something else: who kills a trial kills what it knows, too. */
  keep(record: TrialRecord): Promise<void>;
  /** Of a trial that was killed: then nothing but `cleanUp` is to be run. */
  readonly left: TrialRecord | null;
  /** The connector's own `createHelpdesk`. */
  open(context: ConnectorContext): Helpdesk;
};

/** @param trial null: the probes only read */
export type CreateCheck = (context: ConnectorContext, mapped: Mapped, trial?: Trial | null) => Checked;
