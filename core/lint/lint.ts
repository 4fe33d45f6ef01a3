/** Finds everything that is wrong with a link's settings in one pass. Settings with faults cannot be saved. */
import { lintActions } from './lint-actions.ts';
import { checkName, checkTwice, namesOf, type Fault, type FaultPath, type LintSide } from './lint-fault.ts';
import { lintFields } from './lint-fields.ts';
import { lintOutbound } from './lint-outbound.ts';
import { findNamed, sameName } from '#core/words/names.ts';
import { ownFilled } from '#core/rules/own-filled.ts';
import { kindDefault, type SideSettings } from '#core/rules/settings.ts';
import type { Catalogue, RequiredOwn } from '#core/words/vocabulary.ts';

export type { Fault } from './lint-fault.ts';

export type LintInput = {
  readonly customer: SideSettings;
  readonly supplier: SideSettings;
  /** Null if not yet known; checks that depend on it are skipped. */
  readonly customerCatalogue: Catalogue | null;
  readonly supplierCatalogue: Catalogue | null;
  /** Display names of the two desks. */
  readonly names: { readonly customer: string; readonly supplier: string };
};

export function lintLink(input: LintInput): readonly Fault[] {
  const customer: LintSide = {
    name: 'customer',
    desk: input.names.customer,
    settings: input.customer,
    catalogue: input.customerCatalogue,
  };
  const supplier: LintSide = {
    name: 'supplier',
    desk: input.names.supplier,
    settings: input.supplier,
    catalogue: input.supplierCatalogue,
  };
  return [...lintSide(customer, supplier), ...lintSide(supplier, customer)];
}

function lintSide(side: LintSide, far: LintSide): readonly Fault[] {
  return [
    ...lintAccount(side),
    ...lintStatuses(side, far),
    ...lintNames(side, far),
    ...lintFields(side, far),
    ...lintActions(side, far),
    ...checkTwice(
      [side.name, 'inbound', 'people'],
      'from',
      side.settings.inbound.people.map(({ from }) => from),
    ),
    ...lintTypes(side, far),
    ...lintOutbound(side),
  ];
}

/** Checks the account and team. A desk that lists none is not checked. */
function lintAccount({ name: side, desk, settings, catalogue }: LintSide): readonly Fault[] {
  const { name, team } = settings.account;
  const accounts = catalogue === null || catalogue.accounts.length === 0 ? null : catalogue.accounts;
  const teams = catalogue === null || catalogue.teams.length === 0 ? null : catalogue.teams;
  return [
    ...checkName([side, 'account', 'name'], 'account', name, accounts, desk),
    ...(team === undefined ? [] : checkName([side, 'account', 'team'], 'team', team, teams, desk)),
  ];
}

function lintStatuses(side: LintSide, far: LintSide): readonly Fault[] {
  const { statuses, statusDefault } = side.settings.inbound;
  const path = [side.name, 'inbound', 'statuses'];
  const here = namesOf(side.catalogue?.statuses);
  return [
    ...lintRows(path, 'status', statuses, side, far, here, namesOf(far.catalogue?.statuses)),
    ...(sameName(statusDefault, kindDefault)
      ? []
      : checkName([side.name, 'inbound', 'statusDefault'], 'status', statusDefault, here, side.desk)),
  ];
}

function lintNames(side: LintSide, far: LintSide): readonly Fault[] {
  const { categories, priorities } = side.settings.inbound;
  const path = [side.name, 'inbound'];
  const known = (catalogue: Catalogue | null, list: 'categories' | 'priorities') => catalogue?.[list] ?? null;
  return [
    ...lintRows(
      [...path, 'categories'],
      'category',
      categories,
      side,
      far,
      known(side.catalogue, 'categories'),
      known(far.catalogue, 'categories'),
    ),
    ...lintRows(
      [...path, 'priorities'],
      'priority',
      priorities,
      side,
      far,
      known(side.catalogue, 'priorities'),
      known(far.catalogue, 'priorities'),
    ),
  ];
}

function lintTypes(side: LintSide, far: LintSide): readonly Fault[] {
  const { ticketTypes, ticketTypeDefault } = side.settings.inbound;
  const path = [side.name, 'inbound'];
  if (side.name === 'customer') {
    const message = 'Tickets are opened at the supplier only, so ticket types are mapped there only.';
    const wrong = (key: string): Fault => ({
      code: 'wrong-side',
      path: [...path, key],
      message,
      fix: "Move it to the supplier's inbound settings.",
    });
    return [
      ...(ticketTypes.length > 0 ? [wrong('ticketTypes')] : []),
      ...(ticketTypeDefault === undefined ? [] : [wrong('ticketTypeDefault')]),
    ];
  }
  const here = namesOf(side.catalogue?.types);
  return [
    ...lintRows([...path, 'ticketTypes'], 'ticket type', ticketTypes, side, far, here, namesOf(far.catalogue?.types)),
    ...(ticketTypeDefault === undefined
      ? []
      : checkName([...path, 'ticketTypeDefault'], 'ticket type', ticketTypeDefault, here, side.desk)),
    ...ticketTypes.flatMap(({ to }, index) => lintMandatory(side, to, [...path, 'ticketTypes', index, 'to'])),
    ...(ticketTypeDefault === undefined ? [] : lintMandatory(side, ticketTypeDefault, [...path, 'ticketTypeDefault'])),
  ];
}

/** Reports a ticket type that can never be opened because the desk requires a value that no setting provides. */
function lintMandatory({ desk, settings, catalogue }: LintSide, type: string, path: FaultPath): readonly Fault[] {
  const { required = [], requiredOwn = [] } = findNamed(catalogue?.types ?? [], type) ?? {};
  const fields = required
    .filter((name) => !settings.inbound.fields.some(({ to }) => sameName(to, name)))
    .map((name) => ({
      message: `${desk} takes no new ticket of type "${type}" without the field "${name}", and no field is mapped onto it.`,
      fix: `Map a field onto "${name}", or make it optional at ${desk}.`,
    }));
  const filled = ownFilled(settings);
  const own = requiredOwn
    .filter(({ of }) => !filled.includes(of))
    .map(({ of, name }) => ({
      message: `${desk} takes no new ticket of type "${type}" without "${name}", and nothing gives it a value.`,
      fix: `${ownFixes[of]} give the type a default for "${name}", or make it optional at ${desk}.`,
    }));
  return [...fields, ...own].map((found) => ({ code: 'mandatory-field', path, ...found }));
}

const ownFixes: Readonly<Record<RequiredOwn['of'], string>> = {
  category: 'Map categories (`inbound.categories`),',
  priority: 'Map priorities (`inbound.priorities`),',
  team: 'Set the account’s `team`,',
  other: 'Ferry can’t fill it:',
};

function lintRows(
  path: readonly string[],
  what: string,
  rows: readonly { readonly from: string; readonly to: string }[],
  side: LintSide,
  far: LintSide,
  here: readonly string[] | null,
  there: readonly string[] | null,
): readonly Fault[] {
  return [
    ...checkTwice(
      path,
      'from',
      rows.map(({ from }) => from),
    ),
    ...rows.flatMap(({ from, to }, index) => [
      ...checkName([...path, index, 'from'], what, from, there, far.desk),
      ...checkName([...path, index, 'to'], what, to, here, side.desk),
    ]),
  ];
}
