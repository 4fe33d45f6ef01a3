/** Makes the changes. Quiet unless the command says otherwise: no mail, no automation, nothing sent on by Halo itself. */
import { Readable } from 'node:stream';
import { HelpdeskError } from '#connectors/helpdesk.ts';
import type { PerformOptions, Step, Written } from '#connectors/helpdesk.ts';
import type { Attachment, Command, FieldValue } from '#core/vocabulary.ts';
import { fileKey, fileUrl, findFile, listFiles, uploadFile } from './attachments.ts';
import { byName, same, ticketFields } from './catalogue.ts';
import type { Call } from './client.ts';
import { valueTo } from './fields.ts';
import { escapeHtml, withUrls } from './html.ts';
import { guidOf } from './marker.ts';
import type { Made } from './made.ts';
import { ticketUrl } from './read.ts';
import type { Desk } from './read.ts';
import type { OwnerOf } from './requester.ts';
import { isTicketField, wholeNote } from './steps.ts';
import { haloInstant, instantOf } from './time.ts';
import { action as actionSchema, ticket as ticketSchema } from './wire.ts';
import type { HaloAction, HaloOptions, Ticket } from './wire.ts';

export type Writing = Desk & { readonly ownerOf: OwnerOf; readonly made: Made; readonly options: HaloOptions };

/** Throws HelpdeskError; `in-doubt` when the request may have been carried out. */
export async function performStep(desk: Writing, step: Step, options: PerformOptions): Promise<Written> {
  const { link, signal } = options;
  const { command, name } = step;
  const call: Call = { what: `Writing to ticket ${command.ticketId ?? '(new)'}`, link, signal };
  if (name === 'open') return openTicket(desk, command, options.marker, call);
  const ticketId = command.ticketId ?? '';
  if (!/^[1-9]\d{0,14}$/.test(ticketId)) {
    throw new HelpdeskError('refused', 'no-ticket', 'The step names no ticket of this Halo.');
  }
  switch (name) {
    case 'attachment':
      return attach(desk, ticketId, command, options, call);
    case 'all':
      return act(desk, ticketId, command, options, call);
    case 'content':
      return describe(desk, ticketId, command, call);
    default:
      return change(desk, ticketId, command, call);
  }
}

/** What every write says, so that nobody is mailed and nothing is started. */
function quiet(mailsUser: boolean): Readonly<Record<string, boolean>> {
  return {
    dont_do_rules: true,
    _dont_fire_automations: true,
    ...(mailsUser ? {} : { _prevent_outgoing: true }),
  };
}

async function openTicket(desk: Writing, command: Command, marker: string, call: Call): Promise<Written> {
  const { open, note } = command;
  if (open === undefined) throw new HelpdeskError('refused', 'nothing-to-open', 'The step opens no ticket.');
  const what = { ...call, what: `Opening a ticket for ${open.account}` };
  const owner = await desk.ownerOf(open, what);
  const { type } = open;
  const found =
    type === undefined ? undefined : await desk.glossary.look('ticket type', type, (w) => byName(w.types, type), what);
  const reply = await desk.client.post(
    'Tickets',
    {
      ...owner,
      summary: open.summary,
      // Pictures are attached next; until then they have no source.
      details_html: withUrls(note ?? '', new Map()),
      ...(found === undefined ? {} : { tickettype_id: found.id }),
      ...(open.team === undefined ? {} : { team: open.team }),
      ...(await ticketChanges(desk, command, what)),
      client_reference: open.farNumber,
      thirdparty_url: open.farUrl,
      third_party_id_string: marker,
      reportedby: command.author.display,
      sendack: command.mailsUser,
      donotapplytemplateintheapi: true,
      ...quiet(command.mailsUser),
    },
    ticketSchema,
    what,
  );
  return opened(reply, desk.client.baseUrl);
}

export function opened(ticket: Ticket, baseUrl: string): Written {
  const id = String(ticket.id);
  return { ticketId: id, actionIds: [], number: id, url: ticketUrl(baseUrl, ticket.id) };
}

async function act(
  desk: Writing,
  ticketId: string,
  command: Command,
  options: PerformOptions,
  call: Call,
): Promise<Written> {
  const what = { ...call, what: `Adding an action to ticket ${ticketId}` };
  const { note, visibility, mailsUser, attachments, author } = command;
  const kind = await kindFor(desk, command, options, what);
  const files = await placed(desk, ticketId, command, what);
  const reply = await desk.client.post(
    'Actions',
    {
      ticket_id: Number(ticketId),
      outcome_id: kind.id,
      outcome: kind.name,
      note_html: withUrls(note ?? '', files.urls) + files.missing,
      hiddenfromuser: visibility === 'hidden',
      who: author.localAccount ?? author.display,
      guid: guidOf(options.marker),
      sendemail: mailsUser,
      sync_to_halo_api: 0,
      ...(await actionChanges(desk, command, what)),
      ...(attachments.length === 0 ? {} : { attachments: files.ids.map((id) => ({ id })) }),
      ...quiet(mailsUser),
    },
    actionSchema,
    what,
  );
  desk.made.remember(ticketId, note, reply.id);
  await keepHidden(desk, reply, visibility, what);
  return { ticketId, actionIds: [String(reply.id)] };
}

/** A kind's own setting must not show to the end user what was written hidden. */
async function keepHidden(
  desk: Writing,
  reply: HaloAction,
  visibility: Command['visibility'],
  call: Call,
): Promise<void> {
  if (visibility !== 'hidden' || reply.hiddenfromuser !== false) return;
  const edit = { id: reply.id, ticket_id: reply.ticket_id, hiddenfromuser: true, ...quiet(false) };
  const edited = await desk.client.post('Actions', edit, actionSchema, call);
  if (edited.hiddenfromuser !== false) return;
  const message = `${call.what}: Halo shows the end user a note that was written hidden. Map to a kind that hides it.`;
  throw new HelpdeskError('refused', 'shown-to-user', message);
}

/** The kind that is named, else a plain one that this ticket's workflow allows. */
async function kindFor(
  desk: Writing,
  command: Command,
  options: PerformOptions,
  call: Call,
): Promise<{ readonly id: number; readonly name: string }> {
  const { kind, visibility } = command;
  if (kind !== null) return desk.glossary.look('action kind', kind, (words) => byName(words.kinds, kind), call);
  const configured = desk.options.plainKinds?.[visibility];
  const allowedBy = options.snapshot?.type;
  const wanted = configured ?? `${visibility} plain note`;
  return desk.glossary.look(
    'action kind',
    wanted,
    (words) => {
      if (configured !== undefined) return byName(words.kinds, configured);
      const type = words.catalogue.types.find(({ name }) => name === allowedBy);
      const allowed = words.kinds.filter(({ name, plain }) => plain && type?.kinds?.includes(name) !== false);
      const about = (name: string) => words.catalogue.kinds.find((one) => one.name === name);
      const fitting = allowed.filter(({ name }) => (about(name)?.hidden ?? false) === (visibility === 'hidden'));
      const quietest = fitting.find(({ name }) => about(name)?.sends === 'none');
      return quietest ?? fitting[0] ?? allowed[0];
    },
    call,
  );
}

type Placed = {
  readonly ids: readonly number[];
  /** Of the files, by Ferry's ids. */
  readonly urls: ReadonlyMap<string, string>;
  /** HTML that says which files could not be attached, and why. */
  readonly missing: string;
};

/** Where the files that go with a note already are. */
async function placed(desk: Writing, ticketId: string, { attachments }: Command, call: Call): Promise<Placed> {
  const ids: number[] = [];
  const urls = new Map<string, string>();
  let missing = '';
  const remembered = attachments.map((file) => desk.made.fileId(ticketId, fileKey(file)));
  const list = remembered.includes(undefined) ? await listFiles(desk.client, ticketId, call) : [];
  for (const [index, file] of attachments.entries()) {
    const id = remembered[index] ?? findFile(list, file)?.id;
    if (id === undefined) {
      missing += placeholder(file, desk.made.refusal(ticketId, fileKey(file)));
      continue;
    }
    ids.push(id);
    urls.set(file.id, fileUrl(desk.client.baseUrl, id));
  }
  return { ids, urls, missing };
}

function placeholder(file: Attachment, why = 'Halo did not take it'): string {
  return `<p>${escapeHtml(`[File "${file.name}" could not be attached: ${why}]`)}</p>`;
}

async function attach(
  desk: Writing,
  ticketId: string,
  command: Command,
  options: PerformOptions,
  call: Call,
): Promise<Written> {
  const [file] = command.attachments;
  if (file === undefined) throw new HelpdeskError('refused', 'no-file', 'The step names no file.');
  const text = wholeNote(file);
  // Files that wait on the ticket for their note show to nobody; a hidden note's are bound to it at once.
  const actionId = command.note === null ? null : await desk.made.actionOf(desk, ticketId, command.note, call);
  const upload = {
    ticketId,
    actionId,
    file,
    shownToUser: command.visibility === 'visible',
    marker: options.marker,
    open: () => (text === null ? options.openStaged(file) : Readable.from([Buffer.from(text)])),
  };
  try {
    const done = await uploadFile(desk.client, upload, call);
    desk.made.rememberFile(ticketId, fileKey(file), done.id);
  } catch (error) {
    // A file that can not come never stops its note: the note says so instead.
    if (!(error instanceof HelpdeskError) || error.class !== 'refused') throw error;
    desk.made.rememberRefusal(ticketId, fileKey(file), error.message);
    if (actionId !== null) await addPlaceholder(desk, ticketId, actionId, file, error.message, call);
  }
  return { ticketId, actionIds: [] };
}

async function addPlaceholder(
  desk: Writing,
  ticketId: string,
  actionId: string,
  file: Attachment,
  why: string,
  call: Call,
): Promise<void> {
  const query = { ticket_id: ticketId, includehtmlnote: true };
  const now = await desk.client.get(`Actions/${actionId}`, query, actionSchema, call);
  const note_html = (now.note_html ?? '') + placeholder(file, why);
  const edit = { id: Number(actionId), ticket_id: Number(ticketId), note_html, ...quiet(false) };
  await desk.client.post('Actions', edit, actionSchema, call);
}

/** The description once more, now that its pictures have URLs. */
async function describe(desk: Writing, ticketId: string, command: Command, call: Call): Promise<Written> {
  const { urls, missing } = await placed(desk, ticketId, command, call);
  const details_html = withUrls(command.note ?? '', urls) + missing;
  const element = { id: Number(ticketId), details_html, ...quiet(false) };
  await desk.client.post('Tickets', element, ticketSchema, { ...call, what: `Describing ticket ${ticketId}` });
  return { ticketId, actionIds: [] };
}

async function change(desk: Writing, ticketId: string, command: Command, call: Call): Promise<Written> {
  const what = { ...call, what: `Changing ticket ${ticketId}` };
  const { summary, supplierReference: reference } = command;
  const element = {
    id: Number(ticketId),
    ...(summary === undefined ? {} : { summary }),
    ...(await ticketChanges(desk, command, what)),
    ...(reference === undefined
      ? {}
      : { supplier_reference: reference?.number ?? '', thirdparty_url: reference?.url ?? '' }),
    ...quiet(false),
  };
  await desk.client.post('Tickets', element, ticketSchema, what);
  return { ticketId, actionIds: [] };
}

async function ticketChanges(desk: Desk, command: Command, call: Call): Promise<Record<string, unknown>> {
  const { status, priority, category, fields } = command;
  const found = await changes(desk, { status, priority, fields }, call);
  return {
    ...(found.status === undefined ? {} : { status_id: found.status }),
    ...(found.priority === undefined ? {} : { priority_id: found.priority }),
    ...(category === undefined ? {} : { category_1: category ?? '' }),
    ...(ticketFields.start in fields ? { startdate: instantTo(fields[ticketFields.start]) } : {}),
    ...(ticketFields.target in fields ? { targetdate: instantTo(fields[ticketFields.target]) } : {}),
    ...(found.customfields.length === 0 ? {} : { customfields: found.customfields }),
  };
}

async function actionChanges(desk: Desk, command: Command, call: Call): Promise<Record<string, unknown>> {
  const { status, priority, category, fields } = command;
  const found = await changes(desk, { status, priority, fields }, call);
  return {
    ...(found.status === undefined ? {} : { new_status: found.status }),
    ...(found.priority === undefined ? {} : { new_priority: found.priority }),
    ...(category === undefined || category === null ? {} : { new_category1: category }),
    ...(found.customfields.length === 0 ? {} : { customfields: found.customfields }),
  };
}

type Changes = {
  readonly status: number | undefined;
  readonly priority: number | undefined;
  readonly customfields: readonly { readonly id: number; readonly name: string; readonly value: unknown }[];
};

async function changes(
  desk: Desk,
  asked: { status: string | undefined; priority: string | null | undefined; fields: Command['fields'] },
  call: Call,
): Promise<Changes> {
  const { glossary } = desk;
  const { status, priority } = asked;
  const customfields = [];
  for (const [name, value] of Object.entries(asked.fields)) {
    if (isTicketField(name) || name === ticketFields.supplier) continue;
    const field = await glossary.look(
      'field',
      name,
      (words) => byName(words.fields, name) ?? words.fields.find(({ label }) => same(label ?? '', name)),
      call,
    );
    customfields.push({ id: field.id, name: field.name, value: valueTo(field, value) });
  }
  return {
    status:
      status === undefined
        ? undefined
        : (await glossary.look('status', status, (w) => byName(w.statuses, status), call)).id,
    priority:
      priority === undefined || priority === null
        ? undefined
        : (await glossary.look('priority', priority, (w) => byName(w.priorities, priority), call)).id,
    customfields,
  };
}

function instantTo(value: FieldValue | undefined): string | null {
  const instant = typeof value === 'string' ? instantOf(value) : null;
  return instant === null ? null : haloInstant(instant);
}
