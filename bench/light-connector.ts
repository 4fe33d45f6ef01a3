/** The connector to the lightest desk. Shares the contract with the real ones, so that the courier can't tell. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { type ConnectorContext, type Helpdesk, type Traits } from '#connectors/contract/helpdesk.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { ObservedAction, Step } from '#core/words/desk.ts';
import type { Catalogue, Command, FieldValue } from '#core/words/vocabulary.ts';
import type { DeskAction } from '#twins/light/server.ts';

type Page = {
  tickets: string[];
  cursor: number;
  more: boolean;
  end: number;
  newest: string | null;
  near: string[];
};
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
    ids: 'count',
    overlapMs: 2_000,
    settleMs: Number(context.options['settleMs'] ?? 1_000),
    writeTimeoutMs: Number(context.options['writeTimeoutMs'] ?? 10_000),
    concurrency: Number(context.options['concurrency'] ?? 16),
    serializeCreates: false,
    noteMaxBytes: 262_144,
    rate: null,
  };
  const call = async (method: 'GET' | 'POST', path: string, body: unknown, signal: AbortSignal): Promise<unknown> => {
    const reply = await context.http.request({
      method,
      url: `${context.url}${path}`,
      signal,
      ...(body === null ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
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
    ping: async (signal) => void (await call('GET', '/ping', null, signal)),
    catalogue: () => Promise.resolve(lightCatalogue),
    feedStart: async (signal) => String(((await call('GET', '/feed?limit=0', null, signal)) as Page).end),
    async feed(cursor, limit, signal) {
      const page = (await call('GET', `/feed?after=${cursor}&limit=${limit}`, null, signal)) as Page;
      if (page.end < Number(cursor)) return { tickets: [], cursor, more: false, wentBack: true };
      return { tickets: page.tickets, cursor: String(page.cursor), more: page.more };
    },
    async goLive(signal) {
      const { end, newest, near } = (await call('GET', '/feed?limit=0', null, signal)) as Page;
      return { cursor: String(end), newest, near };
    },
    // It does not find changes by their time: all of them, then.
    feedFrom: () => Promise.resolve('0'),
    async read(ticketId, since, signal, after) {
      const from = after ?? since;
      const query = from === null ? '' : `?${after === undefined ? 'since' : 'after'}=${encodeURIComponent(from)}`;
      let ticket: Ticket;
      try {
        ticket = (await call('GET', `/tickets/${ticketId}${query}`, null, signal)) as Ticket;
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
    isDeleted: async (ticketId, signal) =>
      ((await call('GET', `/deleted/${ticketId}`, null, signal)) as { deleted: boolean }).deleted,
    steps(command) {
      if (command.supplierReference !== undefined && command.note === null) {
        return [{ name: 'reference', command, fingerprints: [] }];
      }
      const name = command.open === undefined ? 'all' : 'open';
      return [
        { name, command, fingerprints: command.open === undefined ? [fingerprint(command.note, command.status)] : [] },
      ];
    },
    async perform(step, { marker, signal }) {
      const { command } = step;
      if (command.open !== undefined) {
        const made = (await call('POST', '/tickets', { ...opening(command), marker, by: 'service' }, signal)) as {
          id: string;
        };
        return { ticketId: made.id, actionIds: [], number: made.id, url: `${context.url}/tickets/${made.id}` };
      }
      const ticketId = command.ticketId ?? '';
      if (step.name === 'reference') {
        await call(
          'POST',
          `/tickets/${ticketId}/reference`,
          { reference: command.supplierReference?.number ?? null, by: 'service' },
          signal,
        );
        return { ticketId, actionIds: [] };
      }
      const made = (await call(
        'POST',
        `/tickets/${ticketId}/actions`,
        { ...acting(command), marker, by: 'service' },
        signal,
      )) as { id: number };
      return { ticketId, actionIds: [String(made.id)] };
    },
    async find(step: Step, marker, _after, signal) {
      if (step.name === 'reference') return null;
      const found = (await call('GET', `/find?marker=${encodeURIComponent(marker)}`, null, signal)) as {
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
