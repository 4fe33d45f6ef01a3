/** Decides what a read-back must show before a write counts as done: a success status proves nothing. */
import type { Step, Written } from '#core/words/desk.ts';
import { sameName, sameSet } from '#core/words/names.ts';
import type { Changed, Command, FieldValue, TicketSnapshot, Words } from '#core/words/vocabulary.ts';

/** What logging a read-back found. */
export type LoggedReadBack = {
  /** Writes whose action the read shows, as `<delivery>/<step>`. */
  readonly seen: ReadonlySet<string>;
  /** Changes made by others since, as the log has them. */
  readonly people: readonly { readonly words: Pick<Words, 'status' | 'fields'> }[];
};

/**
 * Returns true if the write leaves no trace to look for, if the read shows it, or if the reply named what was created.
 */
export function isSeen(
  delivery: string,
  last: { readonly index: number; readonly made: Written },
  step: Step | undefined,
  logged: LoggedReadBack,
  snapshot: TicketSnapshot,
): boolean {
  if (step === undefined || step.fingerprints.length === 0) return true;
  if (last.made.actionIds.length > 0 || logged.seen.has(`${delivery}/${last.index}`)) return true;
  return isSo(step.command, snapshot);
}

/**
 * Tells whether a bare change asked for what the ticket already was: the desk answers with success and records nothing.
 */
function isSo(command: Command, snapshot: TicketSnapshot): boolean {
  const { status, category, priority, summary, fields } = command;
  const isBare =
    command.open === undefined &&
    command.kind === null &&
    command.note === null &&
    command.attachments.length === 0 &&
    command.supplierReference === undefined;
  return (
    isBare &&
    (status === undefined || sameName(status, snapshot.status)) &&
    (category === undefined || sameValue(snapshot.category, category)) &&
    (priority === undefined || sameValue(snapshot.priority, priority)) &&
    (summary === undefined || summary === snapshot.summary) &&
    Object.entries(fields).every(([name, value]) => sameValue(valueOf(snapshot, name), value))
  );
}

/** Returns the requested status if the ticket does not have it and no person changed it since; otherwise null. */
export function statusUndone({ status }: Command, snapshot: TicketSnapshot, logged: LoggedReadBack): string | null {
  if (status === undefined || sameName(status, snapshot.status)) return null;
  return logged.people.some((action) => action.words.status !== undefined) ? null : status;
}

/** Returns the names of requested fields that the ticket does not show, although nobody changed them since. */
export function fieldsNotTaken(command: Command, snapshot: TicketSnapshot, logged: LoggedReadBack): string[] {
  const changed = logged.people.flatMap((action) => Object.keys(action.words.fields));
  return Object.entries(command.fields)
    .filter(
      ([name, value]) => !changed.some((one) => sameName(one, name)) && !sameValue(valueOf(snapshot, name), value),
    )
    .map(([name]) => name);
}

/** Returns a field's value as the ticket shows it; undefined if it shows no such field. */
export function valueOf({ fields }: Pick<TicketSnapshot, 'fields'>, name: string): FieldValue | undefined {
  return valueIn(fields, name);
}

export function valueIn(fields: Readonly<Record<string, FieldValue>>, name: string): FieldValue | undefined {
  const found = Object.entries(fields).find(([field]) => sameName(field, name));
  return found?.[1];
}

/**
 * Compares a value with the requested one. A desk may show a cleared field as empty, options in its own order and
 * spelling, and an instant in another notation.
 */
export function sameValue(found: FieldValue | undefined, asked: FieldValue): boolean {
  if (isEmpty(found) && isEmpty(asked)) return true;
  if (Array.isArray(found) || Array.isArray(asked)) {
    return sameSet(asList(found), asList(asked));
  }
  if (String(found) === String(asked)) return true;
  const [a, b] = [Date.parse(String(found)), Date.parse(String(asked))];
  return Number.isFinite(a) && a === b;
}

function isEmpty(value: FieldValue | undefined): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}

function asList(value: FieldValue | undefined): readonly string[] {
  if (Array.isArray(value)) return value.map(String);
  return isEmpty(value) ? [] : [String(value)];
}

/** Builds a command that sets only the status again. */
export function statusAlone({ status, ...rest }: Command, ticketId: string): Command {
  return changedAlone(rest, ticketId, { ...(status === undefined ? {} : { status }), fields: {} });
}

/** Builds a command that makes only this change, on behalf of the given command's author. */
export function changedAlone({ author, at }: Command, ticketId: string, changed: Changed): Command {
  return {
    ticketId,
    kind: null,
    note: null,
    visibility: 'hidden',
    mailsUser: false,
    author,
    at,
    attachments: [],
    ...changed,
  };
}
