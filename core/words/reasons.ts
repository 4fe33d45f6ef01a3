/**
 * Why something ended as it did, for people. Every code is stable: it stands in traces, receipts, the API and docs.
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
 * What a text can name. `desk`: where it happened. `name`: the word at fault. `detail`: somebody else's words, verbatim.
 * `what`: the sort of word (`status`, `field`). `from`: the sender's word that was mapped to `name`.
 */
export type ReasonParams = {
  readonly [
    key in 'desk' | 'name' | 'from' | 'what' | 'number' | 'detail' | 'account' | 'expected' | 'written' | 'by'
  ]?: string | undefined;
};

type Text = (params: ReasonParams) => string;

const desk = (params: ReasonParams): string => params.desk ?? 'the other desk';
const name = (params: ReasonParams): string => (params.name === undefined ? '(unnamed)' : `"${params.name}"`);
/** Somebody else's words, as a sentence of their own. */
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
    'This note is for its own team only, or nobody knows who can see it, so it did not leave. Use an action whose visibility is known and which is sent.',
  'user-reply-off': (p) =>
    `The end user's own reply stays in this desk: userReplies is off${p.desk === undefined ? '' : ` towards ${p.desk}`}. Switch it on in the outbound settings if it should travel.`,
  'no-mirror': () => 'This ticket is not mirrored with another desk. Escalate it if it should be.',
  'no-target': (p) =>
    `This ticket concerns several desks${p.detail === undefined ? '' : `: ${p.detail}`}, and the action does not say which one is meant. Choose the side in the helpdesk, or let exactly one link's settings name this action.`,
  origin: (p) =>
    `This action began at, or has already passed, ${desk(p)}, so it does not go there again. Nothing to do.`,
  echo: (p) => `This is what Ferry itself wrote at ${desk(p)}, seen again. Nothing to do.`,
  consequence: (p) =>
    `The automation of ${desk(p)} did this because of what Ferry wrote. It is kept and not carried. Nothing to do.`,
  'no-op': (p) => `Nothing to change: at ${desk(p)} it is so already. Nothing to do.`,
  overtaken: (p) =>
    `The ${p.what ?? 'change'} ${name(p)} did not take effect at ${desk(p)}: ${p.by === undefined ? 'it was' : `${p.by} had it`} set to "${p.expected ?? ''}"${p.written === undefined ? '' : ` at ${p.written}`}, which is newer, and the newest holds at both desks. Set it again if yours should hold.`,
  'already-there': (p) => `This action reached ${desk(p)} by another way before. Nothing to do.`,
  'already-escalated': (p) =>
    `This ticket is open at ${desk(p)} already, as ${number(p)}. Use an update instead of escalating again.`,
  'already-told': () => 'The acting agent was told the same before. Nothing to do.',
  'not-opened': (p) =>
    `No ticket was opened at ${desk(p)}, so this did not go there. See why the escalation was refused, then escalate again.`,
  closed: (p) =>
    `The ticket${p.number === undefined ? '' : ` ${p.number}`} at ${desk(p)} is closed and no longer takes replies. Escalate again to open a new one.`,
  shadow: (p) =>
    `The link is in shadow mode, so nothing was written at ${desk(p)}.${detail(p)} Set the link to live when you are content with what you see.`,
  'unmapped-action': (p) =>
    `${desk(p)} has no mapping for the action ${name(p)} and no default, so it was not added. Use an action that is mapped, or ask ${desk(p)} to map this one.`,
  'unmapped-status': (p) =>
    `The status ${name(p)} is not mapped at ${desk(p)}, so the status there stays as it is. Map it in the inbound settings if it should follow.`,
  'unmapped-category': (p) =>
    `The category ${name(p)} is not mapped at ${desk(p)}, so the category there stays as it is. Map it in the inbound settings if it should follow.`,
  'unmapped-priority': (p) =>
    `The priority ${name(p)} is not mapped at ${desk(p)}, which decides the priority itself. Map it in the inbound settings if it should follow.`,
  'unmapped-option': (p) =>
    `The option ${name(p)}${p.from === undefined ? '' : ` of the field "${p.from}"`} is not mapped at ${desk(p)}, so the field there stays as it is. Map the option on the field's row.`,
  'unmapped-type': (p) =>
    `The ticket type ${name(p)} is not mapped at ${desk(p)} and there is no default, so the desk's own default is used. Map it in the inbound settings.`,
  'unmapped-field': (p) =>
    `The field ${name(p)} is not mapped at ${desk(p)}, so it was left out. Map it in the inbound settings if it should follow.`,
  'unknown-in-catalogue': (p) =>
    `${desk(p)} no longer has the ${p.what ?? 'name'} ${name(p)}${p.from === undefined ? '' : `, to which "${p.from}" is mapped`}. Correct the row in the inbound settings, or bring it back in the helpdesk.`,
  'field-type-differs': (p) =>
    `The field ${name(p)} at ${desk(p)} is of another type${p.expected === undefined ? '' : ` (${p.expected})`} than what arrived, so it was left out. Map fields of the same type.`,
  'not-taken': (p) =>
    `${desk(p)} answered with success but did not take ${p.name === undefined ? 'the change' : name(p)}.${detail(p)} Check the rights of the service account and the rules of that desk.`,
  'in-doubt': (p) =>
    `Nobody can tell whether ${desk(p)} carried this out: its answer was lost and the ticket could not settle it. Look at the ticket there, then release or drop this delivery.`,
  'refused-by-desk': (p) =>
    `${desk(p)} refused it${p.name === undefined ? '' : ` (${p.name})`}${detail(p, ', in its words: ')}${p.detail === undefined ? '.' : ''} Use an action that its workflow allows, or ask ${desk(p)} to allow this one.`,
  'wrong-account': (p) =>
    `The ticket at ${desk(p)} belongs to ${p.account === undefined ? 'another account' : `"${p.account}"`}${p.expected === undefined ? '' : `, not to "${p.expected}"`}, so nothing is exchanged with it. Move it back, then release what is held.`,
  'other-ticket': (p) =>
    `The ticket at ${desk(p)} does not name ${p.number ?? 'its ticket elsewhere'}, as it did when it was mirrored, so nothing is written to it: it may be another one. If it is the right one, put the reference back, or release what is held.`,
  merged: (p) =>
    `The ticket at ${desk(p)} was merged into another one, which ${p.number === undefined ? 'is mirrored with another ticket here' : `is ${p.number} here`}. Write there instead.`,
  'merged-elsewhere': (p) =>
    `The ticket at ${desk(p)} was merged into one that does not belong to this link. Split it again there, or escalate again.`,
  gone: (p) =>
    `The ticket at ${desk(p)} was deleted, or is forbidden to the service account. Restore it, or escalate again.`,
  missing: (p) =>
    `${desk(p)} does not show the ticket${p.number === undefined ? '' : ` ${p.number}`} to the service account for now, so what is for it waits. Ferry looks again by itself. Give the account its rights back, or restore the ticket; if it was deleted, the mirror ends once that is proven.`,
  'seen-again': (p) =>
    `The ticket${p.number === undefined ? '' : ` ${p.number}`} at ${desk(p)} is there again, so the mirror goes on, and what was written meanwhile is carried.`,
  'desk-restored': (p) =>
    `${desk(p)} was restored from a backup: it shows other actions than it did.${detail(p)} Nothing is read or written there until somebody has looked; ferry resume ${p.name ?? 'INSTANCE'} compares its mirrored tickets, says what differs, and goes on.`,
  'restored-ticket': (p) =>
    `Since ${desk(p)} was restored, the ticket ${number(p)} there is gone, or is another one, so the mirror is paused. Escalate again; resume the mirror only if it is the right ticket after all.`,
  'late-mail': (p) =>
    `This would mail the end user now what was written ${p.written === undefined ? 'over four hours ago' : `at ${p.written}`}. Release it if it should still be mailed, or drop it.`,
  'ping-pong': () =>
    'The two desks answer each other faster than people can, so the mirror is paused. Find the automation that answers, switch it off for these notes, then resume the mirror.',
  'attachment-failed': (p) =>
    `The file ${name(p)} could not be brought along.${detail(p)} The note went without it; send the file again if it is needed.`,
  'attachment-off': (p) =>
    `The file ${name(p)} was left behind: attachments are off in the outbound settings. Switch them on if files should travel.`,
  auth: (p) =>
    `${desk(p)} does not accept Ferry's credentials.${detail(p)} Renew them; Ferry tries again by itself every 15 minutes.`,
  trouble: (p) => `${desk(p)} could not take it for now.${detail(p)} Ferry tries again by itself.`,
  'set-aside': () =>
    'It was held for 15 minutes and nobody came, so what follows has gone on without it. Release it or drop it; if released it says when it was written.',
  'dead-head': (p) =>
    `It waits for the escalation before it: no ticket is open at ${desk(p)} yet. Release or drop the escalation first.`,
  'not-live-yet': () => 'The link is not live yet, so nothing is carried. Set it to live when both sides are ready.',
  'before-go-live': () => 'It was recorded before the link went live, so it is not carried. Nothing to do.',
  'escalation-overdue': (p) =>
    `The escalation has not opened a ticket at ${desk(p)} within 15 minutes.${detail(p)} Ferry goes on trying; call ${desk(p)} if it is urgent.`,
  'field-waits-for-action': (p) =>
    `The field ${name(p)} travels only together with an action that is sent. Change it on such an action, or set its row to "always".`,
  'quoted-dropped': () => 'The quoted mail below the text was left out, as the outbound settings say. Nothing to do.',
  'too-long': (p) =>
    `${p.name === undefined ? 'The text' : p.name} is longer than can be carried in one note, so it was left out here. Read it in the desk where it was written.`,
  shortened: (p) =>
    `${p.name === undefined ? 'A text' : name(p)} is longer than ${desk(p)} takes${p.expected === undefined ? '' : ` (${p.expected})`}, so it was cut there. The whole of it stands in the note, or is attached to it.`,
  'mail-on-mail': (p) =>
    `The action already mailed somebody, so ${desk(p)} did not mail the end user again. Map it onto an action that does not mail.`,
  'replayed-quietly': (p) =>
    `It was carried once more, later than it was meant to be, so ${desk(p)} did not mail the end user. Nothing to do, unless the end user has to be told.`,
  'sends-back': (p) =>
    `The action ${name(p)} at ${desk(p)} is itself sent to this link and could send back what arrived. Map onto an action that is not sent.`,
  'content-expired': () =>
    'The content was deleted when its retention period ended, so it can no longer be delivered. Send it again from the helpdesk if it is needed.',
  dropped: () => 'Somebody dropped it by hand, so it was not delivered. Nothing to do.',
  'link-pairing': (p) =>
    `The link${p.desk === undefined ? '' : ` with ${p.desk}`} is not complete yet: its checks have not all gone well.${detail(p)} See ferry link status, correct what it names, then check again with ferry link check.`,
  'link-suspended': (p) =>
    `The link${p.desk === undefined ? '' : ` with ${p.desk}`} is suspended, so nothing is carried on it and everything waits.${detail(p)} ferry link resume lets it go on.`,
  'link-paused': (p) =>
    `The link${p.desk === undefined ? '' : ` with ${p.desk}`} is paused${p.written === undefined ? '' : ` until ${p.written}`}, so nothing is carried on it and everything waits.${detail(p)} It goes on by itself then; ferry link resume lets it go on at once.`,
  'link-quarantined': (p) =>
    `The link${p.desk === undefined ? '' : ` with ${p.desk}`} is in quarantine, so nothing is carried on it and everything waits: a gateway seems to have been restored from a backup or cloned.${detail(p)} ferry link resume compares both sides, says what differs, and goes on.`,
  'link-closed': (p) =>
    `The link${p.desk === undefined ? '' : ` with ${p.desk}`} has ended, so this did not go there. Use another way, or pair again.`,
  'link-ended': (p) =>
    `The link with ${desk(p)} has ended. What is written here no longer goes there, and nothing comes from there.${p.number === undefined ? '' : ` The ticket there was ${p.number}.`}${detail(p)}`,
  gap: () =>
    'Something that was sent before it on this lane has not arrived here yet, so it waits. Send what is missing first, then this again.',
  'seq-taken': (p) =>
    `Another action has this seq already${p.expected === undefined ? '' : `; the next one is ${p.expected}`}. The sender was restored from a backup or cloned, or counts wrongly; compare both ends of the link before it goes on.`,
  'too-many-waiting': (p) =>
    `So much of this link waits to be carried to ${desk(p)} that nothing more is taken for now. Nothing is lost: it is sent again by itself. Somebody there sees by ferry status what keeps it.`,
  'constant-differs': () =>
    'An action with this id is known with other contents, and what left its origin never changes. Send new contents under a new id.',
  'bad-signature': (p) =>
    `The signature of its origin is missing or does not fit, so nobody can tell who said this, and it was not taken.${detail(p)} Check the keys that the origin publishes.`,
  'attachment-missing': (p) =>
    `The bytes of the file ${name(p)} have not arrived. Put them to /v1/attachments first, then send the action again.`,
  'unknown-action': () =>
    'The receipt tells of an action that was never sent on this lane. Nothing to do, unless this gateway was restored from a backup.',
  'ticket-taken': (p) =>
    `The ticket ${number(p)} is the counterpart of another escalation already, and a ticket has one on a link. Tell of the ticket that was opened for this one.`,
  'read-by-client': (p) => `${desk(p)} has read it and has not said within an hour what became of it. Nothing to do.`,
  'no-room': (p) =>
    `Ferry's disk has too little room for the file ${name(p)}. Free some: it waits, and is carried by itself then. FERRY_LIMITS says how much is left free (freeMiB).`,
};

/**
 * Total: unknown parameters are left out of the text, never an error. Others' words may hold what no database stores
 * (NUL, half a character); the reason never does, since an outcome that can't be written down would be retried for ever.
 */
export function reason(code: ReasonCode, params: ReasonParams = {}): Reason {
  const text = texts[code](params).toWellFormed().replaceAll('\0', '');
  return { code, text: text.charAt(0).toUpperCase() + text.slice(1) };
}

/**
 * As another organisation is told. Versions before this one named the operator in these texts; who it was is in the audit
 * here and no business of others.
 */
export function outward(why: Reason): Reason {
  if (why.code === 'dropped') return reason('dropped');
  return why.code === 'link-suspended' && why.text.includes(' is suspended (by ') ? reason('link-suspended') : why;
}

export function isReasonCode(code: string): code is ReasonCode {
  return (reasonCodes as readonly string[]).includes(code);
}
