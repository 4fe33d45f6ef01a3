/** Who mails the end user when a ticket is closed from the other side: somebody should, and only one. */
import { foldName, sameName } from '#core/words/names.ts';
import type { ActionRow } from '#core/rules/settings.ts';
import type { CatalogueKind } from '#core/words/vocabulary.ts';
import { finding, type Finding, type Place } from './finding.ts';
import { isClosed, isSent, sentKinds, type LintSide } from './lint-side.ts';

/** One way in which what arrives can close the ticket here. */
type Closing = {
  readonly place: Place;
  /** As people see it: `"Resolve third party"`. */
  readonly what: string;
  readonly kind: CatalogueKind | undefined;
  readonly status: string;
  /** It closes each time; else only where its author sets a status with it. */
  readonly isSure: boolean;
  /** Who mails by the settings: the row here, or the far desk's own kind. */
  readonly byRow: boolean;
  readonly byFar: boolean;
};

export function lintClosure(customer: LintSide, supplier: LintSide): readonly Finding[] {
  // Who the end user is, only the customer's settings say; the supplier's desk can mail only whom it knows.
  const isDisclosed = !customer.isRemote && customer.settings.outbound.requester === 'name+email';
  return [
    ...(customer.isRemote ? [] : lintWays(customer, closings(customer, supplier, isDisclosed), true)),
    ...(isDisclosed && !supplier.isRemote ? lintWays(supplier, closings(supplier, customer, true), false) : []),
  ];
}

/** One finding for each place, the graver first. */
function lintWays(side: LintSide, ways: readonly Closing[], mustMail: boolean): readonly Finding[] {
  const mailing = mailingOf(side);
  const told = new Set<string>();
  return ways.flatMap((way) => {
    const key = way.place.join('/');
    if (told.has(key)) return [];
    const who = mailersOf(way, mailing);
    const found =
      who.length > 1 ? [twice(side, way, who)] : who.length === 0 && way.isSure && mustMail ? [none(side, way)] : [];
    if (found.length > 0) told.add(key);
    return found;
  });
}

function none({ desk }: LintSide, { what, place }: Closing): Finding {
  const why = `${what} closes the ticket at ${desk}, and nobody mails the end user then, as far as settings and catalogue show.`;
  const fix =
    'Map it onto an action that mails, with `audience: user` and `mailsUser: true`, or let the desk mail when a ticket is closed.';
  return finding('closure-unmailed', place, why, fix);
}

function twice({ desk }: LintSide, { what, place, status, isSure }: Closing, who: readonly string[]): Finding {
  const how = isSure
    ? `${what} closes the ticket at ${desk}`
    : `${what} can come with "${status}", which closes the ticket at ${desk}`;
  const why = `${how}, and the end user is mailed more than once then: by ${who.join(' and by ')}.`;
  const fix =
    'Let one of them mail: remove mailsUser, map onto an action that does not mail, or let the automation leave out tickets of this link.';
  return finding('closure-mailed-twice', place, why, fix);
}

type Mailing = { kind(name: string): readonly string[]; status(name: string): readonly string[] };

/** Automations of the desk that mail the ticket's user, by what starts them. */
function mailingOf(side: LintSide): Mailing {
  const byStart = new Map<string, string[]>();
  const keyOf = (sort: 'kind' | 'status', name: string): string => `${sort} ${foldName(name)}`;
  for (const { name, on, does } of side.catalogue?.automations ?? []) {
    if (does.mailsUser !== true) continue;
    const key = 'kind' in on ? keyOf('kind', on.kind) : keyOf('status', on.status);
    const known = byStart.get(key);
    if (known === undefined) byStart.set(key, [name]);
    else known.push(name);
  }
  const at = (sort: 'kind' | 'status') => (name: string) => byStart.get(keyOf(sort, name)) ?? [];
  return { kind: at('kind'), status: at('status') };
}

function mailersOf({ kind, status, byRow, byFar }: Closing, mailing: Mailing): readonly string[] {
  const automations = [...(kind === undefined ? [] : mailing.kind(kind.name)), ...mailing.status(status)];
  return [
    ...(byRow ? [`"${kind?.name ?? ''}", as the row says`] : []),
    ...(byFar ? ['the action at the other side itself'] : []),
    ...automations.map((name) => `the automation "${name}"`),
  ];
}

function closings(side: LintSide, far: LintSide, isDisclosed: boolean): readonly Closing[] {
  const mailing = mailingOf(side);
  const closed = closedByStatus(side, far);
  const bare = closed.filter(({ status }) => mailing.status(status).length > 0);
  // One for each kind is enough to tell of: the status with which most are mailed.
  const worst = bare.toSorted((a, b) => mailing.status(b.status).length - mailing.status(a.status).length).slice(0, 1);
  const watchedBy = (kind: CatalogueKind): readonly Closing[] =>
    worst.length === 0 && mailing.kind(kind.name).length > 0 ? closed.slice(0, 1) : worst;
  const { actions, actionDefault } = side.settings.inbound;
  const rows = actions.flatMap((row, index) =>
    byRow(side, far, row, [side.name, 'inbound', 'actions', index], { isDisclosed, watchedBy }),
  );
  const kind = actionDefault === undefined ? undefined : side.kinds?.find(actionDefault);
  const byFar =
    isDisclosed &&
    sentKinds(far).some((name) => side.actionRows.find(name) === undefined && far.kinds?.find(name)?.mails === true);
  const named = { place: [side.name, 'inbound', 'actionDefault'], what: 'What has no row', byRow: false, byFar };
  const byDefault =
    kind === undefined
      ? []
      : [
          ...(kind.status !== null && isClosed(side, kind.status)
            ? [{ ...named, kind, status: kind.status, isSure: true }]
            : []),
          ...watchedBy(kind).map(({ status }) => ({ ...named, kind, status, isSure: false })),
        ];
  const isByRow = rows.some(({ isSure }) => isSure);
  // Where no kind closes, people close by setting a status.
  const [first] = closed;
  return [
    ...rows,
    ...byDefault,
    ...bare.map((one) => ({ ...one, isSure: false })),
    ...(isByRow || first === undefined ? [] : [first]),
  ];
}

/** Statuses of the far desk that close the ticket here. */
function closedByStatus(side: LintSide, far: LintSide): readonly Closing[] {
  if (sentKinds(far).length === 0) return [];
  return side.settings.inbound.statuses.flatMap(({ from, to }, index): Closing[] =>
    isClosed(side, to)
      ? [
          {
            place: [side.name, 'inbound', 'statuses', index],
            what: `The status "${from}"`,
            kind: undefined,
            status: to,
            isSure: true,
            byRow: false,
            byFar: false,
          },
        ]
      : [],
  );
}

function byRow(
  side: LintSide,
  far: LintSide,
  row: ActionRow,
  place: Place,
  { isDisclosed, watchedBy }: { readonly isDisclosed: boolean; watchedBy(kind: CatalogueKind): readonly Closing[] },
): readonly Closing[] {
  const source = far.kinds?.find(row.from);
  const kind = side.kinds?.find(row.to);
  if (kind === undefined || (far.kinds !== null && !isSent(far, row.from))) return [];
  const reaches = side.name === 'supplier' ? row.audience !== 'team' : (row.audience ?? 'user') === 'user';
  const mails = {
    // What was mailed already, the row does not mail again: `mail-on-mail`.
    byRow: row.mailsUser && kind.mails && reaches && source?.mails !== true,
    byFar: isDisclosed && source?.mails === true,
  };
  const said = source?.status ?? null;
  // As decided when it arrives: the map, else the row's, else the kind's own.
  const status = (said === null ? undefined : side.statusRows.find(said)?.to) ?? row.status ?? kind.status;
  const what = `"${row.from}"`;
  return [
    ...(status !== null && isClosed(side, status) ? [{ place, what, kind, status, isSure: true, ...mails }] : []),
    ...watchedBy(kind)
      .filter((one) => status === null || !sameName(one.status, status))
      .map((one) => ({ ...one, place, what, kind, isSure: false, ...mails })),
  ];
}
