/** What `ferry preview` says, and what `ferry apply --dry-run` says of actions that would end otherwise. */
import type { LinkChange } from '#operate/preview/change.ts';
import type { PreviewEntry, Previewed, ShownCommand, ShownWould } from '#operate/preview/entry.ts';
import type { TicketPreview } from '#operate/preview/ticket.ts';
import { count, printable, shortly } from './text.ts';

const indent = ' '.repeat(6);

export function ticketLines({
  link,
  instance,
  ticket,
  mirrored,
  wouldEscalate,
  entries,
  left,
}: TicketPreview): string[] {
  const head = mirrored
    ? `${instance} ${ticket} on ${link}: what each of its actions would do`
    : `${instance} ${ticket} is not mirrored on ${link}: what its actions would do if it had been from the first one on`;
  return [
    printable(head),
    ...(wouldEscalate === null
      ? []
      : [printable(`None of its actions would escalate it. What does: ${wouldEscalate}.`)]),
    ...(left ? ['Older actions are not shown.'] : []),
    ...entries.flatMap(entryLines),
  ];
}

function entryLines({ before, would, ...entry }: PreviewEntry & { readonly before?: ShownWould }): string[] {
  return [
    '',
    headLine(entry),
    ...(before === undefined
      ? wouldLines('would', would)
      : [...wouldLines('now', before), ...wouldLines('after', would)]),
  ];
}

export function changeLines({ link, looked, expired, otherwise }: LinkChange): string[] {
  const of = `${link}: of the last ${count(looked, 'action')}`;
  const gone = expired === 0 ? '' : ` (${count(expired, 'older one')} no longer kept)`;
  if (otherwise.length === 0) return [`${of} none would end otherwise${gone}.`];
  return [
    `${of} ${otherwise.length === 1 ? 'this one' : `these ${otherwise.length}`} would end otherwise${gone}:`,
    ...otherwise.flatMap(({ before, after, ...one }) => [
      `  ${headLine(one)}`,
      ...wouldLines('now', before),
      ...wouldLines('after', after),
    ]),
  ];
}

export function headLine({
  at,
  from,
  to,
  kind,
  escalation,
  ended,
}: Omit<Previewed, 'delivery' | 'action' | 'link'>): string {
  const what = kind === null ? 'a change' : `"${kind}"`;
  const was =
    ended === null ? '' : ` (it was ${ended.outcome}${ended.reason === null ? '' : `: ${ended.reason.code}`})`;
  return printable(
    `${at.slice(0, 19).replace('T', ' ')}  ${from.instance} ${from.ticket} ${what}${escalation ? ', escalation' : ''} → ${to.instance}${to.ticket === null ? '' : ` ${to.ticket}`}${was}`,
  );
}

const verdicts = { skip: 'not be carried', refuse: 'be refused', hold: 'be held' } as const;
const heads = { would: 'would', now: 'now: would', after: 'then: would' } as const;

export function wouldLines(when: keyof typeof heads, would: ShownWould): string[] {
  const head = `${indent}${heads[when]}`;
  if (would.verdict === 'apply')
    return [
      printable(`${head} ${commandText(would.command)}`),
      ...noteLines(would.command),
      ...would.drops.map(({ code, text }) => printable(`${indent}  left out: ${text} [${code}]`)),
    ];
  if (would.verdict === 'leave') {
    const { kind, type, audience, noteBytes, files, fileBytes } = would.shape;
    const parts = [
      kind === null ? 'a change' : `"${kind}"`,
      ...(type === null ? [] : [`type "${type}"`]),
      `audience ${audience}`,
      `a note of ${count(noteBytes, 'byte')}`,
      ...(files === 0 ? [] : [`${count(files, 'file')} of ${count(fileBytes, 'byte')}`]),
    ];
    return [
      printable(`${head} leave: ${parts.join(', ')}. The other side decides what happens to it.`),
      ...would.drops.map(({ code, text }) => printable(`${indent}  left out: ${text} [${code}]`)),
    ];
  }
  const { code, text } = would.reason;
  return [printable(`${head} ${verdicts[would.verdict]}: ${text} [${code}]`)];
}

function commandText(command: ShownCommand): string {
  const { open, kind, visibility, mailsUser, author, status, category, priority, summary, fields, noteBytes, files } =
    command;
  const action = kind === null ? 'a plain change' : `"${kind}"`;
  const parts = [
    open === undefined
      ? `apply ${action}`
      : `open a ticket${open.type === undefined ? '' : ` of type "${open.type}"`} for "${open.account}"`,
    noteBytes === 0 ? 'no note' : `a ${visibility} note of ${count(noteBytes, 'byte')}`,
    ...(mailsUser ? ['mails the end user'] : []),
    ...(status === undefined ? [] : [`status "${status}"`]),
    ...(category === undefined ? [] : [`category ${shortly(category)}`]),
    ...(priority === undefined ? [] : [`priority ${shortly(priority)}`]),
    ...(summary === undefined ? [] : [`summary ${shortly(summary)}`]),
    ...Object.entries(fields).map(([name, value]) => `${name}: ${shortly(value, 60)}`),
    ...(files.length === 0 ? [] : [count(files.length, 'file')]),
    `by ${author.localAccount ?? author.display}`,
  ];
  return parts.join(', ');
}

function noteLines({ note }: ShownCommand): string[] {
  return note === undefined ? [] : note.split('\n').map((line) => `${indent}  | ${printable(line)}`);
}
