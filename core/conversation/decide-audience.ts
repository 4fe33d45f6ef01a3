/**
 * Decides who sees an arriving note and who is mailed it. Only a mapping row widens an audience or lets anybody be
 * mailed.
 */
import { visibilityFor } from '#core/rules/audience.ts';
import type { ActionRow } from '#core/rules/settings.ts';
import { reason } from '#core/words/reasons.ts';
import type { Outgoing } from './send.ts';
import type { Audience, CatalogueKind, Reason, SideName } from '#core/words/vocabulary.ts';

export type AudienceHere = {
  readonly audience: Audience;
  readonly visibility: 'visible' | 'hidden';
  readonly mailsUser: boolean;
  readonly drops: readonly Reason[];
};

type AudienceInput = {
  readonly outgoing: Outgoing;
  readonly side: SideName;
  readonly escalation: boolean;
  readonly row: ActionRow | undefined;
  readonly target: CatalogueKind | undefined;
  /** It is carried once more and mails nobody. */
  readonly quiet?: boolean | undefined;
};

/**
 * Keeps the audience the note arrived with, unless the row names another. A row that lets the target kind mail the end
 * user also shows the note to the end user. `team` in a row hides it from this desk's own users. A kind that is hidden
 * by nature always hides.
 */
export function audienceHere(
  { outgoing, side, escalation, row, target, quiet = false }: AudienceInput,
  desk: string,
): AudienceHere {
  // A note that arrives was sent on purpose; only bare changes and escalations still carry `team`, which then describes
  // no note.
  const arrived = outgoing.action.audience === 'team' || escalation ? 'desks' : outgoing.action.audience;
  const audience = row?.audience ?? (row?.mailsUser === true ? 'user' : arrived);
  const hidden = target?.hidden === true || visibilityFor(audience, side) !== 'visible';
  const reaches = side === 'supplier' ? audience !== 'team' : audience === 'user';
  const mails = row?.mailsUser === true && target?.mails === true && reaches;
  return {
    audience,
    visibility: hidden ? 'hidden' : 'visible',
    mailsUser: mails && !outgoing.mailed && !quiet,
    drops: !mails
      ? []
      : outgoing.mailed
        ? [reason('mail-on-mail', { desk })]
        : quiet
          ? [reason('replayed-quietly', { desk })]
          : [],
  };
}
