/** The contract suite's harness for Halo: a twin, its people, and the faults that can be ordered. */
import { createHelpdesk } from '#connectors/halo/index.ts';
import type { ConnectorContext, Helpdesk } from '#connectors/contract/helpdesk.ts';
import { createHttpClient } from '#connectors/kit/http.ts';
import { twinClient } from '#twins/halo/client.ts';
import type { TwinClient } from '#twins/halo/client.ts';
import type { ProfileName } from '#twins/halo/profiles.ts';
import type { HaloSeed } from '#twins/halo/seed.ts';
import { acmeNames, acmeSeed } from '#twins/halo/seeds/acme.ts';
import { northwindNames, northwindSeed } from '#twins/halo/seeds/northwind.ts';
import { createHaloTwin } from '#twins/halo/server.ts';
import type { HaloTwin } from '#twins/halo/server.ts';
import { createRequestCheck } from './valid-requests.ts';
import type { RequestCheck } from './valid-requests.ts';
import type { Bench, DeskNames, FileToAttach, People } from '#test/connectors/bench.ts';

const acme: DeskNames = {
  account: 'Acme',
  type: acmeNames.ticketTypes.incident,
  status: { open: acmeNames.statuses.new, other: acmeNames.statuses.waitingOnUser, closed: acmeNames.statuses.closed },
  kinds: {
    visible: acmeNames.outcomes.update,
    hidden: acmeNames.outcomes.internalNote,
    mails: acmeNames.outcomes.emailUser,
  },
  priority: acmeNames.priorities.critical,
  category: acmeNames.categories.wifi,
  fields: {
    text: acmeNames.fields.service,
    option: { name: acmeNames.fields.scope, value: 'A team', other: 'Everybody' },
    date: acmeNames.fields.neededBy,
    datetime: acmeNames.fields.maintenance,
    number: acmeNames.fields.people,
  },
  agent: acmeNames.agents.dana,
  user: { name: 'Priya Nair', email: acmeNames.users.priya },
  requester: { name: 'Tom Becker', email: acmeNames.users.tom },
  standIn: 'Tom Becker',
};

const northwind: DeskNames = {
  account: northwindNames.client,
  otherAccount: 'Bluebird Dental',
  type: northwindNames.ticketTypes.task,
  status: {
    open: northwindNames.statuses.new,
    other: northwindNames.statuses.awaitingClient,
    closed: northwindNames.statuses.archived,
  },
  kinds: {
    visible: northwindNames.outcomes.update,
    hidden: northwindNames.outcomes.internalNote,
    mails: northwindNames.outcomes.emailCustomer,
  },
  priority: northwindNames.priorities.p1,
  category: northwindNames.categories.wireless,
  fields: {
    text: northwindNames.fields.service,
    option: { name: northwindNames.fields.reach, value: 'Department', other: 'Whole company' },
    date: northwindNames.fields.due,
    datetime: northwindNames.fields.window,
    number: northwindNames.fields.headcount,
  },
  agent: northwindNames.agents.lena,
  user: { name: 'Sam Okafor', email: northwindNames.users.sam },
  requester: { name: 'Dana Reyes', email: northwindNames.users.dana },
  standIn: 'Acme Service Desk',
};

export type HaloBench = Bench & {
  readonly twin: HaloTwin;
  readonly client: TwinClient;
  /** Every request to the twin is checked; `stop` fails if one was wrong. */
  readonly requests: RequestCheck;
  readonly context: ConnectorContext;
  /** Another connector to the same twin. */
  connect(over?: Partial<ConnectorContext>): Helpdesk;
};

/** `which`: whose desk; `profile`: how it answers where live Halos differ. */
export async function haloBench(which: 'acme' | 'northwind', profile: ProfileName = 'usual'): Promise<HaloBench> {
  const [seed, names] = which === 'acme' ? [acmeSeed, acme] : [northwindSeed, northwind];
  const requests = createRequestCheck();
  const twin = await createHaloTwin({ seed, profile, rateLimit: { limit: 0 }, watch: requests.watch });
  const client = twinClient(twin.url);
  await client.catalogue('outcome', [{ ...seed.outcomes[0], id: 999, outcome: 'Not for incidents' }]);
  const http = createHttpClient({ allow: { http: true, privateAddresses: ['127.0.0.0/8'] } });
  const [application] = twin.applications;
  const credentials = { clientId: application?.client_id ?? '', clientSecret: application?.client_secret ?? '' };
  const context: ConnectorContext = {
    instance: which,
    url: twin.url,
    credentials,
    options: {
      settleMs: 200,
      overlapMs: 1000,
      // What the twin has written can be read at once.
      readableAfterMs: 0,
      standIns: { Acme: names.standIn },
      // Where the filter for open statuses has no effect, names decide.
      ...(profile === 'other' ? { closedStatuses: closedOf(seed) } : {}),
    },
    take: async () => undefined,
    http,
  };
  const connect = (over: Partial<ConnectorContext> = {}): Helpdesk => createHelpdesk({ ...context, ...over });
  const api = { path: '^/api/' };
  const writes = { method: 'POST', ...api };
  return {
    helpdesk: connect(),
    context,
    names,
    twin,
    client,
    requests,
    connect,
    restarted: () => connect(),
    wrongCredentials: () => connect({ credentials: { ...credentials, clientSecret: 'not-the-secret' } }),
    unreachable: () => connect({ url: 'http://127.0.0.1:1' }),
    people: peopleOf(client, names),
    faults: {
      loseReply: () => client.fault({ kind: 'reply-lost-after-commit', match: writes }),
      cutWrite: () => client.fault({ kind: 'drop-before-commit', match: writes }),
      serverError: (on) => client.fault({ kind: '500', match: on === 'write' ? writes : api }),
      htmlInstead: (on) => client.fault({ kind: 'wrong-content-type', match: on === 'write' ? writes : api }),
      slowDown: (retryAfter) => client.fault({ kind: '429', retryAfter, match: api }),
      loseStatus: () => client.fault({ kind: 'dropped-field', field: 'new_status', match: writes }),
      clear: () => client.clearFaults(),
    },
    mailbox: async (ticketId) =>
      (await client.outbox(Number(ticketId))).map(({ to, subject, body_html }) => ({ to, subject, body: body_html })),
    ...(which === 'acme'
      ? { forbidden: { command: { kind: 'Not for incidents' }, words: /do not have access to this action/ } }
      : {}),
    automation: {
      arm: () =>
        client.rule({
          name: 'Opens again',
          enabled: true,
          when: { on: 'action', by: 'application' },
          does: { status: names.status.other, note_html: '<p>Opened again</p>' },
          ignoresSwitches: true,
        }),
      disarm: async () => void (await client.call('DELETE', '/rules')),
    },
    async stop() {
      await http.close();
      await twin.close();
      requests.assertValid();
    },
  };
}

function closedOf({ statuses }: HaloSeed): readonly string[] {
  return statuses.filter(({ closed }) => closed).map(({ name }) => name);
}

function peopleOf(client: TwinClient, names: DeskNames): People {
  const { agent, user, kinds } = names;
  return {
    async createTicket({ summary, html, files }) {
      const ticket = await client.userTicket(user.email, {
        summary,
        details_html: html,
        type: names.type,
        attachments: attached(files),
      });
      return String(ticket.id);
    },
    async agentNote(ticketId, { visible, html, files }) {
      await client.agentAction(agent, Number(ticketId), {
        outcome: visible ? kinds.visible : kinds.hidden,
        note_html: html,
        attachments: attached(files),
      });
    },
    async agentStatus(ticketId, status) {
      await client.agentAction(agent, Number(ticketId), { outcome: kinds.hidden, status });
    },
    async agentField(ticketId, name, value) {
      await client.agentAction(agent, Number(ticketId), { outcome: kinds.hidden, fields: { [name]: value } });
    },
    async userReply(ticketId, html) {
      await client.userReply(user.email, Number(ticketId), { note_html: html });
    },
    deleteTicket: (ticketId) => client.remove(Number(ticketId)),
    mergeTickets: (from, into) => client.merge(Number(from), Number(into)),
    async readRaw(ticketId) {
      const ticket = await client.ticket(Number(ticketId));
      return {
        summary: ticket.summary,
        status: ticket.status_name,
        supplierReference: ticket.supplier_reference,
        requester: ticket.user_name,
        account: ticket.client_name,
        description: ticket.details_html,
        notes: ticket.actions.map(({ note_html, hiddenfromuser, who }) => ({
          html: note_html,
          hidden: hiddenfromuser,
          author: who,
        })),
        files: ticket.attachments.map(({ filename }) => filename),
      };
    },
    async userSees(ticketId) {
      const ticket = await client.portalTicket(user.email, Number(ticketId));
      return [ticket.details_html, ...ticket.actions.map(({ note_html }) => note_html)];
    },
  };
}

function attached(files: readonly FileToAttach[] = []) {
  return files.map(({ name, type, bytes, cid }) => ({
    filename: name,
    content_type: type,
    data_base64: Buffer.from(bytes).toString('base64'),
    ...(cid === undefined ? {} : { cid }),
  }));
}
