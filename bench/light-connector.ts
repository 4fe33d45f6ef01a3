/** The connector to the lightest desk. Shares the contract with the real ones, so that the courier can't tell. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  type ConnectorContext,
  type Helpdesk,
  type PerformOptions,
  type Traits,
} from '#connectors/contract/helpdesk.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { HttpReply } from '#connectors/contract/http.ts';
import type { ObservedAction, Step } from '#core/words/desk.ts';
import type { Catalogue, Command, FieldValue } from '#core/words/vocabulary.ts';
import type { DeskAction } from '#twins/light/server.ts';

type Page = { tickets: string[]; cursor: number; more: boolean; end: number };
type Ticket = {
  id: string;
  summary: string;
  description: string;
  status: string;
  closed: boolean;
  fields: Record<string, FieldValue>;
  actions: DeskAction[];
};

export const lightCatalogue: Catalogue = {
  statuses: [
    { name: 'open', closed: false },
    { name: 'waiting', closed: false },
    { name: 'closed', closed: true },
  ],
  categories: [],
  types: [],
  priorities: [],
  fields: [{ name: 'Ref', type: 'text' }],
  kinds: [
    { name: 'Note', hidden: false, mails: false, sends: 'none', status: null },
    { name: 'Escalate', hidden: true, mails: false, sends: 'none', status: null },
    { name: 'Private', hidden: true, mails: false, sends: 'none', status: null },
  ],
  accounts: ['Customers', 'Supplier'],
  teams: [],
};

export function createLightHelpdesk(context: ConnectorContext): Helpdesk {
  const traits: Traits = {
    overlapMs: 2_000,
    settleMs: Number(context.options['settleMs'] ?? 1_000),
    writeTimeoutMs: Number(context.options['writeTimeoutMs'] ?? 10_000),
    concurrency: Number(context.options['concurrency'] ?? 16),
    serializeCreates: false,
    noteMaxBytes: 262_144,
    rate: null,
  };
  const get = async (path: string, signal: AbortSignal): Promise<unknown> =>
    answered(await context.http.request({ method: 'GET', url: `${context.url}${path}`, signal }));
  const post = async (path: string, body: unknown, { signal, notAfter }: PerformOptions): Promise<unknown> =>
    answered(
      await context.http.request({
        method: 'POST',
        url: `${context.url}${path}`,
        signal,
        notAfter,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    );
  const answered = (reply: HttpReply): unknown => {
    if (reply.status >= 500) throw new HelpdeskError('retry', 'unavailable', 'The desk is not available.');
    if (reply.status === 429)
      throw new HelpdeskError('slow-down', 'busy', 'The desk asks for a pause.', { retryAfterMs: 1_000 });
    if (reply.status === 404) throw new HelpdeskError('gone', 'gone', 'There is no such ticket.');
    if (reply.status >= 400)
      throw new HelpdeskError('refused', 'refused', (JSON.parse(reply.text) as { error: string }).error);
    return JSON.parse(reply.text);
  };
  return {
    traits,
    ping: async (signal) => void (await get('/ping', signal)),
    catalogue: () => Promise.resolve(lightCatalogue),
    feedStart: async (signal) => String(((await get('/feed?limit=0', signal)) as Page).end),
    async feed(cursor, limit, signal) {
      const page = (await get(`/feed?after=${cursor}&limit=${limit}`, signal)) as Page;
      return { tickets: page.tickets, cursor: String(page.cursor), more: page.more };
    },
    async read(ticketId, since, signal) {
      const query = since === null ? '' : `?since=${encodeURIComponent(since)}`;
      let ticket: Ticket;
      try {
        ticket = (await get(`/tickets/${ticketId}${query}`, signal)) as Ticket;
      } catch (error) {
        if (error instanceof HelpdeskError && error.class === 'gone') return { kind: 'gone' };
        throw error;
      }
      return {
        kind: 'ticket',
        snapshot: {
          ticketId: ticket.id,
          number: ticket.id,
          url: `${context.url}/tickets/${ticket.id}`,
          summary: ticket.summary,
          description: ticket.description,
          status: ticket.status,
          closed: ticket.closed,
          category: null,
          type: null,
          priority: null,
          fields: ticket.fields,
          account: null,
          requester: null,
        },
        actions: ticket.actions.map(observed),
      };
    },
    steps(command) {
      if (command.supplierReference !== undefined && command.note === null) {
        return [{ name: 'reference', command, fingerprints: [] }];
      }
      const name = command.open === undefined ? 'all' : 'open';
      return [
        { name, command, fingerprints: command.open === undefined ? [fingerprint(command.note, command.status)] : [] },
      ];
    },
    async perform(step, options) {
      const { marker } = options;
      const { command } = step;
      if (command.open !== undefined) {
        const made = (await post('/tickets', { ...opening(command), marker, by: 'service' }, options)) as {
          id: string;
        };
        return { ticketId: made.id, actionIds: [], number: made.id, url: `${context.url}/tickets/${made.id}` };
      }
      const ticketId = command.ticketId ?? '';
      if (step.name === 'reference') {
        await post(
          `/tickets/${ticketId}/reference`,
          { reference: command.supplierReference?.number ?? null, by: 'service' },
          options,
        );
        return { ticketId, actionIds: [] };
      }
      const made = (await post(
        `/tickets/${ticketId}/actions`,
        { ...acting(command), marker, by: 'service' },
        options,
      )) as { id: number };
      return { ticketId, actionIds: [String(made.id)] };
    },
    async find(step: Step, marker, _after, signal) {
      if (step.name === 'reference') return null;
      const found = (await get(`/find?marker=${encodeURIComponent(marker)}`, signal)) as {
        ticket?: string;
        action?: number | null;
      };
      if (found.ticket === undefined) return null;
      return {
        ticketId: found.ticket,
        actionIds: found.action == null ? [] : [String(found.action)],
        number: found.ticket,
        url: `${context.url}/tickets/${found.ticket}`,
      };
    },
    openAttachment: () => Promise.resolve({ stream: Readable.from([]), sizeBytes: 0, type: null }),
  };
}

function observed(action: DeskAction): ObservedAction {
  return {
    externalId: String(action.id),
    at: action.at,
    author: { name: action.author, role: action.by },
    ...(action.marker === undefined ? {} : { marker: action.marker }),
    fingerprint: fingerprint(action.note, action.status),
    visibility: action.visible ? 'visible' : 'hidden',
    note: action.note,
    words: {
      kind: action.kind,
      ...(action.status === undefined ? {} : { status: action.status }),
      fields: (action.fields ?? {}) as Record<string, FieldValue>,
    },
    attachments: [],
  };
}

function opening(command: Command): Record<string, unknown> {
  return {
    summary: command.open?.summary,
    description: command.note ?? '',
    fields: command.fields,
    ...(command.status === undefined ? {} : { status: command.status }),
  };
}

function acting(command: Command): Record<string, unknown> {
  return {
    kind: command.kind ?? 'Note',
    note: command.note,
    visible: command.visibility === 'visible',
    author: command.author.display,
    fields: command.fields,
    ...(command.status === undefined ? {} : { status: command.status }),
  };
}

function fingerprint(note: string | null, status: string | undefined): string {
  const text = (note ?? '').replace(/<[^>]*>/g, '').replace(/\s+/g, '');
  return `${createHash('sha256').update(text).digest('hex')}/${status ?? ''}`;
}

/** A webhook's body names the ticket. */
export function lightHint(body: unknown): readonly string[] {
  return typeof body === 'object' && body !== null && 'ticket' in body ? [String(body.ticket)] : [];
}
