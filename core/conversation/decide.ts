/**
 * Decides what the receiving desk does with one action, by that desk's own rules. Pure and total. It runs at delivery
 * time, so that a replay uses today's settings; once an action has been promised as a write, it is never decided again.
 */
import type { DecideInput } from './decide-input.ts';
import { audienceHere, type AudienceHere } from './decide-audience.ts';
import { decideKind, type KindHere } from './decide-kind.ts';
import { openingPart } from './decide-opening.ts';
import { authorHere, noteHere } from './decide-note.ts';
import { mayReopen } from '#core/log/mirror-life.ts';
import { reason } from '#core/words/reasons.ts';
import { lateMailMs } from '#core/words/retry.ts';
import { safeName } from '#core/text/safe-name.ts';
import { hasContent, isElsewhere } from './send.ts';
import { minute } from '#core/text/template.ts';
import { changesAnything, countsAs, meet, type Met } from './meet.ts';
import { otherSide } from '#core/words/ends.ts';
import { sameName } from '#core/words/names.ts';
import { translate, type Translated } from './translate.ts';
import type { Changed, Command, Reason, Verdict } from '#core/words/vocabulary.ts';

export function decide(input: DecideInput): Verdict {
  const stop = guard(input);
  if (stop !== null) return stop;
  return shadowed(input, judge(input));
}

/** Checks what stops an action regardless of its content. */
function guard(input: DecideInput): Verdict | null {
  const { mirror, outgoing, snapshot, account } = input;
  const { action } = outgoing;
  const here = mirror[mirror.side];
  if (action.origin === '' || action.origin === here.instance || action.via.includes(here.instance)) {
    return { kind: 'skip', reason: reason('origin', { desk: here.name }) };
  }
  const over = mirrorOver(input);
  if (over !== null) return over;
  if (mirror.paused) return { kind: 'hold', reason: reason('ping-pong') };
  if (mirror.side === 'supplier' && !input.escalation && isElsewhere(snapshot, account)) {
    const found = { desk: here.name, account: snapshot?.account ?? undefined, expected: account.name };
    return { kind: 'hold', reason: reason('wrong-account', found) };
  }
  if (!input.escalation && action.audience === 'team' && hasContent(action)) {
    return { kind: 'skip', reason: reason('team-only') };
  }
  return null;
}

/** Ends the decision if the mirror's life forbids the action: design §3. */
function mirrorOver({ mirror, escalation, now }: DecideInput): Verdict | null {
  const here = mirror[mirror.side];
  const named = { desk: here.name, number: here.number ?? undefined };
  if (mirror.state === 'refused') return { kind: 'skip', reason: reason('not-opened', named) };
  if (mirror.state === 'opening') {
    // The other side's actions can arrive before the receipt that opens the mirror; the ticket here exists already.
    if (escalation || mirror.mode === 'shadow' || here.ticketId !== null) return null;
    return { kind: 'hold', reason: reason('dead-head', named) };
  }
  if (mirror.state === 'open') {
    if (escalation) return { kind: 'refuse', reason: reason('already-escalated', named) };
    return mirror.superseded ? { kind: 'refuse', reason: reason('closed', named) } : null;
  }
  if (mayReopen(mirror, now) && !escalation) return null;
  switch (mirror.closeReason) {
    case 'gone':
      return { kind: 'refuse', reason: reason('gone', named) };
    case 'merged':
      return { kind: 'refuse', reason: reason('merged', { desk: here.name }) };
    case 'wrong-account':
      return { kind: 'hold', reason: reason('wrong-account', named) };
    case 'shadow-ended':
      return { kind: 'skip', reason: reason('shadow', named) };
    case 'done':
    case 'link-closed':
    case null:
      return { kind: 'refuse', reason: reason('closed', named) };
  }
}

function judge(input: DecideInput): Verdict {
  const { outgoing, mirror, snapshot, escalation, now } = input;
  const desk = mirror[mirror.side].name;
  const kind = decideKind(input, desk);
  if (kind.kind === 'refuse') return kind;
  const words = translate(
    {
      words: outgoing.action.words,
      inbound: input.inbound,
      catalogue: input.catalogue,
      snapshot: escalation ? null : snapshot,
      opening: escalation,
      row: kind.row,
      target: kind.target,
      bare: !hasContent(outgoing.action) && kind.row === undefined,
    },
    desk,
  );
  const met = meeting(input, kind, words, desk);
  const { quiet } = input;
  const { row, target } = kind;
  const audience = audienceHere({ outgoing, side: mirror.side, escalation, row, target, quiet }, desk);
  const drops = [...outgoing.drops, ...kind.drops, ...words.drops, ...met.drops, ...audience.drops];
  if (!escalation && !met.changes && !hasContent(outgoing.action)) {
    return { kind: 'skip', reason: firstOf(met.drops, words.drops, kind.drops) ?? reason('no-op', { desk }) };
  }
  const writtenAt = input.committedAt ?? outgoing.action.at;
  if (audience.mailsUser && input.releasedLate === undefined && Date.parse(now) - Date.parse(writtenAt) > lateMailMs) {
    return { kind: 'hold', reason: reason('late-mail', { written: minute(writtenAt) }) };
  }
  const { meant } = met;
  return {
    kind: 'apply',
    command: command(input, kind, words, met.changed, audience),
    drops,
    ...(changesAnything(meant.all) ? { meant } : {}),
  };
}

type Meeting = Pick<Met, 'changed' | 'meant' | 'drops'> & { readonly changes: boolean };

/** Keeps values that were changed here in the meantime and are newer. */
function meeting(input: DecideInput, { target }: KindHere, words: Translated, desk: string): Meeting {
  const { outgoing, mirror, snapshot, escalation, changes = [] } = input;
  const stamp = { at: countsAs(outgoing.action.at, input.takenIn ?? input.now), side: otherSide(mirror.side) };
  const met = meet(words.meant, { ...words.changed, fields: words.fields }, stamp, escalation ? [] : changes, desk);
  const own = target?.status ?? null;
  // A status that only the kind itself sets is written by using the kind.
  const isByKind = own !== null && words.changed.status === undefined && met.kept.status === undefined;
  const { status: _byKind, ...assumed } = met.meant.assumed;
  const meant = isByKind ? { all: met.meant.all, assumed } : met.meant;
  if (!changesAnything(met.kept)) return { ...met, meant, changes: words.changes };
  const kept = met.kept.status;
  // Using the kind would overwrite the newer status with its own.
  const isInWay = own !== null && kept !== undefined && !sameName(own, kept);
  const changed = isInWay ? { ...met.changed, status: kept } : met.changed;
  const kindChanges = isByKind && (snapshot === null || !sameName(snapshot.status, own));
  return { ...met, changed, meant, changes: changesAnything(met.changed) || kindChanges };
}

function firstOf(...lists: readonly (readonly Reason[])[]): Reason | undefined {
  return lists.flat()[0];
}

function command(
  input: DecideInput,
  kind: KindHere,
  words: Translated,
  changed: Changed,
  audience: AudienceHere,
): Command {
  const { outgoing, mirror, escalation } = input;
  const { action } = outgoing;
  const open = escalation ? openingPart(input, words.type) : null;
  return {
    ticketId: escalation ? null : mirror[mirror.side].ticketId,
    ...(open === null ? {} : { open }),
    kind: kind.target?.name ?? null,
    note: noteHere(action, input.now, input.releasedLate),
    visibility: audience.visibility,
    mailsUser: audience.mailsUser,
    author: authorHere(action.author, input.senderName, input.inbound),
    at: action.at,
    ...changed,
    attachments: action.attachments.map((file) => ({ ...file, name: safeName(file.name) })),
  };
}

/** In shadow mode nothing is written; the reason says what would have been done. */
function shadowed({ linkMode, mirror }: DecideInput, verdict: Verdict): Verdict {
  if ((linkMode !== 'shadow' && mirror.mode !== 'shadow') || verdict.kind === 'skip') return verdict;
  return { kind: 'skip', reason: reason('shadow', { desk: mirror[mirror.side].name, detail: wouldHave(verdict) }) };
}

function wouldHave(verdict: Exclude<Verdict, { readonly kind: 'skip' }>): string {
  if (verdict.kind === 'refuse') return `It would have been refused: ${verdict.reason.text}`;
  if (verdict.kind === 'hold') return `It would have been held: ${verdict.reason.text}`;
  const { kind, status, open } = verdict.command;
  const what = open === undefined ? `"${kind ?? 'a plain change'}"` : 'a new ticket';
  return `It would have been applied as ${what}${status === undefined ? '' : ` with status "${status}"`}.`;
}
