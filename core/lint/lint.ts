/** Every finding about a link's settings, reported at once. Pure and total; roughly linear in rows and names. */
import type { SideSettings } from '#core/rules/settings.ts';
import type { Ends } from '#core/words/ends.ts';
import type { Catalogue, SideName } from '#core/words/vocabulary.ts';
import { checkRows, checkTwice } from './check-names.ts';
import type { Finding } from './finding.ts';
import { createSuggest } from './known-names.ts';
import { lintActions } from './lint-actions.ts';
import { lintAllowed } from './lint-allowed.ts';
import { lintClosure } from './lint-closure.ts';
import { lintDefaults } from './lint-defaults.ts';
import { lintAccount, lintFiles } from './lint-desk.ts';
import { lintFields } from './lint-fields.ts';
import { lintIdle } from './lint-idle.ts';
import { lintOutbound } from './lint-outbound.ts';
import { lintPingPong } from './lint-ping-pong.ts';
import { automaticOf, lintStatusReturns } from './lint-returns.ts';
import { lintSideOf, type LintSide } from './lint-side.ts';
import { lintStatuses } from './lint-statuses.ts';
import { lintTypes } from './lint-types.ts';
import { allowedOn, type Allowed } from './ticket-types.ts';

export type { Finding } from './finding.ts';

export type LintInput = {
  readonly customer: SideSettings;
  readonly supplier: SideSettings;
  /** Null: unknown as yet; what depends on it is not checked. Of a remote side: what it offers on the link. */
  readonly customerCatalogue: Catalogue | null;
  readonly supplierCatalogue: Catalogue | null;
  /** Display names of the two desks. */
  readonly names: { readonly customer: string; readonly supplier: string };
  /** The side that another gateway or a tool sets: its settings are not looked at. */
  readonly remote?: SideName | undefined;
};

export function lintLink(input: LintInput): readonly Finding[] {
  const suggest = createSuggest();
  const [customer, supplier] = (['customer', 'supplier'] as const).map((name) =>
    lintSideOf({
      name,
      desk: input.names[name],
      settings: input[name],
      isRemote: input.remote === name,
      catalogue: name === 'customer' ? input.customerCatalogue : input.supplierCatalogue,
      suggest,
    }),
  ) as [LintSide, LintSide];
  const allowed: Ends<Allowed> = { customer: allowedOn(customer), supplier: allowedOn(supplier) };
  const all = [
    ...lintSide(customer, supplier, allowed),
    ...lintSide(supplier, customer, allowed),
    ...lintPingPong(customer, supplier),
    ...lintClosure(customer, supplier),
  ];
  return all.filter(({ place }) => place[0] !== input.remote);
}

function lintSide(side: LintSide, far: LintSide, allowed: Ends<Allowed>): readonly Finding[] {
  if (side.isRemote) return [];
  const automatic = automaticOf(side);
  const farAllowed = allowed[far.name];
  const place = [side.name, 'inbound'];
  const { categories, priorities, people } = side.settings.inbound;
  return [
    ...lintAccount(side),
    ...lintStatuses(side, far, farAllowed),
    ...lintStatusReturns(side, automatic),
    ...checkRows(
      [...place, 'categories'],
      'category',
      categories,
      { side: far, known: far.categories },
      { side, known: side.categories },
    ),
    ...checkRows(
      [...place, 'priorities'],
      'priority',
      priorities,
      { side: far, known: far.priorities },
      { side, known: side.priorities },
    ),
    ...lintFields(side, far),
    ...lintActions(side, far, automatic),
    ...lintAllowed(side, allowed[side.name]),
    ...lintDefaults(side, far),
    ...checkTwice(
      [...place, 'people'],
      'from',
      people.map(({ from }) => from),
    ),
    ...lintTypes(side, far),
    ...lintOutbound(side),
    ...lintFiles(side, far),
    ...lintIdle(side, far, farAllowed),
  ];
}
