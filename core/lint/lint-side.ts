/** One end of a link as the checks of it need it, with its desk's names ready to be looked up. */
import { foldName } from '#core/words/names.ts';
import { otherSide } from '#core/words/ends.ts';
import { summaryField } from '#core/rules/fields.ts';
import type { ActionRow, SideSettings } from '#core/rules/settings.ts';
import type {
  Catalogue,
  CatalogueField,
  CatalogueKind,
  CatalogueStatus,
  CatalogueType,
  SideName,
} from '#core/words/vocabulary.ts';
import { knownNames, knownTexts, type KnownNames, type Suggest } from './known-names.ts';

export type LintSide = {
  readonly name: SideName;
  /** Display name of the desk. */
  readonly desk: string;
  readonly settings: SideSettings;
  /** Another gateway sets it: its settings are not known, and its catalogue is what it offers on the link. */
  readonly isRemote: boolean;
  /** Null, as all names below are then: unknown, and what depends on it is not checked. */
  readonly catalogue: Catalogue | null;
  readonly kinds: KnownNames<CatalogueKind> | null;
  readonly statuses: KnownNames<CatalogueStatus> | null;
  readonly categories: KnownNames<string> | null;
  readonly priorities: KnownNames<string> | null;
  readonly types: KnownNames<CatalogueType> | null;
  /** Fields of the desk; `fieldOf` knows the ticket's summary too. */
  readonly fields: KnownNames<CatalogueField> | null;
  readonly accounts: KnownNames<string> | null;
  readonly teams: KnownNames<string> | null;
  /** The desk marks kinds for sending. */
  readonly marksKinds: boolean;
  /** Kinds that its settings send. */
  readonly named: KnownNames<string>;
  /** What it makes of the far desk's statuses and action kinds, by their names there. */
  readonly statusRows: KnownNames<NumberedRow>;
  readonly actionRows: KnownNames<ActionRow>;
  optionsOf(field: CatalogueField): KnownNames<string>;
  readonly suggest: Suggest;
};

export type NumberedRow = { readonly from: string; readonly to: string; readonly index: number };

export type LintSideInput = Pick<LintSide, 'name' | 'desk' | 'settings' | 'isRemote' | 'catalogue' | 'suggest'>;

export function lintSideOf(input: LintSideInput): LintSide {
  const { catalogue } = input;
  const { inbound } = input.settings;
  const texts = (names: readonly string[] | undefined): KnownNames<string> | null =>
    names === undefined ? null : knownTexts(names);
  const named = <Entry extends { readonly name: string }>(
    entries: readonly Entry[] | undefined,
  ): KnownNames<Entry> | null => (entries === undefined ? null : knownNames(entries, ({ name }) => name));
  const options = new Map<CatalogueField, KnownNames<string>>();
  return {
    ...input,
    kinds: named(catalogue?.kinds),
    statuses: named(catalogue?.statuses),
    categories: texts(catalogue?.categories),
    priorities: texts(catalogue?.priorities),
    types: named(catalogue?.types),
    fields: named(catalogue?.fields),
    // A desk that lists no accounts or teams has none that could be named wrongly.
    accounts: catalogue?.accounts.length === 0 ? null : texts(catalogue?.accounts),
    teams: catalogue?.teams.length === 0 ? null : texts(catalogue?.teams),
    marksKinds: catalogue?.kinds.some(({ sends }) => sends !== 'none') ?? false,
    named: knownTexts(input.settings.outbound.actions),
    statusRows: knownNames(
      inbound.statuses.map((row, index) => ({ ...row, index })),
      ({ from }) => from,
    ),
    actionRows: knownNames(inbound.actions, ({ from }) => from),
    optionsOf(field) {
      const known = options.get(field) ?? knownTexts(field.options ?? []);
      options.set(field, known);
      return known;
    },
  };
}

export function fieldOf(side: LintSide, name: string): CatalogueField | undefined {
  if (side.fields === null) return undefined;
  return side.fields.find(name) ?? (foldName(name) === foldName(summaryField.name) ? summaryField : undefined);
}

/**
 * Whether actions of this kind leave this side by its settings or by the kind's own mark. Of a remote side: whether it
 * offers the kind, since it offers what it sends.
 */
export function isSent(side: LintSide, kind: string): boolean {
  const known = side.kinds?.find(kind);
  if (side.isRemote) return side.kinds === null || known !== undefined;
  return side.named.find(kind) !== undefined || known?.sends === otherSide(side.name);
}

/** Kinds that leave this side, as far as is known, each once. */
export function sentKinds(side: LintSide): readonly string[] {
  const marked = (side.catalogue?.kinds ?? []).filter(({ name }) => isSent(side, name)).map(({ name }) => name);
  const named = side.isRemote ? [] : side.settings.outbound.actions;
  const seen = new Set<string>();
  return [...named, ...marked].filter((name) => {
    const folded = foldName(name);
    return seen.has(folded) ? false : seen.add(folded);
  });
}

/** Whether a status of the desk counts as closed; of one it does not have, false. */
export function isClosed(side: LintSide, status: string | null | undefined): boolean {
  return status !== null && status !== undefined && side.statuses?.find(status)?.closed === true;
}
