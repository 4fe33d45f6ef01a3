/** `/desk/events`: announces that something changed and on which ticket; the pages then reload themselves. */
import type { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { Env, Serving } from '#twins/halo/serving.ts';

/** A line now and then lets both ends notice when the other one is gone. */
const beatMs = 20_000;

/** Adds the route. */
export function eventRoutes(app: Hono<Env>, { changes }: Serving): void {
  app.get('/desk/events', (c) => {
    c.header('cache-control', 'no-store');
    c.header('x-accel-buffering', 'no');
    return streamSSE(c, async (stream) => {
      let silence: (() => void) | undefined;
      let beat: NodeJS.Timeout | undefined;
      await new Promise<void>((left) => {
        stream.onAbort(left);
        silence = changes.listen((ticketId) => {
          const data = String(ticketId);
          void stream.writeSSE({ event: 'changed', data });
          void stream.writeSSE({ event: ticketId === 0 ? 'connected' : `ticket-${data}`, data });
        });
        beat = setInterval(() => void stream.write(': still here\n\n'), beatMs);
        beat.unref();
        // Covers changes made while a page was on its way to the reader.
        void stream.writeSSE({ event: 'connected', data: '0', retry: 1000 });
      });
      silence?.();
      clearInterval(beat);
    });
  });
}
