/**
 * Keeps the demo's page current: looks at the database and the desks while somebody watches, and sends what has changed.
 * Every outcome rings a bell in the database, which makes it look immediately.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { raw } from 'hono/html';

import { trace } from '#operate/trace/trace.ts';
import type { Timeline } from '#operate/trace/timeline.ts';
import { connect } from '#db/base/client.ts';
import { laneChannel } from '#db/carry/couriers.ts';
import { hintChannel } from '#db/log/hint.ts';
import { Refused } from '#operate/refused.ts';
import { demoOperator, visitor } from '#standalone/demo/operator.ts';
import type { Children } from '#standalone/machine/children.ts';

import type { PageDesk } from './desks.ts';
import type { Frames } from './html-main.ts';
import { frame, main, plugPart, stepsPart } from './html-main.ts';
import type { Command, Markup } from './html-page.ts';
import { rulesPart } from './html-rules.ts';
import { troublePart } from './html-trouble.ts';
import type { Hub } from './hub.ts';
import { createLooking, createSentKinds } from './looking.ts';
import { loadEditor, noMistake, saveMistake } from './mistake.ts';
import type { EditorRow } from './mistake.ts';
import { createPlug } from './plug.ts';
import { createShownStrip } from './shown-strip.ts';
import type { StepWords } from './step-words.ts';
import { stepsOf } from './steps.ts';
import type { DemoTicket, View } from './view.ts';

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

export async function createLive(deps: LiveDeps): Promise<Live> {
  const { link, hub } = deps;
  const connection = connect(deps.databaseUrl, { max: 3, name: 'ferry-page' });
  const { db } = connection;
  const operator = demoOperator(db, visitor, deps.secretKey);
  const isWatched = (): boolean => deps.children.isPulled('worker');
  const looking = createLooking({ db, link, desks: deps.desks, operator, isWatched });
  const kinds = createSentKinds(db, link);
  const plug = createPlug(deps.children, kinds.has);
  const strip = await createShownStrip(hub);
  const oneAtATime = createTurns();
  let ticket = deps.ticket;
  let isClosed = false;
  let bell = Promise.withResolvers<void>();
  const ring = (): void => bell.resolve();
  let mistake = noMistake;
  let framed: string | null = null;

  async function look(): Promise<View> {
    const { desks, ...log } = await looking.at(ticket);
    return { ticket, words: deps.words, ...log, ...desks, plug: plug.seen(desks, log.rows), mistake };
  }

  async function showFrames({ mirror }: View): Promise<void> {
    const far = mirror?.supplier_ticket ?? null;
    if (far === null || framed === far) return;
    framed = far;
    hub.send('frame-northwind', String(await frame('northwind', deps.farTicketUrl(far))));
  }

  async function show(view: View): Promise<void> {
    await strip.show(view.rows);
    await showFrames(view);
    hub.show('steps', String(await stepsPart(stepsOf(view))));
    hub.show('plug', String(await plugPart(view.plug)));
    hub.show('trouble', String(await troublePart(await looking.trouble(), deps.command)));
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
      await strip.show(seen.rows);
      return seen;
    });
    const far = view.mirror?.supplier_ticket ?? null;
    const [editor, seen] = await Promise.all([loadEditor(db, link), looking.trouble()]);
    return main({
      steps: stepsOf(view),
      strip: raw(strip.html()),
      plug: view.plug,
      frames: { ...deps.frames(ticket), ...(far === null ? {} : { northwind: deps.farTicketUrl(far) }) },
      rules: rulesPart(editor, mistake.last),
      trouble: troublePart(seen, deps.command),
    });
  }

  await kinds.read();
  const first = await look();
  framed = first.mirror?.supplier_ticket ?? null;
  await strip.begin(first.rows);
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
      const saved = await saveMistake({ db, secretKey: deps.secretKey }, link, row, mistake);
      ({ mistake } = saved);
      await kinds.read();
      ring();
      return rulesPart(saved.editor, mistake.last);
    },
    async reset() {
      await oneAtATime(async () => {
        ticket = await deps.reset();
        mistake = noMistake;
        plug.forget();
        looking.forget();
        framed = null;
        strip.forget();
        await kinds.read();
        hub.clear();
      });
      hub.send('page', String(await mainPart()));
      ring();
    },
    strip: strip.html,
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

/** What was seen before a reset must not be shown after it. */
function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
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
