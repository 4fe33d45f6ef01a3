/** The newest ticket as it is read, a file of it, and tickets that are mirrored, with what we may do to them. */
import type { Mapped, Outcome, Probe } from '#connectors/contract/check.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { openAttachment } from './attachment.ts';
import { query } from './client.ts';
import type { Reader } from './ask.ts';
import { feedStart } from './feed.ts';
import { readTicket } from './read.ts';
import { foundTicketSchema, linkedSchema, pageOf } from './wire.ts';

const rights: Readonly<Record<string, string>> = { correspond: 'ReplyToTicket', comment: 'CommentOnTicket' };
const searched = 5;

export function ticketProbes(reader: Reader, mapped: Mapped): readonly Probe[] {
  const { client, options } = reader;

  async function newest(signal: AbortSignal): Promise<readonly string[]> {
    const path = `/tickets${query({ query: 'id > 0', per_page: searched, orderby: 'id', order: 'DESC' })}`;
    const purpose = { what: 'list its tickets', write: false, about: 'instance' } as const;
    const { value } = await client.get(path, pageOf(foundTicketSchema), purpose, signal);
    return value.items.map(({ id }) => id);
  }

  async function allowed(id: string, signal: AbortSignal): Promise<Outcome> {
    const purpose = { what: `show ticket ${id}`, write: false, about: 'ticket' } as const;
    const { value } = await client.get(`/ticket/${id}`, linkedSchema, purpose, signal);
    const missing = Object.entries(rights)
      .filter(([ref]) => !value._hyperlinks.some((link) => link.ref === ref))
      .map(([, right]) => right);
    // RT links each change of status that we may make, and says of no other right that we have it.
    const mayModify = value._hyperlinks.some(({ ref, to }) => ref === 'lifecycle' && to !== 'deleted');
    if (!mayModify) missing.push('ModifyTicket');
    if (missing.length === 0)
      return { verdict: 'ok', saw: `ticket ${id}; whether fields may be filled, a trial tells (--write)` };
    return {
      verdict: 'not-allowed',
      where: '_hyperlinks[].ref',
      saw: `the service user lacks ${missing.join(' and ')} at ticket ${id}`,
      fix: 'Run setup.pl with --queue for the queue of this ticket.',
    };
  }

  return [
    {
      name: 'feed',
      async run(signal) {
        await feedStart(client, options, signal);
        return { verdict: 'ok' };
      },
    },
    {
      name: 'newest ticket',
      async run(signal) {
        const [id] = await newest(signal);
        if (id === undefined) return { verdict: 'unknown', saw: 'the service user sees no ticket' };
        const reading = await readTicket(reader, id, null, signal);
        if (reading.kind !== 'ticket') return { verdict: 'unknown', saw: `ticket ${id} is ${reading.kind}` };
        const { status } = reading.snapshot;
        if (options.statuses.some(({ name }) => name === status)) return { verdict: 'ok' };
        return {
          verdict: 'differs',
          where: 'Status',
          saw: `status ${status} is not among those that the options name`,
          fix: 'Name all statuses of the lifecycle in option `statuses`.',
        };
      },
    },
    {
      name: 'rights on tickets',
      async run(signal) {
        const [id] = await newest(signal);
        return id === undefined ? { verdict: 'unknown', saw: 'the service user sees no ticket' } : allowed(id, signal);
      },
    },
    {
      name: 'file',
      async run(signal) {
        for (const id of await newest(signal)) {
          const reading = await readTicket(reader, id, null, signal);
          if (reading.kind !== 'ticket') continue;
          const file = reading.actions.flatMap(({ attachments }) => attachments)[0];
          if (file === undefined) continue;
          const { stream } = await openAttachment(client, id, file.id, signal);
          let bytes = 0;
          for await (const chunk of stream as AsyncIterable<Uint8Array>) bytes += chunk.byteLength;
          return bytes > 0 ? { verdict: 'ok', saw: `of ticket ${id}` } : { verdict: 'differs', saw: 'a file is empty' };
        }
        return { verdict: 'unknown', saw: `none of the ${searched} newest tickets has one` };
      },
    },
    ...mapped.tickets.map((id): Probe => ({
      name: 'mirrored ticket',
      about: id,
      run: (signal) =>
        allowed(id, signal).catch((error: unknown): Outcome => {
          if (!(error instanceof HelpdeskError) || error.class !== 'gone') throw error;
          // RT says the same of a ticket that is deleted and of one that nobody lets us see.
          return { verdict: 'unknown', saw: error.message };
        }),
    })),
  ];
}
