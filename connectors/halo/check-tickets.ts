/** The newest tickets as they are read: the ticket, its actions, one file, one picture; and those that are mirrored. */
import type { Facts, Mapped, Outcome, Probe } from '#connectors/contract/check.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { actionsQuery } from './actions.ts';
import { assumed } from './assumed.ts';
import { byId } from './catalogue.ts';
import { openFile } from './attachments.ts';
import { lookAt, recordOutcome, shapeOutcome } from './check-shape.ts';
import type { Asking } from './check-shape.ts';
import { isPicture } from './pictures.ts';
import { readTicket, ticketIfThere } from './read.ts';
import { withCids } from './html.ts';
import { action, anything, ticket, ticketRow } from './wire.ts';
import type { TicketRow } from './wire.ts';

/** How many of the newest tickets are searched for a file and a picture. */
const searched = 3;

type Form = 'bytes' | 'link';
/** Images among the files come otherwise than the pictures that notes show by a token. */
type FileKind = 'file' | 'image' | 'picture';

function kindOf({ id, type }: { readonly id: string; readonly type: string | null }): FileKind {
  if (isPicture(id)) return 'picture';
  return type?.startsWith('image/') === true ? 'image' : 'file';
}

export function ticketProbes(asking: Asking, mapped: Mapped): readonly Probe[] {
  const { desk, call } = asking;

  /** Asked once, by whichever probe comes first; again where that failed. */
  let newest: readonly TicketRow[] | null = null;
  async function tickets(signal: AbortSignal): Promise<readonly TicketRow[]> {
    // As it was asked for when the pages were looked at: it is not asked for again.
    const query = { order: 'last_update', orderdesc: true, pageinate: true, page_size: assumed.pageRows, page_no: 1 };
    const list = { path: 'Tickets', key: 'tickets', query, row: ticketRow };
    newest ??= (await desk.client.list(list, call('Reading the newest tickets', signal))).rows.slice(0, searched);
    return newest;
  }

  async function firstFile(wanted: FileKind, signal: AbortSignal): Promise<Outcome> {
    for (const { id } of await tickets(signal)) {
      const what = call(`Reading ticket ${id}`, signal);
      const reading = await readTicket(desk, String(id), null, what);
      if (reading.kind !== 'ticket') continue;
      const raw = await desk.client.get(`Tickets/${id}`, { includedetails: true, nocache: true }, ticket, what);
      const described = [...withCids(raw.details_html ?? '', desk.client.baseUrl).ids.keys()];
      const attached = reading.actions.flatMap(({ attachments }) => attachments);
      const files = [...attached, ...described.map((one) => ({ id: one, type: null }))];
      const found = files.find((file) => kindOf(file) === wanted)?.id;
      if (found === undefined) continue;
      const before = asking.seen.transfers;
      const { stream } = await openFile(desk, String(id), found, what);
      const form = asking.seen.transfers - before > 1 ? 'link' : 'bytes';
      let bytes = 0;
      for await (const chunk of stream as AsyncIterable<Uint8Array>) {
        bytes += chunk.byteLength;
        break;
      }
      stream.destroy();
      const facts = wanted === 'picture' ? {} : { files: together(form, wanted === 'image') };
      if (bytes > 0) return { verdict: 'ok', saw: `of ticket ${id}`, facts };
      return { verdict: 'differs', saw: `a file of ticket ${id} is empty` };
    }
    return { verdict: 'unknown', saw: `none of the ${searched} newest tickets has one` };
  }

  let filesAs: Form | null = null;
  /** One Halo gave pictures among the files as bytes and all others as links. */
  function together(form: Form, isImage: boolean): Form | 'mixed' {
    if (!isImage) filesAs = form;
    return isImage && filesAs === 'link' && form === 'bytes' ? 'mixed' : (filesAs ?? form);
  }

  const mirrored = mapped.tickets.map((id): Probe => ({
    name: 'mirrored ticket',
    about: id,
    async run(signal) {
      const found = await ticketIfThere(desk.client, id, call(`Reading ticket ${id}`, signal)).catch(restricted);
      if (found === null) return { verdict: 'ok', saw: 'it was deleted' };
      return 'verdict' in found ? found : { verdict: 'ok' };
    },
  }));

  return [
    {
      name: 'newest ticket',
      async run(signal) {
        const [first] = await tickets(signal);
        if (first === undefined) return { verdict: 'unknown', saw: 'no ticket is shown' };
        const what = call(`Reading ticket ${first.id}`, signal);
        const query = { includedetails: true, nocache: true };
        const body = await desk.client.get(`Tickets/${first.id}`, query, anything, what);
        const wrong = recordOutcome(ticket, body);
        if (wrong !== null) return wrong;
        const { status_id } = ticket.parse(body);
        const words = await desk.glossary.words(what);
        const facts = optionsForm(body);
        if (byId(words.statuses, status_id) !== undefined) return { verdict: 'ok', facts };
        const saw = `status ${status_id} is in no list of statuses`;
        return { verdict: 'differs', where: 'status_id', saw, facts };
      },
    },
    {
      name: 'its actions',
      async run(signal) {
        const [first] = await tickets(signal);
        if (first === undefined) return { verdict: 'unknown', saw: 'no ticket is shown' };
        const what = call(`Reading the actions of ticket ${first.id}`, signal);
        const list = { path: 'Actions', key: 'actions', query: actionsQuery(String(first.id)), row: action };
        const looked = await lookAt(asking, list, what);
        const wrong = shapeOutcome(looked);
        if (wrong !== null) return wrong;
        const unseen = looked.rows.find(({ hiddenfromuser }) => typeof hiddenfromuser !== 'boolean');
        if (unseen === undefined) return { verdict: 'ok', saw: `${looked.rows.length} read` };
        const saw = 'whether the user sees an action is not told, so that it counts as unknown';
        return { verdict: 'differs', where: 'actions[].hiddenfromuser', saw };
      },
    },
    {
      name: 'deleted ticket',
      async run(signal) {
        const what = call('Looking for a deleted ticket', signal);
        const query = { deleted: true, pageinate: true, page_size: 1, page_no: 1 };
        const { rows } = await desk.client.list({ path: 'Tickets', key: 'tickets', query, row: ticketRow }, what);
        const [row] = rows;
        if (row === undefined) return { verdict: 'unknown', saw: 'none is listed' };
        const found = await desk.client
          .get(`Tickets/${row.id}`, { includedetails: true, nocache: true }, ticket, what)
          .catch(absent);
        if (found === null) return { verdict: 'ok', saw: 'it is not found', facts: { deleted: 'absent' } };
        if (found.deleted === true) return { verdict: 'ok', saw: 'it is marked', facts: { deleted: 'shown' } };
        return { verdict: 'unknown', saw: 'the list gives others' };
      },
    },
    { name: 'file', run: (signal) => firstFile('file', signal) },
    { name: 'file', about: 'image', run: (signal) => firstFile('image', signal) },
    { name: 'picture', run: (signal) => firstFile('picture', signal) },
    ...mirrored,
  ];
}

/** What is refused of one ticket is a right of our agent's. */
function restricted(error: unknown): Outcome {
  if (!(error instanceof HelpdeskError) || error.code !== 'forbidden') throw error;
  return {
    verdict: 'not-allowed',
    saw: 'it is refused with status 403',
    fix: "Give Ferry's agent in Halo the right to see this ticket's customer, type and team.",
  };
}

function absent(error: unknown): null {
  if (error instanceof HelpdeskError && error.class === 'gone') return null;
  throw error;
}

/** How the values of a field with several options come, where the ticket has one. */
function optionsForm(body: unknown): Facts {
  const fields = (body as { readonly customfields?: unknown } | null)?.customfields;
  const values = (Array.isArray(fields) ? fields : []).flatMap((one: unknown) => {
    const value = (one as { readonly value?: unknown } | null)?.value;
    return Array.isArray(value) ? (value as unknown[]) : [];
  });
  if (values.length === 0) return {};
  return { options: typeof values[0] === 'object' ? 'objects' : 'scalars' };
}
