/** The mapping of action kinds: names, mail on mail, sending back, and what a kind can't do. */
import type { ActionRow } from '#core/rules/settings.ts';
import type { CatalogueKind } from '#core/words/vocabulary.ts';
import { checkName, checkTwice } from './check-names.ts';
import { finding, type Finding, type Place } from './finding.ts';
import { lintReturns, lintTarget, type Automatic } from './lint-returns.ts';
import type { LintSide } from './lint-side.ts';

export function lintActions(side: LintSide, far: LintSide, automatic: Automatic): readonly Finding[] {
  const { actions, actionDefault } = side.settings.inbound;
  const place = [side.name, 'inbound', 'actions'];
  const rows = actions.flatMap((row, index) => [
    ...checkName([...place, index, 'from'], 'action', row.from, far.kinds, far),
    ...checkName([...place, index, 'to'], 'action', row.to, side.kinds, side),
    ...(row.status === undefined
      ? []
      : checkName([...place, index, 'status'], 'status', row.status, side.statuses, side)),
    ...lintRow(side, far, automatic, row, [...place, index]),
  ]);
  return [
    ...checkTwice(
      place,
      'from',
      actions.map(({ from }) => from),
    ),
    ...rows,
    ...(actionDefault === undefined ? [] : lintDefault(side, automatic, actionDefault)),
  ];
}

function lintRow(
  side: LintSide,
  far: LintSide,
  automatic: Automatic,
  row: ActionRow,
  place: Place,
): readonly Finding[] {
  const target = side.kinds?.find(row.to);
  if (target === undefined) return [];
  return [
    ...lintMail(side, row, far.kinds?.find(row.from), target, place),
    ...lintShown(side, row, target, place),
    ...lintReturns(side, far, automatic, row, target, place),
  ];
}

function lintMail(
  { name, desk }: LintSide,
  row: ActionRow,
  source: CatalogueKind | undefined,
  target: CatalogueKind,
  place: Place,
): readonly Finding[] {
  if (!row.mailsUser) return [];
  if (!target.mails) {
    const why = `"${target.name}" at ${desk} does not mail when it is used through the API, so mailsUser has no effect.`;
    const fix = 'Map onto an action that mails, or remove mailsUser.';
    return [finding('cannot-mail', [...place, 'mailsUser'], why, fix)];
  }
  if (source?.mails === true) {
    const why = `"${row.from}" already mails, and "${target.name}" at ${desk} would mail again.`;
    return [finding('mail-on-mail', [...place, 'to'], why, `Map "${row.from}" onto an action that does not mail.`)];
  }
  if (name !== 'customer') return [];
  if (row.audience === undefined) {
    const why = `"${row.from}" is for the agents of both desks, and mailsUser shows it to the end user as well, which the row does not say.`;
    const fix = 'Write `audience: user` into the row if that is meant, or remove mailsUser.';
    return [finding('audience-widens', [...place, 'mailsUser'], why, fix)];
  }
  if (row.audience === 'user') return [];
  const why = `The row mails the end user what its audience "${row.audience}" keeps from them.`;
  return [finding('cannot-mail', [...place, 'audience'], why, 'Set the audience to user, or remove mailsUser.')];
}

function lintShown({ name, desk }: LintSide, row: ActionRow, target: CatalogueKind, place: Place): readonly Finding[] {
  const shows = name === 'customer' ? row.audience === 'user' : row.audience === 'user' || row.audience === 'desks';
  if (!shows || !target.hidden) return [];
  const why = `"${target.name}" at ${desk} is hidden by itself, so it cannot show what the audience "${row.audience}" asks for.`;
  const fix = 'Map onto an action that is not hidden, or remove the audience.';
  return [finding('cannot-show', [...place, 'audience'], why, fix)];
}

function lintDefault(side: LintSide, automatic: Automatic, actionDefault: string): readonly Finding[] {
  const place = [side.name, 'inbound', 'actionDefault'];
  const target = side.kinds?.find(actionDefault);
  return [
    ...checkName(place, 'action', actionDefault, side.kinds, side),
    ...(target === undefined ? [] : lintTarget(side, automatic, target, target.status, place)),
  ];
}
