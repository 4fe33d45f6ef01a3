/** Builds the part of a command that opens the ticket at the supplier. */
import type { DecideInput } from './decide-input.ts';
import { oneLine } from './decide-note.ts';
import { defuseTags } from '#core/text/defuse.ts';
import type { Command } from '#core/words/vocabulary.ts';

export function openingPart(input: DecideInput, type: string | undefined): NonNullable<Command['open']> {
  const { account, mirror, outgoing } = input;
  const summary = defuseTags(oneLine(outgoing.summary ?? outgoing.action.words.summary ?? ''));
  return {
    summary: summary === '' ? `${mirror.customer.name} ${mirror.customer.number}` : summary,
    account: account.name,
    ...(account.site === undefined ? {} : { site: account.site }),
    ...(account.team === undefined ? {} : { team: account.team }),
    ...(type === undefined ? {} : { type }),
    requester: requesterHere(input),
    farNumber: mirror.customer.number,
    farUrl: mirror.customer.url,
  };
}

/** The escalating agent; if no agent escalated, the account's stand-in, or else the sending desk by name. */
function requesterHere({ outgoing, account, senderName }: DecideInput): {
  readonly name: string;
  readonly email?: string;
} {
  const { name, email, role } = outgoing.action.author;
  if (role === 'agent' && oneLine(name) !== '')
    return { name: oneLine(name), ...(email === undefined ? {} : { email }) };
  const { standIn } = account;
  if (standIn === undefined) return { name: senderName };
  return standIn.includes('@') ? { name: standIn, email: standIn } : { name: standIn };
}
