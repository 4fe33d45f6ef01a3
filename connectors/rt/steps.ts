/**
 * How a command becomes requests. A note takes status, category and fields along in one request (RT does them in this
 * order: note, fields, status); subject and priority can't ride along, then everything but the note follows in a second.
 */
import type { Step } from '#core/words/desk.ts';
import { defuseTags } from '#core/text/defuse.ts';
import type { Command, FieldValue } from '#core/words/vocabulary.ts';
import { fingerprintOfAction } from './history.ts';
import { composeNote, fitted, uploads } from './notes.ts';
import type { RtOptions } from './wire.ts';

/** RT keeps far longer texts, but turns each into mails and pages. */
export const noteMaxBytes = 256 * 1024;

export type Changes = {
  readonly status?: string;
  readonly priority?: string;
  readonly summary?: string;
  /** Custom fields by name: the command's own, the category and the supplier reference. */
  readonly fields: Readonly<Record<string, FieldValue>>;
};

/** Everything of the command but its note, in RT's terms. */
export function changesOf(command: Command, options: RtOptions): Changes {
  const fields: Record<string, FieldValue> = { ...command.fields };
  if (command.category !== undefined && options.categoryField !== undefined) {
    fields[options.categoryField] = command.category;
  }
  if (command.supplierReference !== undefined) {
    const reference = command.supplierReference;
    fields[options.supplierRefField] =
      reference === null ? null : [...(reference.beside ?? []), `${reference.number} ${reference.url}`].join('\n');
  }
  return {
    ...(command.status === undefined ? {} : { status: command.status }),
    ...(command.priority === undefined || command.priority === null ? {} : { priority: command.priority }),
    ...(command.summary === undefined ? {} : { summary: defuseTags(command.summary) }),
    fields,
  };
}

export function stepsOf(asked: Command, options: RtOptions): readonly Step[] {
  const command = fitted(asked, noteMaxBytes);
  const note = composeNote(command);
  if (command.open !== undefined) {
    // A ticket's first text is always visible in RT; a hidden one follows as a comment.
    if (note === null || command.visibility === 'visible') return [step('open', command, options)];
    return [
      step('open', { ...command, note: null, attachments: [] }, options),
      step('content', onlyNote(withoutOpen(command)), options),
    ];
  }
  const changes = changesOf(command, options);
  const ridesAlong = changes.summary === undefined && changes.priority === undefined;
  if (note !== null && !ridesAlong) {
    return [
      step('content', onlyNote(command), options),
      step(changes.status === undefined ? 'fields' : 'status', { ...command, note: null, attachments: [] }, options),
    ];
  }
  if (note !== null) return [step(isEmpty(changes) ? 'content' : 'all', command, options)];
  const onlyReference =
    command.supplierReference !== undefined &&
    Object.keys(changes.fields).length === 1 &&
    changes.status === undefined &&
    ridesAlong;
  return [step(onlyReference ? 'reference' : 'all', command, options)];
}

export function isEmpty(changes: Changes): boolean {
  return (
    changes.status === undefined &&
    changes.priority === undefined &&
    changes.summary === undefined &&
    Object.keys(changes.fields).length === 0
  );
}

/** Correspondence only where it is meant for the user; a row that names Comment is never widened. */
export function messageKind(command: Command): 'correspond' | 'comment' {
  return command.visibility === 'visible' && command.kind !== 'Comment' ? 'correspond' : 'comment';
}

function step(name: Step['name'], command: Command, options: RtOptions): Step {
  return { name, command, fingerprints: fingerprintsOf(command, options) };
}

function onlyNote(command: Command): Command {
  const { status: _, category: __, priority: ___, summary: ____, supplierReference: _____, ...rest } = command;
  return { ...rest, fields: {} };
}

function withoutOpen(command: Command): Command {
  const { open: _, ...rest } = command;
  return rest;
}

/** RT records each change as a transaction of its own; those of a new ticket are all in the one that makes it. */
function fingerprintsOf(command: Command, options: RtOptions): readonly string[] {
  const note = composeNote(command);
  const files = uploads(command).map(({ name, sizeBytes }) => ({ name, sizeBytes }));
  const changes = changesOf(command, options);
  const found: string[] = [];
  if (command.open !== undefined || note !== null) {
    const visible = command.open !== undefined || messageKind(command) === 'correspond';
    found.push(fingerprintOfAction({ note, visibility: visible ? 'visible' : 'hidden', words: { fields: {} }, files }));
    if (command.open !== undefined) return found;
  }
  const single = (words: Parameters<typeof fingerprintOfAction>[0]['words']): void => {
    found.push(fingerprintOfAction({ note: null, visibility: 'visible', words, files: [] }));
  };
  for (const [name, value] of Object.entries(changes.fields)) {
    if (name === options.categoryField) single({ category: value === null ? null : String(value), fields: {} });
    else single({ fields: { [name]: value } });
  }
  if (changes.summary !== undefined) single({ summary: changes.summary, fields: {} });
  if (changes.priority !== undefined) single({ priority: changes.priority, fields: {} });
  if (changes.status !== undefined) single({ status: changes.status, fields: {} });
  return found;
}
