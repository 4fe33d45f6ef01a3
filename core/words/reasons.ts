/**
 * The reasons for outcomes, for people. Every code is stable, because traces, receipts, the API and the docs contain it.
 * Every text says what happened, where, why, and what to do.
 */
import type { Reason } from './vocabulary.ts';

export const reasonCodes = [
  'applied-as-is',
  'not-sent',
  'hidden',
  'team-only',
  'user-reply-off',
  'no-mirror',
  'no-target',
  'origin',
  'echo',
  'consequence',
  'no-op',
  'overtaken',
  'already-there',
  'already-escalated',
  'already-told',
  'not-opened',
  'closed',
  'shadow',
  'unmapped-action',
  'unmapped-status',
  'unmapped-category',
  'unmapped-priority',
  'unmapped-option',
  'unmapped-type',
  'unmapped-field',
  'unknown-in-catalogue',
  'field-type-differs',
  'not-taken',
  'in-doubt',
  'refused-by-desk',
  'wrong-account',
  'other-ticket',
  'merged',
  'merged-elsewhere',
  'gone',
  'missing',
  'seen-again',
  'desk-restored',
  'restored-ticket',
  'late-mail',
  'ping-pong',
  'attachment-failed',
  'attachment-off',
  'auth',
  'trouble',
  'set-aside',
  'dead-head',
  'not-live-yet',
  'before-go-live',
  'escalation-overdue',
  'field-waits-for-action',
  'quoted-dropped',
  'too-long',
  'shortened',
  'mail-on-mail',
  'replayed-quietly',
  'sends-back',
  'content-expired',
  'dropped',
  'link-pairing',
  'link-suspended',
  'link-paused',
  'link-quarantined',
  'link-closed',
  'link-ended',
  'gap',
  'seq-taken',
  'too-many-waiting',
  'constant-differs',
  'bad-signature',
  'attachment-missing',
  'unknown-action',
  'ticket-taken',
  'read-by-client',
  'no-room',
] as const;
export type ReasonCode = (typeof reasonCodes)[number];

/**
 * The parameters of a text. `desk`: where it happened. `name`: the word at fault. `detail`: foreign words, verbatim. `what`: the
 * sort of word (`status`, `field`). `from`: the sender's word that was mapped to `name`.
 */
export type ReasonParams = {
  readonly [
    key in 'desk' | 'name' | 'from' | 'what' | 'number' | 'detail' | 'account' | 'expected' | 'written' | 'by'
  ]?: string | undefined;
};

type Text = (params: ReasonParams) => string;

const desk = (params: ReasonParams): string => params.desk ?? 'the other desk';
const name = (params: ReasonParams): string => (params.name === undefined ? '(unnamed)' : `"${params.name}"`);
/** Writes foreign words as a separate sentence. */
const detail = (params: ReasonParams, before = ' '): string => {
  const said = params.detail?.trim() ?? '';
  return said === '' ? '' : `${before}${said}${/[.!?…]$/.test(said) ? '' : '.'}`;
};
const number = (params: ReasonParams): string => params.number ?? 'the open ticket';

const texts: Readonly<Record<ReasonCode, Text>> = {
  'applied-as-is': (p) => `Applied at ${desk(p)}.`,
  'not-sent': (p) =>
    `${p.name === undefined ? 'An action of this kind' : name(p)} stays in this desk: the outbound settings do not name it and nobody chose to send it. Name it under outbound actions, or choose to send it in the helpdesk.`,
  hidden: (p) =>
    `${p.name === undefined ? 'This note' : name(p)} is hidden at ${desk(p)}, and a supplier's hidden notes stay with its team. Use an action that is visible.`,
  'team-only': () =>
    'This note is only for its own team, or its visibility is unknown, so it was not sent. Use an action whose visibility is known and that the settings send.',
  'user-reply-off': (p) =>
    `The end user's own reply stays in this desk: userReplies is off${p.desk === undefined ? '' : ` towards ${p.desk}`}. Switch it on in the outbound settings if replies should be sent.`,
  'no-mirror': () => 'This ticket is not mirrored with another desk. Escalate it if it should be.',
  'no-target': (p) =>
    `This ticket concerns several desks${p.detail === undefined ? '' : `: ${p.detail}`}, and the action does not say for which one it is. Choose the side in the helpdesk, or name this action in the settings of exactly one link.`,
  origin: (p) =>
    `This action came from ${desk(p)}, or has already passed through it, so it is not sent there again. Nothing to do.`,
  echo: (p) => `This is what Ferry itself wrote at ${desk(p)}, seen again. Nothing to do.`,
  consequence: (p) =>
    `The automation of ${desk(p)} did this in response to Ferry's write. It is recorded but not carried. Nothing to do.`,
  'no-op': (p) => `${desk(p)} already has this value, so nothing was changed. Nothing to do.`,
  overtaken: (p) =>
    `The ${p.what ?? 'change'} ${name(p)} did not take effect at ${desk(p)}: ${p.by === undefined ? 'it was' : `${p.by} had it`} set to "${p.expected ?? ''}"${p.written === undefined ? '' : ` at ${p.written}`}, which is newer, and the newest value wins at both desks. Set it again if yours should win.`,
  'already-there': (p) => `This action already reached ${desk(p)} another way. Nothing to do.`,
  'already-escalated': (p) =>
    `This ticket is already open at ${desk(p)}, as ${number(p)}. Use an update instead of escalating again.`,
  'already-told': () => 'The acting agent has already received this message. Nothing to do.',
  'not-opened': (p) =>
    `No ticket was opened at ${desk(p)}, so this did not go there. See why the escalation was refused, then escalate again.`,
  closed: (p) =>
    `The ticket${p.number === undefined ? '' : ` ${p.number}`} at ${desk(p)} is closed and no longer takes replies. Escalate again to open a new one.`,
  shadow: (p) =>
    `The link is in shadow mode, so nothing was written at ${desk(p)}.${detail(p)} Set the link to live when you like what you see.`,
  'unmapped-action': (p) =>
    `${desk(p)} has no mapping for the action ${name(p)} and no default, so it was not added. Use an action that is mapped, or ask ${desk(p)} to map this one.`,
  'unmapped-status': (p) =>
    `The status ${name(p)} is not mapped at ${desk(p)}, so the status there did not change. Map it in the inbound settings if it should change.`,
  'unmapped-category': (p) =>
    `The category ${name(p)} is not mapped at ${desk(p)}, so the category there did not change. Map it in the inbound settings if it should change.`,
  'unmapped-priority': (p) =>
    `The priority ${name(p)} is not mapped at ${desk(p)}, which decides the priority itself. Map it in the inbound settings if the priority should be the same.`,
  'unmapped-option': (p) =>
    `The option ${name(p)}${p.from === undefined ? '' : ` of the field "${p.from}"`} is not mapped at ${desk(p)}, so the field there did not change. Map the option in the field's row.`,
  'unmapped-type': (p) =>
    `The ticket type ${name(p)} is not mapped at ${desk(p)} and there is no default, so the desk's own default is used. Map it in the inbound settings.`,
  'unmapped-field': (p) =>
    `The field ${name(p)} is not mapped at ${desk(p)}, so it was left out. Map it in the inbound settings if it should be carried.`,
  'unknown-in-catalogue': (p) =>
    `${desk(p)} no longer has the ${p.what ?? 'name'} ${name(p)}${p.from === undefined ? '' : `, to which "${p.from}" is mapped`}. Correct the row in the inbound settings, or restore the ${p.what ?? 'name'} in the helpdesk.`,
  'field-type-differs': (p) =>
    `The field ${name(p)} at ${desk(p)} has a different type${p.expected === undefined ? '' : ` (${p.expected})`} from the value that arrived, so it was left out. Map fields of the same type.`,
  'not-taken': (p) =>
    `${desk(p)} answered with success but did not take ${p.name === undefined ? 'the change' : name(p)}.${detail(p)} Check the rights of the service account and the rules of that desk.`,
  'in-doubt': (p) =>
    `Ferry can't tell whether ${desk(p)} made this change: the answer was lost, and the ticket does not show it. Look at the ticket there, then release or drop this delivery.`,
  'refused-by-desk': (p) =>
    `${desk(p)} refused it${p.name === undefined ? '' : ` (${p.name})`}${detail(p, ', in its words: ')}${p.detail === undefined ? '.' : ''} Use an action that its workflow allows, or ask ${desk(p)} to allow this one.`,
  'wrong-account': (p) =>
    `The ticket at ${desk(p)} belongs to ${p.account === undefined ? 'another account' : `"${p.account}"`}${p.expected === undefined ? '' : `, not to "${p.expected}"`}, so nothing is exchanged with it. Move it back, then release the held deliveries.`,
  'other-ticket': (p) =>
    `The ticket at ${desk(p)} does not name ${p.number ?? 'its ticket elsewhere'}, as it did when it was mirrored. It may be a different ticket, so nothing is written to it. If it is the right one, restore the reference, or release the held deliveries.`,
  merged: (p) =>
    `The ticket at ${desk(p)} was merged into another one, which ${p.number === undefined ? 'is mirrored with another ticket here' : `is ${p.number} here`}. Write there instead.`,
  'merged-elsewhere': (p) =>
    `The ticket at ${desk(p)} was merged into one that does not belong to this link. Split it again there, or escalate again.`,
  gone: (p) =>
    `The ticket at ${desk(p)} was deleted, or the service account may not see it. Restore it, or escalate again.`,
  missing: (p) =>
    `${desk(p)} does not show the ticket${p.number === undefined ? '' : ` ${p.number}`} to the service account for now, so its deliveries wait. Ferry keeps looking. Restore the account's rights or the ticket; if the ticket was deleted, the mirror ends once Ferry has proof.`,
  'seen-again': (p) =>
    `The ticket${p.number === undefined ? '' : ` ${p.number}`} at ${desk(p)} is back, so the mirror is open again, and Ferry carries what was written meanwhile.`,
  'desk-restored': (p) =>
    `${desk(p)} was restored from a backup: its actions differ from those that Ferry has read.${detail(p)} Ferry neither reads nor writes there until somebody has checked: ferry resume ${p.name ?? 'INSTANCE'} compares its mirrored tickets, shows the differences, and resumes.`,
  'restored-ticket': (p) =>
    `Since ${desk(p)} was restored, the ticket ${number(p)} there is missing, or its number belongs to another ticket, so the mirror is paused. Escalate again; resume the mirror only if it is the right ticket after all.`,
  'late-mail': (p) =>
    `This would now mail the end user a text that was written ${p.written === undefined ? 'over four hours ago' : `at ${p.written}`}. Release it if it should still be mailed, or drop it.`,
  'ping-pong': () =>
    'The two desks answer each other faster than people can, so the mirror is paused. Find the automation that answers, switch it off for these notes, then resume the mirror.',
  'attachment-failed': (p) =>
    `The file ${name(p)} could not be carried.${detail(p)} The note was sent without it; send the file again if it is needed.`,
  'attachment-off': (p) =>
    `The file ${name(p)} was left out: attachments are off in the outbound settings. Switch them on if files should be sent.`,
  auth: (p) =>
    `${desk(p)} does not accept Ferry's credentials.${detail(p)} Renew them; Ferry retries every 15 minutes.`,
  trouble: (p) => `${desk(p)} could not take it for now.${detail(p)} Ferry retries.`,
  'set-aside': () =>
    'It was held for 15 minutes and nobody decided, so later deliveries were carried without it. Release it or drop it; if released, it says when it was written.',
  'dead-head': (p) =>
    `It waits for its escalation: no ticket is open at ${desk(p)} yet. Release or drop the escalation first.`,
  'not-live-yet': () => 'The link is not live yet, so nothing is carried. Set it to live when both sides are ready.',
  'before-go-live': () => 'It was recorded before the link went live, so it is not carried. Nothing to do.',
  'escalation-overdue': (p) =>
    `The escalation has not opened a ticket at ${desk(p)} within 15 minutes.${detail(p)} Ferry keeps trying; call ${desk(p)} if it is urgent.`,
  'field-waits-for-action': (p) =>
    `The field ${name(p)} travels only together with an action that is sent. Change it on such an action, or set its row to "always".`,
  'quoted-dropped': () => 'The outbound settings leave out the quoted mail below the text. Nothing to do.',
  'too-long': (p) =>
    `${p.name === undefined ? 'The text' : p.name} is too long for one note, so it was left out here. Read it in the desk where it was written.`,
  shortened: (p) =>
    `${p.name === undefined ? 'A text' : name(p)} is longer than ${desk(p)} takes${p.expected === undefined ? '' : ` (${p.expected})`}, so it was cut there. The note contains the whole text, or has it attached.`,
  'mail-on-mail': (p) =>
    `The action already mailed somebody, so ${desk(p)} did not mail the end user again. Map it to an action that does not mail.`,
  'replayed-quietly': (p) =>
    `It was carried again later than intended, so ${desk(p)} did not mail the end user. Nothing to do, unless the end user needs to know.`,
  'sends-back': (p) =>
    `The action ${name(p)} at ${desk(p)} is itself sent to this link and could send back what arrived. Map to an action that is not sent.`,
  'content-expired': () =>
    'The content was deleted when its retention period ended, so it can no longer be delivered. Send it again from the helpdesk if it is needed.',
  dropped: () => 'Somebody dropped it, so it was not delivered. Nothing to do.',
  'link-pairing': (p) =>
    `The link${p.desk === undefined ? '' : ` with ${p.desk}`} is not complete yet: not all its checks have passed.${detail(p)} See ferry link status, correct what it names, then check again with ferry link check.`,
  'link-suspended': (p) =>
    `The link${p.desk === undefined ? '' : ` with ${p.desk}`} is suspended, so nothing is carried on it and everything waits.${detail(p)} To continue, use ferry link resume.`,
  'link-paused': (p) =>
    `The link${p.desk === undefined ? '' : ` with ${p.desk}`} is paused${p.written === undefined ? '' : ` until ${p.written}`}, so nothing is carried on it and everything waits.${detail(p)} It resumes then, or at once with ferry link resume.`,
  'link-quarantined': (p) =>
    `The link${p.desk === undefined ? '' : ` with ${p.desk}`} is in quarantine, so nothing is carried on it and everything waits: a gateway seems to have been restored from a backup or cloned.${detail(p)} ferry link resume compares both sides, shows the differences, and resumes the link.`,
  'link-closed': (p) =>
    `The link${p.desk === undefined ? '' : ` with ${p.desk}`} has ended, so this was not sent there. Use another way, or pair again.`,
  'link-ended': (p) =>
    `The link with ${desk(p)} has ended. What is written here is no longer sent there, and nothing arrives from there.${p.number === undefined ? '' : ` The ticket there was ${p.number}.`}${detail(p)}`,
  gap: () =>
    'An earlier action of this lane has not arrived yet, so this one waits. Send the missing one first, then this one again.',
  'seq-taken': (p) =>
    `Another action already has this seq${p.expected === undefined ? '' : `; the next one is ${p.expected}`}. The sender was restored from a backup or cloned, or counts wrongly; compare both ends of the link before it continues.`,
  'too-many-waiting': (p) =>
    `Too many deliveries of this link are waiting for ${desk(p)}, so no more are accepted for now. Nothing is lost: the sender retries. Its operators can see the cause with ferry status.`,
  'constant-differs': () =>
    'An action with this id has already arrived with different contents, and contents never change once they have left their origin. Send new contents under a new id.',
  'bad-signature': (p) =>
    `The signature of its origin is missing or does not match, so nothing proves who wrote this, and it was not accepted.${detail(p)} Check the keys that the origin publishes.`,
  'attachment-missing': (p) =>
    `The bytes of the file ${name(p)} have not arrived. PUT them to /v1/attachments first, then send the action again.`,
  'unknown-action': () =>
    'The receipt is for an action that was never sent on this lane. Nothing to do, unless this gateway was restored from a backup.',
  'ticket-taken': (p) =>
    `The ticket ${number(p)} already belongs to another escalation, and a ticket can belong to only one per link. Send the ticket that was opened for this escalation.`,
  'read-by-client': (p) => `${desk(p)} has read it but has not reported an outcome within an hour. Nothing to do.`,
  'no-room': (p) =>
    `Ferry's disk has too little room for the file ${name(p)}. Free some space; the file waits and is then carried. FERRY_LIMITS says how much stays free (freeMiB).`,
};

/**
 * Writes a reason. It never fails: it leaves unknown parameters out of the text. Foreign words may contain characters that no
 * database stores (NUL, half a surrogate pair); the reason never does, because Ferry would retry an outcome that it can't
 * store indefinitely.
 */
export function reason(code: ReasonCode, params: ReasonParams = {}): Reason {
  const text = texts[code](params).toWellFormed().replaceAll('\0', '');
  return { code, text: text.charAt(0).toUpperCase() + text.slice(1) };
}

/**
 * Writes a reason for another organisation. Earlier versions named the operator in these texts, but only our own audit may
 * contain the name.
 */
export function outward(why: Reason): Reason {
  if (why.code === 'dropped') return reason('dropped');
  return why.code === 'link-suspended' && why.text.includes(' is suspended (by ') ? reason('link-suspended') : why;
}

export function isReasonCode(code: string): code is ReasonCode {
  return (reasonCodes as readonly string[]).includes(code);
}
