/** The page's routes. Everything that changes something is a form that also works without a script. */
import { Hono } from 'hono';
import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { streamSSE } from 'hono/streaming';

import { pageHeaders } from './headers.ts';
import type { Markup, Phase } from './html-page.ts';
import { page, progressParts, starting } from './html-page.ts';
import { tracePage } from './html-trace.ts';
import type { Hub, Message } from './hub.ts';
import type { Live } from './live.ts';
import type { Progress } from './progress.ts';
import { staticFile } from './static.ts';

export type AppDeps = {
  readonly progress: Progress;
  readonly hub: Hub;
  /** Undefined until the demo is ready. */
  readonly live: () => Live | undefined;
  /** Origins of the pages in frames. */
  readonly frames: readonly string[];
};

const keepAliveMs = 15_000;

export function createApp({ progress, hub, live, frames }: AppDeps): Hono {
  const app = new Hono();
  const phase = (): Phase => (live() === undefined ? 'starting' : 'ready');
  const mainPart = async (): Promise<Markup> => (await live()?.main()) ?? starting(progress.seen());

  app.use(pageHeaders(frames));
  app.use(bodyLimit({ maxSize: 16 * 1024 }));
  app.onError((_error, c) => c.text('That failed; the database or a desk may be restarting. Try again.\n', 503));
  app.notFound((c) => c.text('There is no such page. Start at /\n', 404));

  app.get('/', async (c) => c.html(page(phase(), await mainPart())));
  app.get('/static/:name', async (c) => {
    const file = await staticFile(c.req.param('name'));
    if (file === null) return c.notFound();
    return c.body(file.content, 200, { 'content-type': file.type, 'cache-control': 'no-cache' });
  });
  app.get('/events', (c) =>
    streamSSE(c, async (stream) => {
      const queue: Message[] = [];
      let bell = Promise.withResolvers<void>();
      const leave = hub.watch((message) => {
        queue.push(message);
        bell.resolve();
      });
      stream.onAbort(() => bell.resolve());
      const timer = setInterval(() => void stream.write(': still here\n\n').catch(() => {}), keepAliveMs);
      try {
        // The page may show an old state: of an earlier start, or from before the connection was cut.
        if (c.req.query('shows') !== phase() || c.req.header('last-event-id') !== undefined)
          queue.push({ event: 'page', data: String(await mainPart()) });
        else if (phase() === 'starting')
          queue.push({ event: 'progress', data: String(await progressParts(progress.seen())) });
        const now = live();
        if (now !== undefined) queue.push({ event: 'strip-all', data: now.strip() });
        now?.wake();
        for (let id = 1; !stream.aborted;) {
          for (const message of queue.splice(0)) await stream.writeSSE({ ...message, id: String(id++) });
          await bell.promise;
          bell = Promise.withResolvers();
        }
      } finally {
        clearInterval(timer);
        leave();
      }
    }),
  );
  // The frame with Request Tracker starts here, so that nobody has to type a password.
  app.get('/rt', async (c) => {
    const session = live()?.session;
    if (session == null) return c.notFound();
    const { cookie, location } = await session(c.req.query('ticket') ?? null);
    if (cookie !== null) c.header('set-cookie', cookie, { append: true });
    return c.redirect(location, 303);
  });
  app.get('/trace/:instance/:ticket', async (c) => {
    const now = live();
    const found = await now?.trace(c.req.param('instance'), c.req.param('ticket'));
    return now === undefined || found == null ? c.notFound() : c.html(tracePage(found, now.command));
  });

  const act = (path: string, work: (now: Live, c: Context) => Promise<void>): void => {
    app.post(path, async (c) => {
      const now = live();
      if (now === undefined) return c.text('The demo is not ready yet.\n', 503);
      await work(now, c);
      return done(c);
    });
  };
  act('/pull', (now) => now.pull());
  act('/plug-in', (now) => now.plugIn());
  act('/reset', (now) => now.reset());
  app.post('/rules', async (c) => {
    const now = live();
    if (now === undefined) return c.text('The demo is not ready yet.\n', 503);
    const form = await c.req.parseBody();
    const text = (name: string): string => (typeof form[name] === 'string' ? form[name] : '');
    const shown = await now.save({ from: text('from'), to: text('to'), mails: form['mails'] === 'yes' });
    return c.req.header('hx-request') === undefined ? c.redirect('/', 303) : c.html(shown);
  });
  return app;
}

function done(c: Context): Response {
  return c.req.header('hx-request') === undefined ? c.redirect('/', 303) : c.body(null, 204);
}
