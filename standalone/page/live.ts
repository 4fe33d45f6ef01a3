/**
 * Keeps the demo's page current: looks at the database and the desks while somebody watches, and sends what has changed.
 * Every outcome rings a bell in the database, which makes it look immediately.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { raw } from 'hono/html';

import { status } from '#operate/status/status.ts';
import { trace } from '#operate/trace/trace.ts';
import type { Timeline } from '#operate/trace/timeline.ts';
import { connect } from '#db/base/client.ts';
import { laneChannel } from '#db/carry/couriers.ts';
import { hintChannel } from '#db/log/hint.ts';
import { settingsInForce } from '#db/settings/settings.ts';
import { Refused } from '#operate/refused.ts';
import { demoOperator, visitor } from '#standalone/demo/operator.ts';
import type { Children } from '#standalone/machine/children.ts';

import type { PageDesk, DeskAction } from './desks.ts';
import type { Frames } from './html-main.ts';
import { frame, main, plugPart, stepsPart } from './html-main.ts';
import type { Command, Markup } from './html-page.ts';
import { rulesPart } from './html-rules.ts';
import { stripLine, stripList } from './html-strip.ts';
import { troublePart } from './html-trouble.ts';
import type { TroubleSeen } from './html-trouble.ts';
import type { Hub } from './hub.ts';
import { loadEditor, noMistake, saveRow } from './mistake.ts';
import type { Editor, EditorRow, SaveResult } from './mistake.ts';
import { createPlug } from './plug.ts';
import type { DeskName } from './plug.ts';
import type { StepWords } from './step-words.ts';
import { stepsOf } from './steps.ts';
import { readDesks, readLog } from './view.ts';
import type { Desks, DemoTicket, View } from './view.ts';

export type LiveDeps = {
  readonly databaseUrl: string;
  /** base64, 32 bytes. */
  readonly secretKey: string;
  readonly link: string;
  readonly ticket: DemoTicket;
  readonly desks: { readonly acme: PageDesk; readonly northwind: PageDesk };
  readonly frames: (ticket: DemoTicket) => Frames;
  readonly words: StepWords;
  /** Logs the agent in at Northwind's desk if it needs that, and returns the address of a ticket, or of all tickets. */
  readonly session: ((ticket: string | null) => Promise<Session>) | null;
  /** Returns the address at which Northwind shows a ticket. */
  readonly farTicketUrl: (id: string) => string;
  readonly children: Pick<Children, 'pull' | 'plugIn' | 'isPulled' | 'isUp'>;
  /** Restores the initial state. @returns the ticket to escalate */
  readonly reset: () => Promise<DemoTicket>;
  readonly command: Command;
  readonly say: (line: string) => void;
  readonly hub: Hub;
};

export type Session = {
  /** The desk's session cookie; null if the desk refused the login. */
  readonly cookie: string | null;
  readonly location: string;
};

export type Live = {
  readonly session: LiveDeps['session'];
  readonly command: Command;
  main(): Promise<Markup>;
  pull(): Promise<void>;
  plugIn(): Promise<void>;
  save(row: EditorRow): Promise<Markup>;
  reset(): Promise<void>;
  /** Returns the list of deliveries as all watchers see it; later changes are sent as events. */
  strip(): string;
  /** Returns null if nothing is known of it. */
  trace(instance: string, ticket: string): Promise<Timeline | null>;
  /** Adds a watcher. */
  wake(): void;
  close(): Promise<void>;
};

const lookEveryMs = 400;
/** Limits one look, so that a lost answer does not end the watching. Milliseconds. */
const lookWithinMs = 4_000;
/** Bells within this time count as one. Milliseconds. */
const gatherMs = 50;
/** How long the last reading of the desks is used again. Milliseconds. */
const desksForMs = 1_500;
const troubleForMs = 2_000;

export async function createLive(deps: LiveDeps): Promise<Live> {
  const { link, hub } = deps;
  const connection = connect(deps.databaseUrl, { max: 3, name: 'ferry-page' });
  const { db } = connection;
  const operator = demoOperator(db, visitor, deps.secretKey);
  let ticket = deps.ticket;
  let isClosed = false;
  let bell = Promise.withResolvers<void>();
  const ring = (): void => bell.resolve();
  let mistake = noMistake;
  let sentKinds: Readonly<Record<DeskName, ReadonlySet<string>>> = { acme: new Set(), northwind: new Set() };
  const sent = (desk: DeskName, action: DeskAction): boolean =>
    sentKinds[desk].has(action.outcome) || (desk === 'acme' && action.actionby_user_id > 0);
  const plug = createPlug(deps.children, sent);
  let desksRead: { readonly key: string; readonly at: number; readonly desks: Desks } | null = null;
  let troubleRead: { readonly at: number; readonly seen: TroubleSeen } | null = null;
  /** The lines as they were sent, by delivery. */
  let shownLines = new Map<string, string>();
  const emptyStrip = String(await stripList([]));
  let framed: string | null = null;

  let last: Promise<unknown> = Promise.resolve();
  /** Counts resets: what was read before a reset must not be shown after it. */
  function oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  }

  async function look(): Promise<View> {
    const log = await readLog(db, link, ticket);
    const key = JSON.stringify([ticket.id, log]);
    const isFresh = desksRead !== null && desksRead.key === key && performance.now() - desksRead.at < desksForMs;
    const isWatched = deps.children.isPulled('worker');
    if (!isFresh || isWatched || desksRead === null)
      desksRead = { key, at: performance.now(), desks: await readDesks(deps.desks, ticket, log.mirror) };
    const { desks } = desksRead;
    return { ticket, words: deps.words, ...log, ...desks, plug: plug.seen(desks, log.rows), mistake };
  }

  async function readKinds(): Promise<void> {
    const [customer, supplier] = await Promise.all([
      settingsInForce(db, `${link}/customer`),
      settingsInForce(db, `${link}/supplier`),
    ]);
    sentKinds = {
      acme: new Set(customer?.settings.outbound.actions),
      northwind: new Set(supplier?.settings.outbound.actions),
    };
  }

  async function trouble(): Promise<TroubleSeen> {
    if (troubleRead === null || performance.now() - troubleRead.at > troubleForMs) {
      const { instances, links } = await status(operator);
      troubleRead = { at: performance.now(), seen: { instances, links } };
    }
    return troubleRead.seen;
  }

  async function showStrip({ rows }: View): Promise<void> {
    const lines = new Map<string, string>();
    let added = '';
    for (const row of rows) {
      const line = String(await stripLine(row));
      lines.set(row.id, line);
      const before = shownLines.get(row.id);
      if (before === undefined) added += String(await stripLine(row, 'arrives'));
      else if (before !== line) added += String(await stripLine(row, 'changes'));
    }
    shownLines = lines;
    if (added !== '') hub.send('strip', added);
  }

  const strip = (): string => (shownLines.size === 0 ? emptyStrip : [...shownLines.values()].join(''));

  async function showFrames({ mirror }: View): Promise<void> {
    const far = mirror?.supplier_ticket ?? null;
    if (far === null || framed === far) return;
    framed = far;
    hub.send('frame-northwind', String(await frame('northwind', deps.farTicketUrl(far))));
  }

  async function show(view: View): Promise<void> {
    await showStrip(view);
    await showFrames(view);
    hub.show('steps', String(await stepsPart(stepsOf(view))));
    hub.show('plug', String(await plugPart(view.plug)));
    hub.show('trouble', String(await troublePart(await trouble(), deps.command)));
  }

  async function run(): Promise<void> {
    while (!isClosed) {
      if (hub.watchers() > 0) {
        try {
          await oneAtATime(() => within(lookWithinMs, look().then(show)));
        } catch {
          // The database or a desk is restarting; look again soon.
        }
        await Promise.race([bell.promise, sleep(lookEveryMs, undefined, { ref: false })]);
        await sleep(gatherMs, undefined, { ref: false });
      } else await bell.promise;
      bell = Promise.withResolvers();
    }
  }

  async function mainPart(): Promise<Markup> {
    const view = await oneAtATime(async () => {
      const seen = await within(lookWithinMs, look());
      await showStrip(seen);
      return seen;
    });
    const far = view.mirror?.supplier_ticket ?? null;
    const [editor, seen] = await Promise.all([loadEditor(db, link), trouble()]);
    return main({
      steps: stepsOf(view),
      strip: raw(strip()),
      plug: view.plug,
      frames: { ...deps.frames(ticket), ...(far === null ? {} : { northwind: deps.farTicketUrl(far) }) },
      rules: rulesPart(editor, mistake.last),
      trouble: troublePart(seen, deps.command),
    });
  }

  await readKinds();
  const first = await look();
  framed = first.mirror?.supplier_ticket ?? null;
  for (const row of first.rows) shownLines.set(row.id, String(await stripLine(row)));
  for (const channel of [laneChannel, hintChannel]) await connection.sql.listen(channel, ring, ring);
  const running = run();

  return {
    session: deps.session,
    command: deps.command,
    main: mainPart,
    async pull() {
      const { acme, northwind } = await look();
      await plug.pull({ acme, northwind });
      ring();
    },
    async plugIn() {
      const { acme, northwind } = await look();
      plug.plugIn({ acme, northwind });
      ring();
    },
    async save(row) {
      const before = await loadEditor(db, link);
      const result: SaveResult = await saveRow({ db, secretKey: deps.secretKey }, link, row);
      const after: Editor | null = await loadEditor(db, link);
      const isRefused =
        result.outcome === 'refused' &&
        result.faults.some(({ code }) => code === 'mail-on-mail') &&
        before?.version === after?.version;
      mistake = {
        last: { row, result },
        refusedAt: isRefused ? (after?.version ?? null) : mistake.refusedAt,
      };
      await readKinds();
      ring();
      return rulesPart(after, mistake.last);
    },
    async reset() {
      await oneAtATime(async () => {
        ticket = await deps.reset();
        mistake = noMistake;
        plug.forget();
        desksRead = null;
        framed = null;
        shownLines = new Map();
        await readKinds();
        hub.clear();
      });
      hub.send('page', String(await mainPart()));
      ring();
    },
    strip,
    async trace(instance, name) {
      return trace(operator, instance, name, { notes: true }).catch((error: unknown) => {
        if (error instanceof Refused) return null;
        throw error;
      });
    },
    wake: ring,
    async close() {
      isClosed = true;
      ring();
      await running;
      await connection.close();
    },
  };
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = new AbortController();
  const timer = sleep(ms, undefined, { ref: false, signal: late.signal }).then(() => {
    throw new Error(`no answer within ${ms} ms`);
  });
  try {
    return await Promise.race([work, timer]);
  } finally {
    late.abort();
    timer.catch(() => {});
  }
}
