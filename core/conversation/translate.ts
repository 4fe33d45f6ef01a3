/** Translates the sender's words into the receiving desk's: status, category, priority, type, summary, fields. */
import type { TranslateInput } from './decide-input.ts';
import { oneLine } from './decide-note.ts';
import { defuseTags } from '#core/text/defuse.ts';
import { translateFields, type FieldPart } from './translate-fields.ts';
import { findName, findNamed, findRow, sameName } from '#core/words/names.ts';
import { reason } from '#core/words/reasons.ts';
import { kindDefault } from '#core/rules/settings.ts';
import type { Changed, FieldValue, Reason } from '#core/words/vocabulary.ts';

export type Translated = {
  readonly changed: {
    readonly status?: string;
    readonly category?: string | null;
    readonly priority?: string | null;
    readonly summary?: string;
  };
  readonly fields: Readonly<Record<string, FieldValue>>;
  /** All values the ticket should have, including those it already has. */
  readonly meant: Changed;
  /** Only when opening. */
  readonly type: string | undefined;
  /** Whether anything at the receiving ticket changes. */
  readonly changes: boolean;
  readonly drops: readonly Reason[];
};

type Part<Value> = {
  readonly value?: Value;
  readonly meant?: Value;
  readonly changes: boolean;
  readonly drops: readonly Reason[];
};
const nothing: Part<never> = { changes: false, drops: [] };

export function translate(input: TranslateInput, desk: string): Translated {
  const status = translateStatus(input, desk);
  const category = translateName('category', input, desk);
  const priority = translateName('priority', input, desk);
  const fields = translateFields(input, desk);
  const summary = translateSummary(input, fields);
  const type = input.opening ? translateType(input, desk) : nothing;
  return {
    changed: {
      ...(status.value === undefined ? {} : { status: status.value }),
      ...(category.value === undefined ? {} : { category: category.value }),
      ...(priority.value === undefined ? {} : { priority: priority.value }),
      ...(summary.value === undefined ? {} : { summary: summary.value }),
    },
    fields: fields.values,
    meant: {
      ...(status.meant === undefined ? {} : { status: status.meant }),
      ...(category.meant === undefined ? {} : { category: category.meant }),
      ...(priority.meant === undefined ? {} : { priority: priority.meant }),
      ...(summary.meant === undefined ? {} : { summary: summary.meant }),
      fields: fields.meant,
    },
    type: type.value,
    changes: [status, category, priority, fields, summary].some((part) => part.changes),
    drops: [status, category, priority, fields, type].flatMap((part) => part.drops),
  };
}

/**
 * Uses the status map; then, when opening, the default; otherwise the row's status; then the target kind's own. If none
 * applies, the status stays.
 */
function translateStatus(input: TranslateInput, desk: string): Part<string> {
  const { words, inbound, opening, row, target, catalogue } = input;
  const mapped = findRow(inbound.statuses, words.status);
  const byDefault = sameName(inbound.statusDefault, kindDefault) ? undefined : inbound.statusDefault;
  const wanted = mapped?.to ?? (opening ? byDefault : row?.status);
  const known = findNamed(catalogue.statuses, wanted);
  if (known !== undefined) return settle(known.name, input);
  const drops: Reason[] = [];
  if (wanted !== undefined) {
    drops.push(reason('unknown-in-catalogue', { desk, what: 'status', name: wanted, from: words.status }));
  } else if (words.status !== undefined && !opening && (target?.status ?? null) === null) {
    drops.push(reason('unmapped-status', { desk, name: words.status }));
  }
  const own = target?.status ?? undefined;
  return { ...(own === undefined ? {} : { meant: own }), changes: kindChanges(input), drops };
}

/**
 * Leaves out a status that is already set, unless the kind would set another one: then the wanted status is written
 * explicitly.
 */
function settle(status: string, { snapshot, target }: TranslateInput): Part<string> {
  const same = snapshot !== null && sameName(snapshot.status, status);
  const kindAgrees = target === undefined || target.status === null || sameName(target.status, status);
  return { ...(same && kindAgrees ? {} : { value: status }), meant: status, changes: !same, drops: [] };
}

/** Tells whether the kind sets a status that the ticket does not have. */
function kindChanges({ snapshot, target }: TranslateInput): boolean {
  const own = target?.status ?? null;
  return own !== null && (snapshot === null || !sameName(snapshot.status, own));
}

/**
 * Translates category or priority: cleared if the sender cleared it, otherwise mapped; an unmapped value changes
 * nothing.
 */
function translateName(what: 'category' | 'priority', input: TranslateInput, desk: string): Part<string | null> {
  const { words, inbound, catalogue, snapshot, opening } = input;
  const value = words[what];
  if (value === undefined || (value === null && opening)) return nothing;
  const had = snapshot === null ? undefined : snapshot[what];
  if (value === null)
    return had === null ? { ...nothing, meant: null } : { value, meant: null, changes: true, drops: [] };
  const mapped = findRow(what === 'category' ? inbound.categories : inbound.priorities, value)?.to;
  if (mapped === undefined) {
    const code = what === 'category' ? 'unmapped-category' : 'unmapped-priority';
    return { changes: false, drops: [reason(code, { desk, name: value })] };
  }
  const known = findName(what === 'category' ? catalogue.categories : catalogue.priorities, mapped);
  if (known === undefined) {
    return { changes: false, drops: [reason('unknown-in-catalogue', { desk, what, name: mapped, from: value })] };
  }
  const same = had !== undefined && had !== null && sameName(had, known);
  return { ...(same ? {} : { value: known }), meant: known, changes: !same, drops: [] };
}

/** Translates the summary only if a field row maps it; when opening, the ticket's own summary is used. */
function translateSummary({ opening, snapshot }: TranslateInput, { summary }: FieldPart): Part<string> {
  if (summary === undefined || opening) return nothing;
  const text = defuseTags(oneLine(summary));
  if (text === '') return nothing;
  if (text === snapshot?.summary) return { ...nothing, meant: text };
  return { value: text, meant: text, changes: true, drops: [] };
}

function translateType({ words, inbound, catalogue }: TranslateInput, desk: string): Part<string> {
  const from = words.type ?? undefined;
  const wanted = findRow(inbound.ticketTypes, from)?.to ?? inbound.ticketTypeDefault;
  if (wanted === undefined) {
    const matters = from !== undefined && catalogue.types.length > 0;
    return { changes: false, drops: matters ? [reason('unmapped-type', { desk, name: from })] : [] };
  }
  const known = findNamed(catalogue.types, wanted);
  if (known !== undefined) return { value: known.name, changes: true, drops: [] };
  return { changes: false, drops: [reason('unknown-in-catalogue', { desk, what: 'ticket type', name: wanted, from })] };
}
