/**
 * The demo's page. It starts before everything else and shows start-up progress, then the demo. It listens on this machine
 * only.
 */
import type { Server } from 'node:http';

import { getRequestListener } from '@hono/node-server';

import { createListener } from '#listener/listener.ts';
import { codeOf, portTaken } from '#standalone/machine/errors.ts';

import { createApp } from './app.ts';
import { progressParts } from './html-page.ts';
import { createHub } from './hub.ts';
import type { Live, LiveDeps } from './live.ts';
import { createProgress } from './progress.ts';
import type { Progress } from './progress.ts';

export type Page = {
  readonly url: string;
  readonly progress: Progress;
  /** Switches the page to the demo. */
  ready(deps: Omit<LiveDeps, 'hub'>): Promise<void>;
  close(): Promise<void>;
};

export type PageOptions = {
  readonly port: number;
  /** Origins of the pages that it shows in frames. */
  readonly frames: readonly string[];
};

/** Starts the page. @throws StandaloneError port-taken */
export async function openPage({ port, frames }: PageOptions): Promise<Page> {
  const progress = createProgress();
  const hub = createHub();
  let live: Live | undefined;
  let isClosed = false;
  const app = createApp({ progress, hub, live: () => live, frames });
  // Its forms also work without a script; only the page itself may submit them.
  const guard = { ownPageOnly: true, takes: () => true };
  const server = createListener(getRequestListener(app.fetch), { guard });
  await listen(server, port);
  const stop = progress.onChange(() => void show());
  async function show(): Promise<void> {
    if (live === undefined) hub.show('progress', String(await progressParts(progress.seen())));
  }
  return {
    url: `http://127.0.0.1:${port}`,
    progress,
    async ready(deps) {
      const { createLive } = await import('./live.ts');
      live = await createLive({ ...deps, hub });
      stop();
      hub.clear();
      hub.send('page', String(await live.main()));
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      stop();
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeAllConnections();
      await closed;
      await live?.close();
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(codeOf(error) === 'EADDRINUSE' ? portTaken(port, "the demo's page", '--page-port') : error);
    });
    server.listen({ port, host: '127.0.0.1' }, resolve);
  });
}
