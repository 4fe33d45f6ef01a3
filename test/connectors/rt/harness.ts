/** The contract suite's harness for Request Tracker: a real one, its people, and a proxy before it that plays tricks. */
import type { Helpdesk } from '#connectors/contract/helpdesk.ts';
import { createHttpClient } from '#connectors/kit/http.ts';
import { createHelpdesk } from '#connectors/rt/index.ts';
import type { Bench, FileToAttach, People, RawTicket } from '#test/connectors/bench.ts';
import { startRt } from '#test/real/rt.ts';
import type { Rt } from '#test/real/rt.ts';
import { startFaultProxy } from '#test/support/fault-proxy.ts';
import type { Trick } from '#test/support/fault-proxy.ts';

const writes = {
  method: ['POST', 'PUT'],
  path: /\/REST\/2\.0\/ticket(?:\/\d+(?:\/(?:comment|correspond))?)?$/,
} as const;

export async function rtBench(timezone: string): Promise<Bench> {
  const rt = await startRt({ name: 'northwind.example', timezone });
  const proxy = await startFaultProxy(rt.url);
  const http = createHttpClient({ allow: { http: true, privateAddresses: ['127.0.0.0/8'] } });
  const connect = (url = proxy.url, token = rt.token): Helpdesk =>
    createHelpdesk({
      instance: 'northwind',
      url,
      credentials: { token },
      options: { categoryField: 'Category', settleMs: 200 },
      take: async () => undefined,
      http,
    });
  const answer = (on: 'read' | 'write', trick: Extract<Trick, { kind: 'answer' }>): void =>
    proxy.arm(on === 'write' ? { ...trick, ...writes } : trick);
  return {
    helpdesk: connect(),
    names: {
      account: 'Acme',
      otherAccount: 'Support',
      status: { open: 'new', other: 'stalled', closed: 'resolved' },
      kinds: { visible: 'Correspond', hidden: 'Comment', mails: 'Correspond' },
      priority: 'High',
      category: 'Network',
      fields: {
        text: 'Asset',
        option: { name: 'Severity', value: 'High', other: 'Low' },
        date: 'Due window',
        datetime: 'Started',
      },
      agent: rt.agents[0].realName,
      user: { name: rt.endUser.realName, email: rt.endUser.email },
      requester: { name: 'Tom Becker', email: 'tom.becker@acme.example' },
    },
    people: peopleOf(rt),
    faults: {
      loseReply: async () => proxy.arm({ kind: 'lose-reply', ...writes }),
      cutWrite: async () => proxy.arm({ kind: 'cut', ...writes }),
      serverError: async (on) => answer(on, { kind: 'answer', status: 500 }),
      htmlInstead: async (on) =>
        answer(on, { kind: 'answer', status: 200, headers: { 'content-type': 'text/html' }, body: '<p>Sign in</p>' }),
      slowDown: async (seconds) =>
        proxy.arm({
          kind: 'answer',
          status: 429,
          ...(seconds === null ? {} : { headers: { 'retry-after': String(seconds) } }),
        }),
      clear: async () => proxy.clear(),
    },
    restarted: () => connect(),
    wrongCredentials: () => connect(proxy.url, '1-46-wrongtoken0not0the0secret'),
    unreachable: () => connect('http://127.0.0.1:1'),
    mailbox: async (ticketId) =>
      (await rt.outbox())
        .filter((mail) => mail.header('X-RT-Ticket') === `${rt.name} #${ticketId}`)
        .map(({ to, cc, bcc, subject, raw }) => ({ to: [...to, ...cc, ...bcc].join(', '), subject, body: raw })),
    forbidden: { command: { note: null, fields: { Severity: 'Nope' } }, words: /Invalid value for custom field/ },
    // RT's own scrip opens a new ticket that is replied to.
    automation: { arm: async () => undefined, disarm: async () => undefined },
    conditional: true,
    defusesTags: true,
    async stop() {
      await http.close();
      await proxy.close();
      await rt.stop();
    },
  };
}

function peopleOf(rt: Rt): People {
  const [agent] = rt.agents;
  const asAgent = (method: string, path: string, body?: unknown): Promise<unknown> =>
    rt.call(agent.token, method, path, body);
  const tagged = (ticketId: string): string => `Re: [${rt.name} #${ticketId}] ticket`;
  return {
    async createTicket({ summary, html, files }) {
      const ticket = {
        Queue: 'Acme',
        Subject: summary,
        Requestor: rt.endUser.email,
        Content: html,
        ContentType: 'text/html',
      };
      return ((await withFiles(rt, '/ticket', ticket, files ?? [])) as { readonly id: string }).id;
    },
    async agentNote(ticketId, { visible, html, files = [] }) {
      if (files.some(({ cid }) => cid !== undefined)) {
        // Only a mail places pictures within the text.
        const mail = { from: agent.email, subject: tagged(ticketId), queue: 'Acme', text: related(html, files) };
        return rt.mailIn(mail);
      }
      const path = `/ticket/${ticketId}/${visible ? 'correspond' : 'comment'}`;
      await withFiles(rt, path, { Content: html, ContentType: 'text/html' }, files);
    },
    async agentStatus(ticketId, status) {
      await asAgent('PUT', `/ticket/${ticketId}`, { Status: status });
    },
    async agentField(ticketId, name, value) {
      await asAgent('PUT', `/ticket/${ticketId}`, { CustomFields: { [name]: value } });
    },
    async userReply(ticketId, html) {
      const text = `Content-Type: text/html; charset=utf-8\n\n${html}`;
      await rt.mailIn({ from: rt.endUser.email, subject: tagged(ticketId), queue: 'Acme', text });
    },
    async deleteTicket(ticketId) {
      await asAgent('PUT', `/ticket/${ticketId}`, { Status: 'deleted' });
    },
    async mergeTickets(from, into) {
      await asAgent('PUT', `/ticket/${from}`, { MergeInto: Number(into) });
    },
    readRaw: (ticketId) => readRaw(rt, ticketId),
    async userSees(ticketId) {
      const { description, notes } = await readRaw(rt, ticketId);
      return [description, ...notes.filter(({ hidden }) => !hidden).map(({ html }) => html)];
    },
  };
}

/** As a form: in JSON, RT takes names of files in ASCII only. */
async function withFiles(rt: Rt, path: string, message: unknown, files: readonly FileToAttach[]): Promise<unknown> {
  const form = new FormData();
  form.set('JSON', JSON.stringify(message));
  for (const { name, type, bytes } of files)
    form.append('Attachments', new Blob([Uint8Array.from(bytes)], { type }), name);
  const headers = { authorization: `token ${rt.agents[0].token}` };
  const reply = await fetch(rt.restUrl + path, { method: 'POST', headers, body: form });
  if (!reply.ok) throw new Error(`POST ${path}: ${reply.status} ${await reply.text()}`);
  const text = Buffer.from(await reply.arrayBuffer()).toString('latin1');
  return JSON.parse(text);
}

function related(html: string, files: readonly FileToAttach[]): string {
  const parts = files.map(
    ({ name, type, bytes, cid }) =>
      `--B\nContent-Type: ${type}; name="${name}"\nContent-ID: <${cid}>\nContent-Disposition: inline; filename="${name}"\n` +
      `Content-Transfer-Encoding: base64\n\n${Buffer.from(bytes).toString('base64')}\n`,
  );
  const head =
    'MIME-Version: 1.0\nContent-Type: multipart/related; boundary=B\n\n--B\nContent-Type: text/html; charset=utf-8\n';
  return `${head}\n${html}\n${parts.join('')}--B--\n`;
}

type Rows = { readonly items: readonly Readonly<Record<string, string>>[] };

/** As its agents see it, straight from RT. */
async function readRaw(rt: Rt, ticketId: string): Promise<RawTicket> {
  const ask = (path: string, body?: unknown): Promise<unknown> =>
    rt.call(rt.agents[0].token, body === undefined ? 'GET' : 'POST', path, body);
  const ticket = (await ask(`/ticket/${ticketId}?fields[Queue]=Name`)) as {
    readonly Subject: string;
    readonly Status: string;
    readonly Queue: { readonly Name: string };
    readonly Requestor: readonly { readonly id: string }[];
    readonly CustomFields: readonly { readonly name: string; readonly values: readonly string[] }[];
  };
  const { items: history } = (await ask('/transactions?fields=Type,Creator&per_page=100&orderby=id', [
    { field: 'ObjectType', value: 'RT::Ticket' },
    { field: 'ObjectId', value: ticketId },
  ])) as { readonly items: readonly { id: string; Type: string; Creator: { id: string } }[] };
  const { items: parts } = (await ask(
    `/ticket/${ticketId}/attachments?fields=TransactionId,ContentType,Filename,Content&per_page=100&orderby=id`,
    [{ field: 'id', operator: '>', value: 0 }],
  )) as Rows;
  const textOf = (id: string): string =>
    parts
      .filter(
        (part) => part['TransactionId'] === id && part['Filename'] === '' && part['ContentType']?.startsWith('text/'),
      )
      .map((part) => part['Content'] ?? '')
      .join('');
  const notes = history.filter(({ Type }) => Type === 'Correspond' || Type === 'Comment');
  const own = new Set(history.filter(({ Type }) => !Type.endsWith('EmailRecord')).map(({ id }) => id));
  return {
    summary: ticket.Subject,
    status: ticket.Status,
    supplierReference: ticket.CustomFields.find(({ name }) => name === 'SupplierRef')?.values.join(' ') ?? '',
    requester: ticket.Requestor.map(({ id }) => id).join(' '),
    account: ticket.Queue.Name,
    description: textOf(history.find(({ Type }) => Type === 'Create')?.id ?? ''),
    notes: notes.map(({ id, Type, Creator }) => ({ html: textOf(id), hidden: Type === 'Comment', author: Creator.id })),
    files: parts
      .filter((part) => part['Filename'] !== '' && own.has(part['TransactionId'] ?? ''))
      .map((part) => part['Filename'] ?? ''),
  };
}
