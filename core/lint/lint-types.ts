/** Ticket types: mapped at the supplier only, and with every mandatory value filled. */
import { ownFilled } from '#core/rules/own-filled.ts';
import { foldName } from '#core/words/names.ts';
import type { RequiredOwn } from '#core/words/vocabulary.ts';
import { checkName, checkRows } from './check-names.ts';
import { finding, type Finding, type Place } from './finding.ts';
import type { LintSide } from './lint-side.ts';

export function lintTypes(side: LintSide, far: LintSide): readonly Finding[] {
  const { ticketTypes, ticketTypeDefault } = side.settings.inbound;
  const place = [side.name, 'inbound'];
  if (side.name === 'customer') {
    const why = 'Tickets are opened at the supplier only, so ticket types are mapped there only.';
    const wrong = (key: string): Finding =>
      finding('wrong-side', [...place, key], why, "Move it to the supplier's inbound settings.");
    return [
      ...(ticketTypes.length > 0 ? [wrong('ticketTypes')] : []),
      ...(ticketTypeDefault === undefined ? [] : [wrong('ticketTypeDefault')]),
    ];
  }
  const there = { side: far, known: far.types };
  const filled = filledBy(side);
  return [
    ...checkRows([...place, 'ticketTypes'], 'ticket type', ticketTypes, there, { side, known: side.types }),
    ...(ticketTypeDefault === undefined
      ? []
      : checkName([...place, 'ticketTypeDefault'], 'ticket type', ticketTypeDefault, side.types, side)),
    ...ticketTypes.flatMap(({ to }, index) => lintMandatory(side, filled, to, [...place, 'ticketTypes', index, 'to'])),
    ...(ticketTypeDefault === undefined
      ? []
      : lintMandatory(side, filled, ticketTypeDefault, [...place, 'ticketTypeDefault'])),
  ];
}

type Filled = { readonly fields: ReadonlySet<string>; readonly own: readonly RequiredOwn['of'][] };

function filledBy({ settings }: LintSide): Filled {
  return { fields: new Set(settings.inbound.fields.map(({ to }) => foldName(to))), own: ownFilled(settings) };
}

/** A ticket of this type could never be opened: the desk refuses it without a value that nothing gives it. */
function lintMandatory(side: LintSide, filled: Filled, type: string, place: Place): readonly Finding[] {
  const { required = [], requiredOwn = [] } = side.types?.find(type) ?? {};
  const { desk } = side;
  return [
    ...[...new Set(required)]
      .filter((name) => !filled.fields.has(foldName(name)))
      .map((name) =>
        finding(
          'mandatory-field',
          place,
          `${desk} takes no new ticket of type "${type}" without the field "${name}", and no field is mapped onto it.`,
          `Map a field onto "${name}", or make it optional at ${desk}.`,
        ),
      ),
    ...requiredOwn
      .filter(({ of }, at) => !filled.own.includes(of) && isFirst(requiredOwn, at))
      .map(({ of, name }) =>
        finding(
          'mandatory-field',
          place,
          `${desk} takes no new ticket of type "${type}" without "${name}", and nothing gives it a value.`,
          `${ownFixes[of]} give the type a default for "${name}", or make it optional at ${desk}.`,
        ),
      ),
  ];
}

function isFirst(all: readonly RequiredOwn[], at: number): boolean {
  return all.findIndex(({ of, name }) => of === all[at]?.of && name === all[at]?.name) === at;
}

const ownFixes: Readonly<Record<RequiredOwn['of'], string>> = {
  category: 'Map categories (`inbound.categories`),',
  priority: 'Map priorities (`inbound.priorities`),',
  team: 'Set the account’s `team`,',
  other: 'Ferry can’t fill it:',
};
