/** RT's transactions as actions. */
import type { ObservedAction } from '#core/words/desk.ts';
import type { FieldValue, Person, Visibility, Words } from '#core/words/vocabulary.ts';
import { fingerprintBefore, fingerprintOf, type Recorded } from '#core/text/fingerprint.ts';
import { comparable, readValue } from './fields.ts';
import type { RtField } from './fields.ts';
import { markerOf, messageOf } from './parts.ts';
import { instantOf } from './time.ts';
import type { RtPart, RtOptions, RtTransaction } from './wire.ts';

/** A ticket's values after all transactions in question, for working backwards. */
export type Now = {
  readonly summary: string;
  readonly status: string;
  readonly priority: string;
  /** By id of the field. */
  readonly fields: ReadonlyMap<string, FieldValue>;
};

export type History = {
  /** Oldest first, up to and including the latest. */
  readonly transactions: readonly RtTransaction[];
  readonly texts: ReadonlyMap<string, readonly RtPart[]>;
  readonly files: ReadonlyMap<string, readonly RtPart[]>;
  readonly people: ReadonlyMap<string, Person>;
  readonly fields: ReadonlyMap<string, RtField>;
  readonly now: Now;
};

export const noteTypes: ReadonlySet<string> = new Set(['Create', 'Correspond', 'Comment']);

/** What RT records about its own doings, which no person did to the ticket. */
const silent: ReadonlySet<string> = new Set([
  'EmailRecord',
  'CommentEmailRecord',
  'SystemError',
  'AttachmentTruncate',
  'AttachmentDrop',
  'AttachmentError',
  'Told',
]);

/** Priorities by their names where the options name them. */
export function priorityName(number: string, options: Pick<RtOptions, 'priorities'>): string {
  return Object.entries(options.priorities).find(([, value]) => String(value) === number)?.[0] ?? number;
}

export function actionsOf(history: History, options: RtOptions): readonly ObservedAction[] {
  const told = withValues(history);
  const actions: ObservedAction[] = [];
  told.forEach(({ transaction, after, isLast }) => {
    if (silent.has(transaction.Type) || !isLast) return;
    const words = wordsOf(transaction, after, history, options);
    if (words !== null) actions.push(actionOf(transaction, words, history));
  });
  return actions;
}

function actionOf(transaction: RtTransaction, words: Words, history: History): ObservedAction {
  const texts = history.texts.get(transaction.id) ?? [];
  const isNote = noteTypes.has(transaction.Type);
  const { note, attachments } = isNote
    ? messageOf(texts, history.files.get(transaction.id) ?? [])
    : { note: null, attachments: [] };
  const author = history.people.get(transaction.Creator.id) ?? { name: transaction.Creator.id, role: 'user' };
  const marker = author.role === 'service' ? markerOf(texts) : null;
  const visibility = visibilityOf(transaction.Type);
  return {
    externalId: transaction.id,
    at: instantOf(transaction.Created) ?? transaction.Created,
    author,
    ...(marker === null ? {} : { marker }),
    fingerprint: fingerprintOfAction({ note, visibility, words, files: attachments }),
    ...(author.role === 'service'
      ? { fingerprintBefore: fingerprintOfAction({ note, visibility, words, files: attachments }, fingerprintBefore) }
      : {}),
    visibility,
    note,
    words,
    attachments,
  };
}

/** The rule for both what is promised with a step and what is read back. */
export function fingerprintOfAction(
  recorded: {
    readonly note: string | null;
    readonly visibility: Visibility;
    readonly words: Omit<Words, 'kind'>;
    readonly files: readonly { readonly name: string; readonly sizeBytes: number | null }[];
  },
  of: (recorded: Recorded) => string = fingerprintOf,
): string {
  const { words } = recorded;
  const others: Record<string, FieldValue> = {};
  if (words.summary !== undefined) others['Subject'] = words.summary;
  if (words.priority !== undefined) others['Priority'] = words.priority;
  if (words.category !== undefined) others['category'] = words.category;
  for (const [name, value] of Object.entries(words.fields)) others[name] = comparable(value);
  return of({
    note: recorded.note,
    visibility: recorded.visibility,
    status: words.status,
    fields: others,
    files: recorded.files,
  });
}

/** Correspondence is what requestors see; comments are the desk's own. What is no note changes the ticket for all. */
function visibilityOf(type: string): Visibility {
  if (type === 'Comment') return 'hidden';
  return known.has(type) ? 'visible' : 'unknown';
}

const known: ReadonlySet<string> = new Set(['Create', 'Correspond', 'Status', 'CustomField', 'Set']);

function wordsOf(transaction: RtTransaction, after: Now, history: History, options: RtOptions): Words | null {
  const kind = transaction.Type;
  switch (kind) {
    case 'Create':
      return { ...createdWords(after, history, options), kind };
    case 'Correspond':
    case 'Comment':
      return { kind, fields: {} };
    case 'Status':
      return { kind, status: transaction.NewValue, fields: {} };
    case 'CustomField': {
      const field = history.fields.get(transaction.Field);
      // A field of another record, or one that is not carried.
      if (field === undefined) return null;
      const value = after.fields.get(field.id) ?? null;
      return isCategory(field, options)
        ? { kind, category: value === null ? null : String(value), fields: {} }
        : { kind, fields: { [field.name]: value } };
    }
    case 'Set':
      if (transaction.Field === 'Subject') return { kind, summary: transaction.NewValue, fields: {} };
      if (transaction.Field === 'Priority') {
        return { kind, priority: priorityName(transaction.NewValue, options), fields: {} };
      }
      return { kind, fields: {} };
    default:
      return { kind, fields: {} };
  }
}

/** What the ticket had when it was made, since RT records no changes for that. */
function createdWords(then: Now, history: History, options: RtOptions): Omit<Words, 'kind'> {
  const fields: Record<string, FieldValue> = {};
  let category: string | null = null;
  for (const [id, value] of then.fields) {
    const field = history.fields.get(id);
    if (field === undefined || value === null) continue;
    if (isCategory(field, options)) category = String(value);
    else fields[field.name] = value;
  }
  return {
    summary: then.summary,
    status: then.status,
    priority: priorityName(then.priority, options),
    ...(category === null ? {} : { category }),
    fields,
  };
}

export function isCategory(field: Pick<RtField, 'name'>, options: Pick<RtOptions, 'categoryField'>): boolean {
  return field.name.toLowerCase() === options.categoryField?.toLowerCase();
}

type Told = {
  readonly transaction: RtTransaction;
  /** The ticket's values just after it. */
  readonly after: Now;
  /** False for all but the last of several transactions in which RT recorded one change of a field with several values. */
  readonly isLast: boolean;
};

/** Walks from the latest to the oldest, undoing each change. */
function withValues(history: History): readonly Told[] {
  const told: Told[] = [];
  let after = history.now;
  let later: RtTransaction | undefined;
  for (const transaction of history.transactions.toReversed()) {
    told.push({ transaction, after, isLast: !isSameEdit(transaction, later, history) });
    after = undone(transaction, after, history);
    later = transaction;
  }
  return told.toReversed();
}

function isSameEdit(earlier: RtTransaction, later: RtTransaction | undefined, history: History): boolean {
  return (
    later !== undefined &&
    earlier.Type === 'CustomField' &&
    later.Type === 'CustomField' &&
    earlier.Field === later.Field &&
    earlier.Creator.id === later.Creator.id &&
    history.fields.get(earlier.Field)?.multiple === true &&
    Date.parse(later.Created) - Date.parse(earlier.Created) <= 2_000
  );
}

function undone(transaction: RtTransaction, after: Now, history: History): Now {
  if (transaction.Type === 'Status') return { ...after, status: transaction.OldValue };
  if (transaction.Type === 'Set' && transaction.Field === 'Subject') return { ...after, summary: transaction.OldValue };
  if (transaction.Type === 'Set' && transaction.Field === 'Priority')
    return { ...after, priority: transaction.OldValue };
  if (transaction.Type !== 'CustomField') return after;
  const field = history.fields.get(transaction.Field);
  if (field === undefined) return after;
  const before = readValue(transaction.OldValue, field);
  const added = readValue(transaction.NewValue, field);
  const value: FieldValue = field.multiple ? undoneList(after.fields.get(field.id) ?? null, before, added) : before;
  return { ...after, fields: new Map([...after.fields, [field.id, value]]) };
}

function undoneList(after: FieldValue, removed: string | null, added: string | null): FieldValue {
  const list = Array.isArray(after) ? [...(after as readonly string[])] : [];
  if (added !== null) {
    const at = list.lastIndexOf(added);
    if (at !== -1) list.splice(at, 1);
  }
  if (removed !== null) list.push(removed);
  return list.length === 0 ? null : list;
}
