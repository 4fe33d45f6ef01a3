/** Makes the changes of a step: one request each, except that a requester without an e-mail address is looked up first. */
import { Readable } from 'node:stream';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { PerformOptions } from '#connectors/contract/helpdesk.ts';
import type { Step, Written } from '#core/words/desk.ts';
import { defuseTags } from '#core/text/defuse.ts';
import type { Attachment, Command } from '#core/words/vocabulary.ts';
import { missingTicket } from './errors.ts';
import type { SentChange } from './sentences.ts';
import { multipart } from './multipart.ts';
import { composeNote, noteTextOf, uploads } from './notes.ts';
import { markedHtml } from './parts.ts';
import { checkStatus, customFields, priorityNumber, referenceOf, requestorOf } from './prepare.ts';
import { askTicket, numberOf, urlOf } from './ask.ts';
import type { Reader } from './ask.ts';
import { checkSentences } from './sentences.ts';
import { changesOf, isEmpty, messageKind } from './steps.ts';
import type { Changes } from './steps.ts';
import { createdSchema, sentencesSchema } from './wire.ts';

export async function perform(reader: Reader, step: Step, options: PerformOptions): Promise<Written> {
  const { command } = step;
  checkStatus(reader, command.status);
  if (command.open !== undefined) return openTicket(reader, command, command.open, options);
  const ticketId = command.ticketId ?? options.snapshot?.ticketId;
  if (ticketId === undefined) {
    throw new HelpdeskError('refused', 'no-ticket', 'The command names no ticket of RT.');
  }
  const changes = changesOf(command, reader.options);
  const note = composeNote(command);
  // RT takes notes and changes for deleted tickets too. A snapshot vouches for the ticket; without one it is asked.
  if (options.snapshot === null) {
    const asked = await askTicket(reader, ticketId, options.signal);
    if (asked.kind === 'gone') throw missingTicket(ticketId);
  }
  if (note !== null) return writeMessage(reader, ticketId, note, command, changes, options);
  return writeChanges(reader, ticketId, changes, step, options);
}

async function openTicket(
  reader: Reader,
  command: Command,
  open: NonNullable<Command['open']>,
  options: PerformOptions,
): Promise<Written> {
  const changes = changesOf(command, reader.options);
  const { remoteRefField } = reader.options;
  const reference = referenceOf(open, options.marker);
  const fields = await customFields(reader, { ...changes.fields, [remoteRefField]: reference }, options.signal);
  const note = composeNote(command);
  const requestor = await requestorOf(reader, open.requester, options.signal);
  const ticket = {
    Queue: open.account,
    Subject: defuseTags(open.summary),
    ...(requestor === null ? {} : { Requestor: requestor }),
    ...(note === null ? {} : { Content: note, ContentType: markedHtml(options.marker, command.mailsUser) }),
    ...(changes.status === undefined ? {} : { Status: changes.status }),
    ...(changes.priority === undefined ? {} : { Priority: priorityNumber(reader, changes.priority) }),
    CustomFields: fields,
  };
  const { value } = await reader.client.write(
    {
      method: 'POST',
      path: '/ticket',
      link: options.link,
      notAfter: options.notAfter,
      ...bodyOf(reader, ticket, command, options),
    },
    createdSchema,
    { what: `open a ticket in ${open.account}`, write: true, about: 'instance' },
    options.signal,
  );
  return { ticketId: value.id, actionIds: [], number: numberOf(value.id), url: urlOf(reader.client, value.id) };
}

async function writeMessage(
  reader: Reader,
  ticketId: string,
  note: string,
  command: Command,
  changes: Changes,
  options: PerformOptions,
): Promise<Written> {
  const kind = messageKind(command);
  const fields = await customFields(reader, changes.fields, options.signal);
  const message = {
    Content: note,
    ContentType: markedHtml(options.marker, command.mailsUser && kind === 'correspond'),
    ...(changes.status === undefined ? {} : { Status: changes.status }),
    ...(Object.keys(fields).length === 0 ? {} : { CustomFields: fields }),
  };
  try {
    const { value, headers } = await reader.client.write(
      {
        method: 'POST',
        path: `/ticket/${encodeURIComponent(ticketId)}/${kind}`,
        link: options.link,
        notAfter: options.notAfter,
        ...bodyOf(reader, message, command, options),
      },
      sentencesSchema,
      { what: `write to ticket #${ticketId}`, write: true, about: 'ticket' },
      options.signal,
    );
    checkSentences(value, askedFor(changes));
    const id = /\/transaction\/(\d+)$/.exec(headers['location'] ?? '')?.[1];
    return { ticketId, actionIds: id === undefined ? [] : [id] };
  } catch (error) {
    throw await explained(reader, ticketId, error, options.signal);
  }
}

async function writeChanges(
  reader: Reader,
  ticketId: string,
  changes: Changes,
  step: Step,
  options: PerformOptions,
): Promise<Written> {
  if (isEmpty(changes)) return { ticketId, actionIds: [] };
  const fields = await customFields(reader, changes.fields, options.signal);
  const ticket = {
    ...(changes.summary === undefined ? {} : { Subject: changes.summary }),
    ...(changes.priority === undefined ? {} : { Priority: priorityNumber(reader, changes.priority) }),
    ...(changes.status === undefined ? {} : { Status: changes.status }),
    ...(Object.keys(fields).length === 0 ? {} : { CustomFields: fields }),
  };
  // A step that follows another of the same command comes after a change of our own, which the snapshot does not know.
  const version = step.name === 'all' ? options.snapshot?.version : undefined;
  const { value } = await reader.client.write(
    {
      method: 'PUT',
      path: `/ticket/${encodeURIComponent(ticketId)}`,
      link: options.link,
      notAfter: options.notAfter,
      headers: {
        'content-type': 'application/json',
        ...(version === undefined ? {} : { 'if-match': `"${version}"` }),
      },
      body: JSON.stringify(ticket),
      timeoutMs: reader.options.writeTimeoutMs,
    },
    sentencesSchema,
    { what: `change ticket #${ticketId}`, write: true, about: 'ticket' },
    options.signal,
  );
  checkSentences(value, askedFor(changes));
  return { ticketId, actionIds: [] };
}

function bodyOf(reader: Reader, message: unknown, command: Command, options: PerformOptions) {
  const files = uploads(command);
  const timeoutMs = reader.options.writeTimeoutMs;
  if (files.length === 0) {
    return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(message), timeoutMs };
  }
  return { ...multipart(message, files, (file) => openFile(file, options)), timeoutMs };
}

function openFile(file: Attachment, options: PerformOptions): Readable {
  const text = noteTextOf(file);
  return text === null ? options.openStaged(file) : Readable.from([Buffer.from(text)]);
}

function askedFor(changes: Changes): SentChange {
  const fields = Object.keys(changes.fields);
  const words = [
    ...(changes.status === undefined ? [] : [`status ${changes.status}`]),
    ...(changes.priority === undefined ? [] : [`priority ${changes.priority}`]),
    ...(changes.summary === undefined ? [] : ['subject']),
    ...fields,
  ];
  return { fields, words };
}

/** A message to a ticket that is not there is answered with 400 and words about rights; what it means is asked then. */
async function explained(reader: Reader, ticketId: string, error: unknown, signal: AbortSignal): Promise<unknown> {
  if (!(error instanceof HelpdeskError) || error.code !== 'refused-by-rt') return error;
  const asked = await askTicket(reader, ticketId, signal).catch(() => null);
  return asked?.kind === 'gone' ? missingTicket(ticketId) : error;
}
