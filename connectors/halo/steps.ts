/**
 * A command as Halo requests. One POST makes a note with status, fields, category and priority; files are one request
 * each. What the end user may see goes up first, so that note and files land together; files of a hidden note go up
 * after it, straight onto it, so that they are never on the open ticket.
 */
import { fieldFingerprint, fileFingerprint, noteFingerprint, statusFingerprint } from '#core/text/fingerprint.ts';
import type { Step } from '#core/words/desk.ts';
import type { Attachment, Command, FieldValue } from '#core/words/vocabulary.ts';
import { fileKey } from './attachments.ts';
import { ticketFields } from './fields.ts';

/** Pure. `noteMaxBytes`: longer notes are attached whole. */
export function stepsOf(command: Command, noteMaxBytes: number): readonly Step[] {
  const { supplierReference, ...rest } = eachFileOnce(fitted(command, noteMaxBytes));
  const steps = rest.open === undefined ? actSteps(rest) : openSteps(rest);
  if (supplierReference !== undefined) steps.push(step('reference', { ...nothing(rest), supplierReference }, []));
  return steps.length > 0 ? steps : [step('fields', nothing(rest), [])];
}

function openSteps(command: Command): Step[] {
  const { attachments } = command;
  const inline = attachments.filter((file) => file.inline);
  const later = { ...nothing(command), visibility: 'visible' } as const;
  return [
    step('open', { ...command, attachments: inline }, []),
    ...attachments.map((file) => fileStep(later, file)),
    // Its pictures have URLs only now, and it can say which files did not come.
    ...(attachments.length === 0 ? [] : [step('content', { ...later, note: command.note, attachments }, [])]),
  ];
}

function actSteps(command: Command): Step[] {
  const { attachments, visibility, note, kind, summary, category, fields } = command;
  const steps: Step[] = [];
  const isAction = note !== null || kind !== null || attachments.length > 0;
  const onTicket = Object.fromEntries(Object.entries(fields).filter(([name]) => isTicketField(name)));
  const beside: Command = {
    ...nothing(command),
    fields: isAction ? onTicket : fields,
    ...(summary === undefined ? {} : { summary }),
    ...(category === null || (!isAction && category !== undefined) ? { category } : {}),
    ...(isAction || command.priority === undefined ? {} : { priority: command.priority }),
    ...(isAction || command.status === undefined ? {} : { status: command.status }),
  };
  if (isAction) {
    const first = attachments.filter((file) => file.inline || visibility === 'visible');
    const behind = attachments.filter((file) => !first.includes(file));
    const { summary: _summary, ...main } = command;
    const action = { ...main, attachments: first, fields: without(fields, onTicket) };
    steps.push(...first.map((file) => fileStep({ ...nothing(command), kind }, file)));
    steps.push(step('all', action, fingerprints(action)));
    // The note goes along to find the action that it became.
    steps.push(...behind.map((file) => fileStep({ ...nothing(command), kind, note }, file)));
  }
  const { status, priority } = beside;
  const isMore =
    summary !== undefined ||
    beside.category !== undefined ||
    status !== undefined ||
    priority !== undefined ||
    Object.keys(beside.fields).length > 0;
  if (isMore) steps.push(step(status !== undefined && summary === undefined ? 'status' : 'fields', beside, []));
  return steps;
}

export function isTicketField(name: string): boolean {
  return name === ticketFields.start || name === ticketFields.target;
}

function without(fields: Command['fields'], some: Command['fields']): Record<string, FieldValue> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !(name in some)));
}

/** The same bytes under the same name are one file: a second one would be on the ticket and bound to no note. */
function eachFileOnce(command: Command): Command {
  const files = new Map(command.attachments.map((file) => [file.inline ? file.id : fileKey(file), file]));
  return files.size === command.attachments.length ? command : { ...command, attachments: [...files.values()] };
}

/** The note as a file where Halo would not take it. */
function fitted(command: Command, noteMaxBytes: number): Command {
  const { note } = command;
  const bytes = note === null ? 0 : Buffer.byteLength(note);
  if (note === null || bytes <= noteMaxBytes) return command;
  const file: NoteFile = {
    id: wholeNoteId,
    name: 'note.html',
    type: 'text/html',
    sizeBytes: bytes,
    inline: false,
    sha256: null,
    noteText: note,
  };
  const said = `This note has ${bytes} bytes, more than one note takes here. It is attached whole: ${file.name}`;
  const files = command.attachments.map((one) => ({ ...one, inline: false }));
  return { ...command, note: `<p>${said}</p>`, attachments: [file, ...files] };
}

const wholeNoteId = 'ferry-whole-note';
type NoteFile = Attachment & { readonly noteText: string };

/** The text of a note that travels as a file; null for every other file. */
export function wholeNote(file: Attachment): string | null {
  return file.id === wholeNoteId && 'noteText' in file ? (file as NoteFile).noteText : null;
}

function nothing(command: Command): Command {
  const { ticketId, visibility, author, at } = command;
  return {
    ticketId,
    kind: null,
    note: null,
    visibility,
    mailsUser: false,
    author,
    at,
    fields: {},
    attachments: [],
  };
}

function fileStep(command: Command, file: Attachment): Step {
  // Halo shows a file as no action, so there is no echo to wait for.
  return step('attachment', { ...command, attachments: [file] }, []);
}

function step(name: Step['name'], command: Command, fingerprints: readonly string[]): Step {
  return { name, command, fingerprints };
}

/** An action without a note is known again by whichever of its changes were changes. */
function fingerprints({ note, visibility, status, fields, attachments }: Command): string[] {
  const empty = noteFingerprint('', visibility);
  const byNote = note === null ? empty : noteFingerprint(note, visibility);
  if (byNote !== empty) return [byNote];
  const byFields = Object.entries(fields).map(([name, value]) => fieldFingerprint(name, value));
  const byFiles = attachments.map((file) => fileFingerprint(file.name, file.sizeBytes));
  return [
    ...(status === undefined ? [] : [statusFingerprint(status)]),
    ...(byFields.length === 0 ? [] : [byFields.toSorted().join('&')]),
    ...(byFiles.length === 0 ? [] : [byFiles.toSorted().join('&')]),
    empty,
  ];
}
