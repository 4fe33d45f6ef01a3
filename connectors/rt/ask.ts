/** What is asked of RT about one ticket: itself, its transactions, the parts of its messages. */
import { numberOf as numberOfId } from '#core/log/position.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { BoundedCache } from '#connectors/kit/bounded-cache.ts';
import type { Filter, RtClient } from './client.ts';
import { query } from './client.ts';
import type { RtFields } from './fields.ts';
import type { People } from './people.ts';
import { databaseTime } from './time.ts';
import { partSchema, ticketSchema, transactionSchema } from './wire.ts';
import type { RtOptions, RtPart, RtTicket, RtTransaction } from './wire.ts';

export type Reader = {
  readonly client: RtClient;
  readonly options: RtOptions;
  readonly fields: RtFields;
  readonly people: People;
  /** First descriptions of tickets read before, so that a short read need not fetch them again. */
  readonly descriptions: BoundedCache<string>;
};

/** Of one desk. */
export const mostDescriptions = 500;
const pageSize = 100;
const transactionFields = 'Type,Creator,Created,Field,OldValue,NewValue,NewReference';

export type FoundTicket =
  | { readonly kind: 'ticket'; readonly ticket: RtTicket; readonly latest: string }
  /** `ticket` is the survivor. */
  | { readonly kind: 'merged'; readonly into: string; readonly ticket: RtTicket; readonly latest: string }
  | { readonly kind: 'gone'; readonly deleted?: true };

/** The ticket as it is; `latest` is its newest transaction, which RT gives as the ETag. */
export async function askTicket(reader: Reader, ticketId: string, signal: AbortSignal): Promise<FoundTicket> {
  try {
    const { value: ticket, headers } = await reader.client.get(
      `/ticket/${encodeURIComponent(ticketId)}${query({ 'fields[Queue]': 'Name' })}`,
      ticketSchema,
      { what: `show ticket #${ticketId}`, write: false, about: 'ticket' },
      signal,
    );
    const latest = (headers['etag'] ?? '').replace(/^(?:W\/)?"|"$/g, '');
    if (ticket.id !== ticketId) return { kind: 'merged', into: ticket.id, ticket, latest };
    if (ticket.Status === 'deleted') return { kind: 'gone', deleted: true };
    return { kind: 'ticket', ticket, latest };
  } catch (error) {
    if (error instanceof HelpdeskError && error.class === 'gone') return { kind: 'gone' };
    throw error;
  }
}

/** Those of the ticket at or after the instant, oldest first; or, where an id is given, that one and all above it. */
export async function askTransactions(
  reader: Reader,
  ticketId: string,
  since: string | null,
  signal: AbortSignal,
  after?: string,
): Promise<readonly RtTransaction[]> {
  const first = numberOfId(after ?? '');
  const found: RtTransaction[] = [];
  for (;;) {
    const filters: Filter[] = [
      { field: 'ObjectType', value: 'RT::Ticket' },
      { field: 'ObjectId', value: ticketId },
      { field: 'id', operator: '>', value: found.at(-1)?.id ?? Math.max(0, (first ?? 0) - 1) },
      ...(since === null || first !== null ? [] : [{ field: 'Created', operator: '>=', value: databaseTime(since) }]),
    ];
    const page = await reader.client.search(
      `/transactions${query({ fields: transactionFields, per_page: pageSize, orderby: 'id' })}`,
      filters,
      transactionSchema,
      { what: `show the history of ticket #${ticketId}`, write: false, about: 'ticket' },
      signal,
    );
    found.push(...page);
    if (page.length < pageSize) return found;
  }
}

/**
 * Texts come with their content, other parts without: a listing of files must not hold them. RT 5.0 fails to show the
 * parent of a part that has none, so `inner` leaves those out, which are among the texts as containers.
 */
export async function askParts(
  reader: Reader,
  ticketId: string,
  transactions: readonly string[],
  which: 'texts' | 'inner' | 'all',
  signal: AbortSignal,
): Promise<readonly RtPart[]> {
  const found: RtPart[] = [];
  if (transactions.length === 0) return found;
  const common = 'TransactionId,ContentType,Filename,Headers';
  const fields = {
    texts: `${common},Content`,
    inner: `${common},ContentLength,Parent`,
    all: `${common},ContentLength`,
  }[which];
  const only: readonly Filter[] =
    which === 'all'
      ? []
      : which === 'inner'
        ? [{ field: 'Parent', operator: '>', value: 0 }]
        : [
            { field: 'Filename', operator: 'IS', value: 'NULL' },
            { field: 'Filename', operator: '=', value: '' },
            { field: 'ContentType', operator: 'LIKE', value: 'text/%' },
            { field: 'ContentType', operator: 'LIKE', value: 'multipart/%' },
            { field: 'ContentType', operator: 'LIKE', value: 'message/%' },
            { field: 'ContentType', operator: '=', value: 'application/ics' },
          ];
  for (;;) {
    const page = await reader.client.search(
      `/ticket/${ticketId}/attachments${query({
        fields,
        per_page: pageSize,
        orderby: 'id',
      })}`,
      [
        ...transactions.map((id) => ({ field: 'TransactionId', value: id })),
        { field: 'id', operator: '>', value: found.at(-1)?.id ?? 0 },
        ...only,
      ],
      partSchema,
      { what: `show the notes of ticket #${ticketId}`, write: false, about: 'ticket' },
      signal,
    );
    found.push(...page);
    if (page.length < pageSize) return found;
  }
}

/** The transaction that made the ticket. */
export async function askCreate(reader: Reader, ticketId: string, signal: AbortSignal): Promise<RtTransaction | null> {
  const [create] = await reader.client.search(
    `/transactions${query({ fields: transactionFields, per_page: 1, orderby: 'id' })}`,
    [
      { field: 'ObjectType', value: 'RT::Ticket' },
      { field: 'ObjectId', value: ticketId },
      { field: 'Type', value: 'Create' },
    ],
    transactionSchema,
    { what: `show the first note of ticket #${ticketId}`, write: false, about: 'ticket' },
    signal,
  );
  return create ?? null;
}

export function numberOf(ticketId: string): string {
  return `#${ticketId}`;
}

export function urlOf(client: RtClient, ticketId: string): string {
  return `${client.base}/Ticket/Display.html?id=${ticketId}`;
}
