/** A Halo twin as a desk of the rig: its webhook goes to the gateway, its tickets are shown as the invariants read them. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { markerOf } from '#connectors/halo/marker.ts';
import type { DeskAction, DeskTicket } from '#twins/light/server.ts';
import { twinClient, type ActionSeen, type TicketSeen, type TwinClient } from '#twins/halo/client.ts';
import type { Action, Ticket } from '#twins/halo/model.ts';
import type { HaloSeed } from '#twins/halo/seed.ts';
import { createHaloTwin, type HaloTwin, type HaloTwinOptions } from '#twins/halo/server.ts';
import { createRequestCheck } from '#test/connectors/halo/valid-requests.ts';
import { tempDir } from '#test/support/temp.ts';
import { until } from '#test/support/wait.ts';
import type { CheckedDesk } from './invariants.ts';

export type HaloDesk = {
  readonly id: string;
  readonly url: string;
  /** The one that runs now. */
  readonly twin: HaloTwin;
  /** Plays the people of this desk. */
  readonly people: TwinClient;
  /** What a links file names for this desk, by the suffixes of the variables: `URL`, `CLIENT_ID`, … */
  readonly secrets: Readonly<Record<string, string>>;
  checked(): CheckedDesk;
  ticket(id: number): Promise<TicketSeen>;
  /** Waits until the ticket satisfies `look`, and returns what `look` returns. */
  shows<T>(
    id: number,
    what: string,
    look: (ticket: TicketSeen) => T | undefined | false,
    timeoutMs?: number,
  ): Promise<T>;
  /** Waits for an action on the ticket whose note has this text. */
  note(ticket: number, text: string, timeoutMs?: number): Promise<ActionSeen>;
  /** Stops it; `up` brings it back at its address. Only for one that keeps its data. */
  down(): Promise<void>;
  up(): Promise<void>;
  close(): Promise<void>;
};

export type HaloDeskOptions = Omit<HaloTwinOptions, 'seed' | 'dbPath'> & {
  readonly seed: HaloSeed;
  /** False: it announces no changes, so that only polls find them. */
  readonly webhook?: boolean;
  /** Its data outlive it, so that it can go down and come back. */
  readonly keeps?: boolean;
};

/**
 * Starts the desk.
 * @param gatewayUrl the address for its webhooks; the request limit is off unless the options set one
 */
export async function startHaloDesk(id: string, gatewayUrl: string, options: HaloDeskOptions): Promise<HaloDesk> {
  const { webhook = true, keeps = false, ...given } = options;
  const data = keeps ? await tempDir() : null;
  const kept = data === null ? {} : { dbPath: join(data.path, 'halo.sqlite') };
  const requests = createRequestCheck();
  const start = (port: number): Promise<HaloTwin> =>
    createHaloTwin({ rateLimit: { limit: 0 }, watch: requests.watch, ...given, ...kept, port });
  let twin = await start(given.port ?? 0);
  const { port } = twin;
  const people = twinClient(twin.url);
  const [application] = twin.applications;
  const hookSecret = randomBytes(16).toString('hex');
  if (webhook) {
    const hook = {
      name: 'Ferry',
      url: `${gatewayUrl}/hooks/${id}/${hookSecret}`,
      active: true,
      guid: hookSecret,
      events: [],
    };
    await people.catalogue('webhook', [hook]);
  }
  const desk: HaloDesk = {
    id,
    url: twin.url,
    get twin() {
      return twin;
    },
    people,
    secrets: {
      URL: twin.url,
      CLIENT_ID: application?.client_id ?? '',
      CLIENT_SECRET: application?.client_secret ?? '',
      HOOK_SECRET: hookSecret,
    },
    checked: () => checkedDesk(id, twin, application?.name ?? ''),
    ticket: (ticket) => people.ticket(ticket),
    async shows(ticket, what, look, timeoutMs = 30_000) {
      let last: TicketSeen | undefined;
      return until(
        async () => {
          last = await people.ticket(ticket);
          return look(last) as Exclude<ReturnType<typeof look>, undefined | false>;
        },
        { what: `${what} on ${id} ${ticket}`, timeoutMs, everyMs: 50 },
      ).catch((error: unknown) => {
        throw new Error(`${String(error)}; it shows: ${JSON.stringify(last, brief).slice(0, 4_000)}`);
      }) as never;
    },
    note: (ticket, text, timeoutMs) =>
      desk.shows(
        ticket,
        `the note "${text}"`,
        (seen) => seen.actions.find((one) => one.note_html.includes(text)),
        timeoutMs,
      ),
    down: () => twin.close(),
    async up() {
      twin = await start(port);
    },
    async close() {
      await twin.close();
      await data?.remove();
      requests.assertValid();
    },
  };
  return desk;
}

/** What a person needs to see after a failure. */
function brief(key: string, value: unknown): unknown {
  return /^(customfields|attachments|guid|emailbody|note|details|who_|datetime$|action(by|date))/.test(key)
    ? undefined
    : value;
}

function checkedDesk(id: string, { desk: { store } }: HaloTwin, application: string): CheckedDesk {
  const all = store.all('select body from tickets').map((row) => JSON.parse(String(row['body'])) as Ticket);
  const over = all
    .filter((ticket) => ticket.deleted || ticket.merged_into_id !== null)
    .map((ticket) => String(ticket.id));
  // The desk's own entry for a ticket is shown as its description, and what a merge moved is shown where it was
  // written.
  const said = all.flatMap(({ id: ticketId }) => store.actions(ticketId)).filter(({ iscreation }) => !iscreation);
  const byTicket = Map.groupBy(said.map(whereSaid), ({ ticket_id }) => ticket_id);
  const tickets = all.map((ticket): [string, DeskTicket] => {
    const actions = (byTicket.get(ticket.id) ?? [])
      .toSorted((a, b) => a.id - b.id)
      .map((action) => shownAction(action, application));
    return [String(ticket.id), shownTicket(ticket, store.find('status', ticket.status_id)?.name ?? '', actions)];
  });
  return { id, tickets: new Map(tickets), over: new Set(over) };
}

function whereSaid(action: Action): Action {
  const { merged_from_ticketid: ticket_id, merged_from_id: id } = action;
  return ticket_id > 0 ? { ...action, ticket_id, id } : action;
}

function shownTicket(ticket: Ticket, status: string, actions: DeskAction[]): DeskTicket {
  return {
    id: String(ticket.id),
    summary: ticket.summary,
    description: ticket.details_html,
    status,
    fields: { ...ticket.customfields },
    marker: ticket.third_party_id_string === '' ? null : ticket.third_party_id_string,
    reference: ticket.supplier_reference === '' ? null : ticket.supplier_reference,
    actions,
    position: 0,
    removed: ticket.deleted,
  };
}

function shownAction(action: Action, application: string): DeskAction {
  const by = action.issystem
    ? 'automation'
    : action.actionby_application_id === application
      ? 'service'
      : action.actionby_user_id > 0
        ? 'user'
        : 'agent';
  return {
    id: action.id,
    at: `${action.datetime}Z`,
    by,
    author: action.who,
    kind: action.outcome,
    note: action.note_html === '' ? null : action.note_html,
    visible: !action.hiddenfromuser,
    ...(by === 'service' ? { marker: markerOf(action.guid) } : {}),
  };
}
