/** A timeline for people: who did what where, and below each action its result at the other desk. */
import type { Reason } from '#core/words/vocabulary.ts';
import { contactText } from '#core/text/contact.ts';
import { count, printable } from './text.ts';
import type { DeliveryLine, Entry, MirrorLine, TicketName, Timeline } from '#operate/trace/timeline.ts';

const indent = ' '.repeat(14);

export function headLines({ instance, ticket, mirrors }: Timeline): string[] {
  if (mirrors.length === 0) return [`${instance} ${ticket}: not mirrored with another desk`];
  return mirrors.flatMap(mirrorLines);
}

function mirrorLines(mirror: MirrorLine): string[] {
  const { customer, supplier, link, mode, state } = mirror;
  const parts = [
    `${name(customer)} ⇄ ${name(supplier)}`,
    `link ${link}`,
    mode === 'shadow' ? `shadow, ${state}` : state,
    ...(mirror.closeReason === null ? [] : [`closed: ${mirror.closeReason}`]),
    ...(mirror.linkState === 'active' ? [] : [`the link is ${mirror.linkState}, see ferry link status ${mirror.link}`]),
    ...(mirror.pausedBecause === null
      ? []
      : [`paused: ${mirror.pausedBecause}, to continue: ferry resume ${mirror.id}`]),
  ];
  const urls = [customer.url, supplier.url].filter((url) => url !== null && url !== '');
  return [printable(parts.join(' · ')), ...urls.map((url) => `  ${printable(url ?? '')}`)];
}

function name({ instance, ticket, number }: TicketName): string {
  return `${instance} ${number ?? ticket ?? '(not open yet)'}`;
}

/** Writes an entry as lines; the date precedes the first entry of each day. */
export function entryLines(entry: Entry, dayBefore: string | null): string[] {
  const day = entry.at.slice(0, 10);
  return [
    ...(day === dayBefore ? [] : ['', day]),
    `${entry.at.slice(11, 23).padEnd(12)}  ${what(entry)}`,
    ...noteLines(entry),
    ...(entry.editedAt === undefined
      ? []
      : [
          `${indent}edited: somebody changed its text later (seen ${entry.editedAt.slice(0, 16)}Z); the carried text did not change`,
        ]),
    ...(entry.reason === null ? [] : [`${indent}not carried: ${reasonText(entry.reason)}`]),
    ...entry.deliveries.flatMap(deliveryLines),
  ];
}

function what(entry: Entry): string {
  if (entry.instance === '') return 'an action of another ticket';
  const details = [
    ...(entry.hasNote && entry.audience !== null ? [`note for ${entry.audience}`] : []),
    ...entry.changes,
    ...(entry.files > 0 ? [count(entry.files, 'file')] : []),
    ...(entry.seenAfterMs === null ? [] : [`seen after ${took(entry.seenAfterMs)}`]),
  ];
  const who = entry.author === undefined ? '' : ` ${entry.author}`;
  const kind = entry.kind === null ? '' : ` "${entry.kind}"`;
  return printable(
    `${entry.instance} ${entry.ticket}  ${entry.role ?? 'somebody'}${who}${kind}${details.length > 0 ? ` (${details.join(', ')})` : ''}`,
  );
}

function noteLines({ note }: Entry): string[] {
  if (note === undefined) return [];
  return note.split('\n').map((line) => `${indent}| ${printable(line)}`);
}

function deliveryLines(delivery: DeliveryLine): string[] {
  const to = `${delivery.to}${delivery.toTicket === null ? '' : ` ${delivery.toTicket}`}`;
  const sort = delivery.tells === null ? sortOf(delivery) : tells(delivery.tells);
  const spent = delivery.tookMs === null ? '' : ` in ${took(delivery.tookMs)}`;
  const tries = delivery.attempts.length > 1 ? `, ${count(delivery.attempts.length, 'attempt')}` : '';
  const ended = delivery.endedAt === null ? '' : ` at ${delivery.endedAt.slice(11, 23)}`;
  const state = delivery.state === 'set-aside' ? 'set aside' : delivery.state;
  return [
    printable(`${indent}${delivery.kind === 'receipt' ? '↩' : '→'} ${to}: ${sort}${state}${spent}${ended}${tries}`),
    ...becameLines(delivery),
    ...because(delivery),
    ...(delivery.contact === null ? [] : [printable(`${indent}    on duty there: ${contactText(delivery.contact)}`)]),
    ...farLines(delivery),
    ...delivery.drops.map((drop) => `${indent}    left out: ${reasonText(drop)}`),
    ...writeLines(delivery),
    ...attemptLines(delivery),
    ...(delivery.state === 'held' || delivery.state === 'set-aside'
      ? [`${indent}    ferry release ${delivery.id}  or  ferry skip ${delivery.id}`]
      : []),
  ];
}

function sortOf({ kind, escalation }: DeliveryLine): string {
  if (kind === 'copy') return 'already arrived another way, ';
  return escalation ? 'escalation ' : '';
}

function tells({ outcome, number, reason }: NonNullable<DeliveryLine['tells']>): string {
  const about = outcome === 'applied' ? (number === null ? '' : `, it is ${number}`) : `: ${reason.code}`;
  return `receipt (${outcome}${about}) `;
}

/** Shows the other gateway's half: when it received the action and when the action ended there, by its own clock. */
function farLines({ far, acceptedAt, link }: DeliveryLine): string[] {
  if (far === null)
    return acceptedAt === null ? [] : [`${indent}    the other gateway received it at ${clock(acceptedAt)}`];
  const ended = far.endedAt === null ? 'not ended' : `ended ${clock(far.endedAt)}`;
  const tries = far.attempts > 1 ? `, ${count(far.attempts, 'attempt')}` : '';
  return [printable(`${indent}    there (${link ?? 'link'}): received ${clock(far.acceptedAt)}, ${ended}${tries}`)];
}

function clock(at: string): string {
  return new Date(at).toISOString().slice(11, 23);
}

/** What a receipt writes is Ferry's own note. */
function becameLines({ became, tells }: DeliveryLine): string[] {
  if (became === null || tells !== null) return [];
  const { kind, visibility, status, category, priority } = became;
  const parts = [
    ...(kind === null ? [] : [`"${kind}"`]),
    ...(visibility === null ? [] : [`note ${visibility} there`]),
    ...Object.entries({ status, category, priority }).flatMap(([what, value]) =>
      value === null ? [] : [`${what} "${value}"`],
    ),
  ];
  return [printable(`${indent}    as: ${parts.join(', ')}`)];
}

function because({ reason }: DeliveryLine): string[] {
  return reason === null ? [] : [`${indent}    because: ${reasonText(reason)}`];
}

/** How far a change at the desk is. */
const writeWords: Readonly<Record<string, string>> = {
  open: 'promised, not seen there yet',
  made: 'made, not seen there yet',
  settled: 'seen there',
  absent: 'was not made',
};

function writeLines({ writes }: DeliveryLine): string[] {
  const unsettled = writes.filter(({ state }) => state !== 'settled');
  const shown = writes.length > 1 || unsettled.length > 0 ? writes : [];
  return shown.map(
    ({ step, state, settledMs }) =>
      `${indent}    write ${step + 1}: ${writeWords[state] ?? state}${settledMs === null ? '' : ` after ${took(settledMs)}`}`,
  );
}

/** How many of many attempts at a delivery to show. */
const firstShown = 2;
const lastShown = 3;

/** Lists the attempts if there were several; a single successful one adds nothing to the line above. */
function attemptLines({ attempts }: DeliveryLine): string[] {
  if (attempts.length <= 1) return [];
  const lines = attempts.map(({ at, durationMs, result, reason }) =>
    printable(
      `${indent}    ${at.slice(11, 23)} ${result} in ${took(durationMs)}${reason === null ? '' : `, ${reason.code}`}`,
    ),
  );
  const left = lines.length - firstShown - lastShown;
  if (left < 2) return lines;
  return [
    ...lines.slice(0, firstShown),
    `${indent}    … ${left} more; --json has all of them`,
    ...lines.slice(-lastShown),
  ];
}

function reasonText({ code, text }: Reason): string {
  return printable(`${text} [${code}]`);
}

function took(ms: number): string {
  if (Math.abs(ms) < 10_000) return `${ms} ms`;
  const seconds = Math.round(ms / 1000);
  return Math.abs(seconds) < 600 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
