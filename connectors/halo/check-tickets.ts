/** The newest tickets as they are read: the ticket, its actions, one file, one picture; and those that are mirrored. */
import type { Mapped, Outcome, Probe } from '#connectors/contract/check.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { byId } from './catalogue.ts';
import { openFile } from './attachments.ts';
import { lookAt, recordOutcome, shapeOutcome } from './check-shape.ts';
import type { Asking } from './check-shape.ts';
import { isPicture } from './pictures.ts';
import { readTicket } from './read.ts';
import { withCids } from './html.ts';
import { action, anything, ticket, ticketRow } from './wire.ts';
import type { TicketRow } from './wire.ts';

/** How many of the newest tickets are searched for a file and a picture. */
const searched = 5;

export function ticketProbes(asking: Asking, mapped: Mapped): readonly Probe[] {
  const { desk, call } = asking;

  /** Asked once, by whichever probe comes first; again where that failed. */
  let newest: readonly TicketRow[] | null = null;
  async function tickets(signal: AbortSignal): Promise<readonly TicketRow[]> {
    const query = { order: 'last_update', orderdesc: true, pageinate: true, page_size: searched, page_no: 1 };
    const list = { path: 'Tickets', key: 'tickets', query, row: ticketRow };
    newest ??= (await desk.client.list(list, call('Reading the newest tickets', signal))).rows.slice(0, searched);
    return newest;
  }

  async function firstFile(wanted: (id: string) => boolean, signal: AbortSignal): Promise<Outcome> {
    for (const { id } of await tickets(signal)) {
      const what = call(`Reading ticket ${id}`, signal);
      const reading = await readTicket(desk, String(id), null, what);
      if (reading.kind !== 'ticket') continue;
      const raw = await desk.client.get(`Tickets/${id}`, { includedetails: true, nocache: true }, ticket, what);
      const described = [...withCids(raw.details_html ?? '', desk.client.baseUrl).ids.keys()];
      const files = [...reading.actions.flatMap(({ attachments }) => attachments.map((file) => file.id)), ...described];
      const found = files.find(wanted);
      if (found === undefined) continue;
      const { stream } = await openFile(desk, String(id), found, what);
      let bytes = 0;
      for await (const chunk of stream as AsyncIterable<Uint8Array>) {
        bytes += chunk.byteLength;
        break;
      }
      stream.destroy();
      if (bytes > 0) return { verdict: 'ok', saw: `of ticket ${id}` };
      return { verdict: 'differs', saw: `a file of ticket ${id} is empty` };
    }
    return { verdict: 'unknown', saw: `none of the ${searched} newest tickets has one` };
  }

  const mirrored = mapped.tickets.map((id): Probe => ({
    name: 'mirrored ticket',
    about: id,
    async run(signal) {
      const reading = await readTicket(desk, id, null, call(`Reading ticket ${id}`, signal)).catch(restricted);
      if ('verdict' in reading) return reading;
      return reading.kind === 'gone' ? { verdict: 'ok', saw: 'it was deleted' } : { verdict: 'ok' };
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
        if (byId(words.statuses, status_id) !== undefined) return { verdict: 'ok' };
        return { verdict: 'differs', where: 'status_id', saw: `status ${status_id} is in no list of statuses` };
      },
    },
    {
      name: 'its actions',
      async run(signal) {
        const [first] = await tickets(signal);
        if (first === undefined) return { verdict: 'unknown', saw: 'no ticket is shown' };
        const what = call(`Reading the actions of ticket ${first.id}`, signal);
        const query = { ticket_id: first.id, count: 1_000, excludesys: false, includehtmlnote: true };
        const looked = await lookAt(asking, { path: 'Actions', key: 'actions', query, row: action }, what);
        const wrong = shapeOutcome(looked);
        if (wrong !== null) return wrong;
        const unseen = looked.rows.find(({ hiddenfromuser }) => typeof hiddenfromuser !== 'boolean');
        if (unseen === undefined) return { verdict: 'ok', saw: `${looked.rows.length} read` };
        const saw = 'whether the user sees an action is not told, so that it counts as unknown';
        return { verdict: 'differs', where: 'actions[].hiddenfromuser', saw };
      },
    },
    { name: 'file', run: (signal) => firstFile((id) => !isPicture(id), signal) },
    { name: 'picture', run: (signal) => firstFile(isPicture, signal) },
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
