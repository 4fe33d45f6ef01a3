/** A real RT as a desk of the rig: its webhook goes to the gateway, Ferry reaches it through a proxy that plays tricks. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { startRt, type Rt, type RtAgent, type RtOptions } from '#test/real/rt.ts';
import { startFaultProxy, type FaultProxy } from '#test/support/fault-proxy.ts';
import { until } from '#test/support/wait.ts';
import type { AnyDesk, DeskRig } from './desk-rig.ts';
import { checkedTicket, openRtDatabase, type RtDatabase, type RtDone, type RtSeen } from './rt-seen.ts';

export type RtDesk = AnyDesk & {
  readonly rt: Rt;
  /** Between Ferry and RT; people reach RT without it. */
  readonly proxy: FaultProxy;
  readonly database: RtDatabase;
  readonly agent: RtAgent;
  /** The end user's ticket, logged by the agent; gives its id. */
  logged(ticket?: Readonly<Record<string, unknown>>): Promise<string>;
  reply(ticket: string, html: string, more?: Readonly<Record<string, unknown>>): Promise<void>;
  comment(ticket: string, html: string, more?: Readonly<Record<string, unknown>>): Promise<void>;
  /** Changes a ticket; `fields` are custom fields. */
  change(
    ticket: string,
    words: Readonly<Record<string, unknown>>,
    fields?: Readonly<Record<string, unknown>>,
  ): Promise<void>;
  /** Whether RT announces changes from now on. */
  hooks(on: boolean): void;
  ticket(id: string): RtSeen;
  /** Waits until the ticket satisfies `look`, and returns what `look` returns. */
  shows<T>(id: string, what: string, look: (seen: RtSeen) => T | undefined | false, timeoutMs?: number): Promise<T>;
  /** Waits for a reply or comment with this text. */
  note(id: string, text: string, timeoutMs?: number): Promise<RtDone>;
};

export type RtDeskOptions = RtOptions & {
  /** Whether RT announces changes to the gateway; true by default. */
  readonly hooked?: boolean;
  /** The queue in which the agent logs tickets. */
  readonly queue: string;
};

const patienceMs = 60_000;

export async function startRtDesk(rig: DeskRig, id: string, options: RtDeskOptions): Promise<RtDesk> {
  const { hooked = true, queue, ...given } = options;
  const hookSecret = randomBytes(16).toString('hex');
  const webhook = { url: `${rig.gatewayUrl}/hooks/${id}/${hookSecret}`, secret: hookSecret };
  const rt = await startRt({ ...given, ...(hooked ? { webhook } : {}) });
  const proxy = await startFaultProxy(rt.url);
  const database = openRtDatabase(join(rt.dir, 'rt.db'));
  const [agent] = rt.agents;
  const asAgent = (method: string, path: string, body: unknown): Promise<unknown> =>
    rt.call(agent.token, method, path, body);
  const message =
    (kind: string) =>
    async (ticket: string, html: string, more: object = {}) => {
      await asAgent('POST', `/ticket/${ticket}/${kind}`, { Content: html, ContentType: 'text/html', ...more });
    };
  const desk: RtDesk = {
    id,
    rt,
    proxy,
    database,
    agent,
    secrets: { URL: proxy.url, TOKEN: rt.token, HOOK_SECRET: hookSecret },
    async logged(ticket = {}) {
      const made = { Queue: queue, Subject: 'VPN drops', Requestor: rt.endUser.email, Content: 'It drops.', ...ticket };
      return ((await asAgent('POST', '/ticket', made)) as { readonly id: string }).id;
    },
    reply: message('correspond'),
    comment: message('comment'),
    async change(ticket, words, fields) {
      const told = await asAgent('PUT', `/ticket/${ticket}`, {
        ...words,
        ...(fields === undefined ? {} : { CustomFields: fields }),
      });
      if (/not|invalid|denied|failed/i.test(JSON.stringify(told)))
        throw new Error(`${id} said: ${JSON.stringify(told)}`);
    },
    hooks: (on) => database.change("update Scrips set Disabled = ? where Description = 'Ferry: webhook'", on ? 0 : 1),
    ticket: (ticket) => database.ticket(ticket),
    async shows(ticket, what, look, timeoutMs = patienceMs) {
      return until(() => look(database.ticket(ticket)) as Exclude<ReturnType<typeof look>, undefined | false>, {
        what: `${what} on ${id} #${ticket}`,
        timeoutMs,
        everyMs: 50,
      }).catch((error: unknown) => {
        throw new Error(`${String(error)}; it shows: ${JSON.stringify(database.ticket(ticket)).slice(0, 4_000)}`);
      }) as never;
    },
    note: (ticket, text, timeoutMs) =>
      desk.shows(ticket, `the note "${text}"`, (seen) => seen.done.find((one) => one.text.includes(text)), timeoutMs),
    async checked() {
      const written = await rows<{ id: string; marker: string }>(
        rig.connection.db,
        sql`select i.external_id as id, w.marker from written_ids i join writes w on w.delivery = i.delivery and w.step = i.step
          where i.instance = ${id} and i."as" = 'echo' order by i.external_id::bigint`,
      );
      const writtenBy = new Map(written.map((row) => [Number(row.id), row.marker]));
      const all = database.tickets();
      return {
        id,
        tickets: new Map(all.map((seen) => [seen.id, checkedTicket(seen, writtenBy)])),
        recordsOnlyChanges: true,
        over: new Set(
          all.filter((seen) => seen.mergedInto !== null || seen.status === 'deleted').map((seen) => seen.id),
        ),
      };
    },
    async close() {
      database.close();
      await proxy.close();
      await rt.stop();
    },
  };
  return rig.add(desk);
}
