/** Tells whether a side's owner, or an agent for this one action, has chosen to send an action to the other side. */
import { otherSide } from '#core/words/ends.ts';
import { findName } from '#core/words/names.ts';
import type { Outbound } from './settings.ts';
import type { Person, SendTo, SideName, Words } from '#core/words/vocabulary.ts';

export type OptIn = 'sent' | 'not-sent' | 'user-reply-off';

/**
 * A choice made in the helpdesk for this one action overrides the settings, both ways. An end user's own reply at the
 * customer depends only on `userReplies`, since its kind is often the same as that of agents' replies.
 */
export function optIn(
  action: { readonly words: Words; readonly sendTo?: SendTo | undefined; readonly author: Person },
  side: SideName,
  outbound: Outbound,
): OptIn {
  const towards: SendTo = otherSide(side);
  if (action.sendTo === towards) return 'sent';
  if (side === 'customer' && action.author.role === 'user') return outbound.userReplies ? 'sent' : 'user-reply-off';
  if (action.sendTo !== undefined) return 'not-sent';
  const { kind } = action.words;
  return kind !== null && findName(outbound.actions, kind) !== undefined ? 'sent' : 'not-sent';
}
