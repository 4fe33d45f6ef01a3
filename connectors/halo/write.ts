/** Makes the changes. Quiet unless the command says otherwise: no mail, no automation, nothing sent on by Halo itself. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { PerformOptions } from '#connectors/contract/helpdesk.ts';
import type { Step, Written } from '#core/words/desk.ts';
import type { Command } from '#core/words/vocabulary.ts';
import { byName, same } from './catalogue.ts';
import { actionChanges, ticketChanges } from './changes.ts';
import type { Call, WriteCall } from './call.ts';
import { attach, placed } from './files.ts';
import { withUrls } from './html.ts';
import { kindFor } from './kind.ts';
import { ownMissing } from './mandatory.ts';
import { guidOf } from './marker.ts';
import type { Made } from './made.ts';
import { quiet } from './quiet.ts';
import { ticketIfThere, ticketUrl } from './read.ts';
import type { Desk } from './read.ts';
import type { OwnerOf } from './requester.ts';
import { action as actionSchema, ticket as ticketSchema } from './wire.ts';
import type { HaloAction, HaloOptions, Ticket } from './wire.ts';

export type Writing = Desk & { readonly ownerOf: OwnerOf; readonly made: Made; readonly options: HaloOptions };

/** Throws HelpdeskError; `in-doubt` when the request may have been carried out. */
export async function performStep(desk: Writing, step: Step, options: PerformOptions): Promise<Written> {
  const { link, signal, notAfter } = options;
  const { command, name } = step;
  const call: WriteCall = { what: `Writing to ticket ${command.ticketId ?? '(new)'}`, link, signal, notAfter };
  if (name === 'open') return openTicket(desk, command, options.marker, call);
  const ticketId = command.ticketId ?? '';
  if (!/^[1-9]\d{0,14}$/.test(ticketId)) {
    throw new HelpdeskError('refused', 'no-ticket', 'The step names no ticket of this Halo.');
  }
  return carryOut(desk, ticketId, step, options, call).catch(async (error: unknown) => {
    // What Halo refuses on a deleted ticket, it refuses in many words: whether it is one, the ticket says.
    const mayBeGone = error instanceof HelpdeskError && error.class === 'refused';
    if (!mayBeGone || (await isThere(desk, ticketId, call))) throw error;
    throw new HelpdeskError('gone', 'not-found', `${call.what}: the ticket is deleted.`, { cause: error });
  });
}

/** False only where Halo itself says that the ticket is deleted. */
async function isThere(desk: Writing, ticketId: string, call: Call): Promise<boolean> {
  return ticketIfThere(desk.client, ticketId, call).then(
    (ticket) => ticket !== null,
    () => true,
  );
}

async function carryOut(
  desk: Writing,
  ticketId: string,
  { name, command }: Step,
  options: PerformOptions,
  call: WriteCall,
): Promise<Written> {
  switch (name) {
    case 'attachment':
      return attach(desk, ticketId, command, options, call);
    case 'all':
      return act(desk, ticketId, command, options, call);
    case 'content':
      return describe(desk, ticketId, command, options, call);
    default:
      return change(desk, ticketId, command, call);
  }
}

async function openTicket(desk: Writing, command: Command, marker: string, call: WriteCall): Promise<Written> {
  const { open, note } = command;
  if (open === undefined) throw new HelpdeskError('refused', 'nothing-to-open', 'The step opens no ticket.');
  const what = { ...call, what: `Opening a ticket for ${open.account}` };
  const owner = await desk.ownerOf(open, what);
  const { type } = open;
  const found =
    type === undefined ? undefined : await desk.glossary.look('ticket type', type, (w) => byName(w.types, type), what);
  await needMandatory(desk, command, what);
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

/** Refused before it is sent, by names that somebody can act on, rather than by Halo after. */
async function needMandatory(desk: Writing, command: Command, call: Call): Promise<void> {
  const { open, fields } = command;
  const { catalogue, fields: known } = await desk.glossary.words(call);
  const type = catalogue.types.find(({ name }) => same(name, open?.type ?? ''));
  const isGiven = (name: string): boolean =>
    Object.entries(fields).some(([one, value]) => {
      const label = byName(known, name)?.label ?? '';
      return (same(one, name) || same(one, label)) && value !== null && value !== '';
    });
  const missing = (type?.required ?? []).filter((name) => !isGiven(name));
  const own = ownMissing(type, command);
  if (missing.length + own.length === 0) return;
  const names = missing.map((name) => {
    const label = byName(known, name)?.label ?? '';
    return label === '' ? `"${name}"` : `"${label}" (${name})`;
  });
  const message =
    `${call.what}: ticket type "${type?.name ?? ''}" takes no new ticket without ${[...names, ...own.map((name) => `"${name}"`)].join(', ')}. ` +
    'Map what fills it, or make it optional in Halo.';
  throw new HelpdeskError('refused', 'mandatory-field', message);
}

/** Numbers, a line each; Halo has one address only, which is the newest one's. */
export function supplierReferenceOf(reference: NonNullable<Command['supplierReference']> | null): string {
  return reference === null ? '' : [...(reference.beside ?? []), reference.number].join('\n');
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
  call: WriteCall,
): Promise<Written> {
  const what = { ...call, what: `Adding an action to ticket ${ticketId}` };
  const { note, visibility, mailsUser, author } = command;
  const kind = await kindFor(desk, command, options, what);
  const files = await placed(desk, ticketId, command, options, what);
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
      ...(files.descriptors.length === 0 ? {} : { attachments: files.descriptors }),
      ...quiet(mailsUser),
    },
    actionSchema,
    what,
  );
  desk.identity.learn(reply);
  desk.made.remember(ticketId, note, reply.id);
  await keepHidden(desk, ticketId, reply, visibility, what);
  return { ticketId, actionIds: [String(reply.id)] };
}

/** A kind's own setting must not show to the end user what was written hidden. */
async function keepHidden(
  desk: Writing,
  ticketId: string,
  reply: HaloAction,
  visibility: Command['visibility'],
  call: WriteCall,
): Promise<void> {
  if (visibility !== 'hidden' || reply.hiddenfromuser !== false) return;
  const edit = { id: reply.id, ticket_id: Number(ticketId), hiddenfromuser: true, ...quiet(false) };
  const edited = await desk.client.post('Actions', edit, actionSchema, call).catch((error: unknown) => {
    // The note is there: whatever befell the correction, the write must not be made again.
    throw new HelpdeskError('in-doubt', 'not-hidden-yet', `${call.what}: hiding the note failed.`, { cause: error });
  });
  if (edited.hiddenfromuser !== false) return;
  const message = `${call.what}: Halo shows the end user a note that was written hidden. Map to a kind that hides it.`;
  throw new HelpdeskError('refused', 'shown-to-user', message);
}

/** The description once more, now that its pictures have URLs and it is known which files came. */
async function describe(
  desk: Writing,
  ticketId: string,
  command: Command,
  options: PerformOptions,
  call: WriteCall,
): Promise<Written> {
  const { urls, missing } = await placed(desk, ticketId, command, options, call);
  if (missing === '' && command.attachments.every((file) => !file.inline)) return { ticketId, actionIds: [] };
  const details_html = withUrls(command.note ?? '', urls) + missing;
  const element = { id: Number(ticketId), details_html, ...quiet(false) };
  await desk.client.post('Tickets', element, ticketSchema, { ...call, what: `Describing ticket ${ticketId}` });
  return { ticketId, actionIds: [] };
}

async function change(desk: Writing, ticketId: string, command: Command, call: WriteCall): Promise<Written> {
  const what = { ...call, what: `Changing ticket ${ticketId}` };
  const { summary, supplierReference: reference } = command;
  const element = {
    id: Number(ticketId),
    ...(summary === undefined ? {} : { summary }),
    ...(await ticketChanges(desk, command, what)),
    ...(reference === undefined
      ? {}
      : { supplier_reference: supplierReferenceOf(reference), thirdparty_url: reference?.url ?? '' }),
    ...quiet(false),
  };
  await desk.client.post('Tickets', element, ticketSchema, what);
  return { ticketId, actionIds: [] };
}
