/** Checks how action kinds are mapped: mail on mail, sending back, and things a kind cannot do. */
import { otherSide } from '#core/words/ends.ts';
import { checkName, checkTwice, namesOf, type Fault, type FaultPath, type LintSide } from './lint-fault.ts';
import { findName, findNamed } from '#core/words/names.ts';
import type { ActionRow } from '#core/rules/settings.ts';
import type { Catalogue, CatalogueKind, SendTo } from '#core/words/vocabulary.ts';

export function lintActions(side: LintSide, far: LintSide): readonly Fault[] {
  const { inbound } = side.settings;
  const path = [side.name, 'inbound', 'actions'];
  const here = namesOf(side.catalogue?.kinds);
  const there = namesOf(far.catalogue?.kinds);
  const rows = inbound.actions.flatMap((row, index) => [
    ...checkName([...path, index, 'from'], 'action', row.from, there, far.desk),
    ...checkName([...path, index, 'to'], 'action', row.to, here, side.desk),
    ...(row.status === undefined
      ? []
      : checkName([...path, index, 'status'], 'status', row.status, namesOf(side.catalogue?.statuses), side.desk)),
    ...lintRow(side, far, row, [...path, index]),
  ]);
  return [
    ...checkTwice(
      path,
      'from',
      inbound.actions.map(({ from }) => from),
    ),
    ...rows,
    ...lintDefault(side),
  ];
}

function lintRow(side: LintSide, far: LintSide, row: ActionRow, path: FaultPath): readonly Fault[] {
  const target = findNamed(side.catalogue?.kinds ?? [], row.to);
  if (target === undefined) return [];
  const source = findNamed(far.catalogue?.kinds ?? [], row.from);
  return [
    ...lintMail(side, row, source, target, path),
    ...lintShown(side, row, target, path),
    ...lintSendsBack(side, target, [...path, 'to']),
  ];
}

function lintMail(
  { name, desk }: LintSide,
  row: ActionRow,
  source: CatalogueKind | undefined,
  target: CatalogueKind,
  path: FaultPath,
): readonly Fault[] {
  if (!row.mailsUser) return [];
  if (!target.mails) {
    const message = `"${target.name}" at ${desk} does not mail when it is used through the API, so mailsUser has no effect.`;
    return [
      {
        code: 'cannot-mail',
        path: [...path, 'mailsUser'],
        message,
        fix: 'Map onto an action that mails, or remove mailsUser.',
      },
    ];
  }
  if (source?.mails === true) {
    const message = `"${row.from}" already mails, and "${target.name}" at ${desk} would mail again.`;
    return [
      {
        code: 'mail-on-mail',
        path: [...path, 'to'],
        message,
        fix: `Map "${row.from}" onto an action that does not mail.`,
      },
    ];
  }
  if (name === 'customer' && row.audience !== undefined && row.audience !== 'user') {
    const message = `The row mails the end user what its audience "${row.audience}" keeps from them.`;
    return [
      {
        code: 'cannot-mail',
        path: [...path, 'audience'],
        message,
        fix: 'Set the audience to user, or remove mailsUser.',
      },
    ];
  }
  return [];
}

function lintShown({ name, desk }: LintSide, row: ActionRow, target: CatalogueKind, path: FaultPath): readonly Fault[] {
  const shows = name === 'customer' ? row.audience === 'user' : row.audience === 'user' || row.audience === 'desks';
  if (!shows || !target.hidden) return [];
  const message = `"${target.name}" at ${desk} is hidden by itself, so it cannot show what the audience "${row.audience}" asks for.`;
  return [
    {
      code: 'cannot-show',
      path: [...path, 'audience'],
      message,
      fix: 'Map onto an action that is not hidden, or remove the audience.',
    },
  ];
}

function lintDefault(side: LintSide): readonly Fault[] {
  const { actionDefault } = side.settings.inbound;
  if (actionDefault === undefined) return [];
  const path = [side.name, 'inbound', 'actionDefault'];
  const target = findNamed(side.catalogue?.kinds ?? [], actionDefault);
  return [
    ...checkName(path, 'action', actionDefault, namesOf(side.catalogue?.kinds), side.desk),
    ...(target === undefined ? [] : lintSendsBack(side, target, path)),
  ];
}

/**
 * Reports a target kind that this side sends automatically, since it could loop. A kind that closes the ticket cannot:
 * closing a closed ticket changes nothing. A desk that marks no kind as sent (RT has only two kinds of note) is left to
 * the echo guard.
 */
function lintSendsBack(side: LintSide, target: CatalogueKind, path: FaultPath): readonly Fault[] {
  if (side.catalogue === null || closes(target, side.catalogue)) return [];
  const towards: SendTo = otherSide(side.name);
  const marks = side.catalogue.kinds.some(({ sends }) => sends !== 'none');
  const named = marks && findName(side.settings.outbound.actions, target.name) !== undefined;
  if (target.sends !== towards && !named) return [];
  const message = `"${target.name}" at ${side.desk} is itself sent to the ${towards}, so what arrives with it could be sent back.`;
  return [{ code: 'sends-back', path, message, fix: 'Map onto an action that is not sent, such as an internal note.' }];
}

function closes({ status }: CatalogueKind, { statuses }: Catalogue): boolean {
  return findNamed(statuses, status)?.closed === true;
}
