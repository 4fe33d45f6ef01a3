// A real Request Tracker with Ferry's connector on it, for the tests of this folder.
import { notAfterIn } from '#connectors/contract/not-after.ts';
import { Readable } from 'node:stream';

import { createHttpClient } from '#connectors/kit/http.ts';
import type { Helpdesk, PerformOptions } from '#connectors/contract/helpdesk.ts';
import type { ObservedAction, Reading, Step, Written } from '#core/words/desk.ts';
import { createHelpdesk } from '#connectors/rt/index.ts';
import type { Command } from '#core/words/vocabulary.ts';
import { startRt } from '#test/real/rt.ts';
import type { Rt, RtOptions } from '#test/real/rt.ts';

export type Desk = {
  readonly rt: Rt;
  readonly helpdesk: Helpdesk;
  readonly signal: AbortSignal;
  /** Requests the connector has made since the last call. */
  requests(): number;
  /** A ticket that an agent logs for the end user; gives its id. */
  logTicket(fields?: Readonly<Record<string, unknown>>): Promise<string>;
  /** Performs all steps of the command; `markers` gets the marker of each. */
  perform(command: Command, options?: Partial<PerformOptions>): Promise<readonly Performed[]>;
  read(ticketId: string, since?: string | null): Promise<Extract<Reading, { kind: 'ticket' }>>;
  /** A second connector, as another process would have. */
  another(options?: Readonly<Record<string, unknown>>, token?: string, url?: string): Helpdesk;
  stop(): Promise<void>;
};

export type Performed = { readonly step: Step; readonly marker: string; readonly written: Written };

let markers = 0;

export async function startDesk(
  options: RtOptions,
  connector: Readonly<Record<string, unknown>> = { categoryField: 'Category' },
): Promise<Desk> {
  const rt = await startRt(options);
  const http = createHttpClient({ allow: { http: true, privateAddresses: true } });
  let requests = 0;
  const another = (own: Readonly<Record<string, unknown>> = connector, token = rt.token, url = rt.url): Helpdesk =>
    createHelpdesk({
      instance: 'rt',
      url,
      credentials: { token },
      options: own,
      take: async () => {
        requests++;
      },
      http,
    });
  const helpdesk = another();
  const { signal } = new AbortController();
  return {
    rt,
    helpdesk,
    signal,
    another,
    requests() {
      const made = requests;
      requests = 0;
      return made;
    },
    async logTicket(fields = {}) {
      const ticket = {
        Queue: 'Support',
        Subject: 'VPN drops',
        Requestor: rt.endUser.email,
        Content: 'It drops.',
        ...fields,
      };
      return ((await rt.call(rt.agents[0].token, 'POST', '/ticket', ticket)) as { readonly id: string }).id;
    },
    async perform(command, given = {}) {
      const made: Performed[] = [];
      let { ticketId } = command;
      for (const planned of helpdesk.steps(command)) {
        const step = { ...planned, command: { ...planned.command, ticketId: planned.command.ticketId ?? ticketId } };
        const marker = `0192f0c4-${process.pid}-${++markers}`;
        const written = await helpdesk.perform(step, {
          marker,
          signal,
          notAfter: notAfterIn(60_000),
          link: 'link',
          snapshot: null,
          openStaged: () => Readable.from([]),
          ...given,
        });
        ticketId = written.ticketId;
        made.push({ step, marker, written });
      }
      return made;
    },
    async read(ticketId, since = null) {
      const reading = await helpdesk.read(ticketId, since, signal);
      if (reading.kind !== 'ticket') throw new Error(`ticket ${ticketId} is ${reading.kind}`);
      return reading;
    },
    async stop() {
      await http.close();
      await rt.stop();
    },
  };
}

/** A visible note by somebody at the far side, by default. */
export function commandOf(ticketId: string | null, own: Partial<Command> = {}): Command {
  return {
    ticketId,
    kind: null,
    note: '<p>We are looking into it.</p>',
    visibility: 'visible',
    mailsUser: false,
    author: { display: 'Nora Nord (Northwind)' },
    at: '2026-03-04T05:06:07Z',
    fields: {},
    attachments: [],
    ...own,
  };
}

export function ofKind(actions: readonly ObservedAction[], kind: string): readonly ObservedAction[] {
  return actions.filter((action) => action.words.kind === kind);
}
