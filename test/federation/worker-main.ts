/**
 * A worker process for light desks, so that tests can kill it. `FERRY_TEST_CRASH` names the point at which it kills
 * itself with SIGKILL, once per file: `<point>:<text>`, where the note that is carried contains the text. At the points
 * `freeze-promised`, `freeze-sending` and `freeze-failed` it stops itself with SIGSTOP instead, once, until somebody
 * lets it continue.
 */
import { subscribe } from 'node:diagnostics_channel';
import { loadConfig } from '#config/env.ts';
import { surviveDriverFault } from '#db/base/driver-fault.ts';
import { makeLog } from '#config/log.ts';
import type { ConnectorContext, Helpdesk } from '#connectors/contract/helpdesk.ts';
import { runWorker } from '#worker/run-worker.ts';
import type { Limits } from '#activities/deps.ts';
import { createLightHelpdesk } from '#bench/light-connector.ts';

const [point = '', text = ''] = (process.env['FERRY_TEST_CRASH'] ?? '').split(':');

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('killed');
}

let frozen = false;

function freeze(): void {
  if (frozen) return;
  frozen = true;
  process.kill(process.pid, 'SIGSTOP');
}

/** Points at our own desk: decided, promised, performed, read-back, observed. */
function crashing(context: ConnectorContext): Helpdesk {
  const helpdesk = createLightHelpdesk(context);
  let performed = false;
  const concerns = (note: string | null | undefined): boolean => text !== '' && (note ?? '').includes(text);
  return {
    ...helpdesk,
    steps(command) {
      if (point === 'decided' && concerns(command.note)) die();
      return helpdesk.steps(command);
    },
    async perform(step, options) {
      if (point === 'promised' && concerns(step.command.note)) die();
      if (point === 'freeze-promised' && concerns(step.command.note)) freeze();
      const written = await helpdesk.perform(step, options).catch((error: unknown) => {
        if (point === 'freeze-failed' && concerns(step.command.note)) freeze();
        throw error;
      });
      if (point === 'performed' && concerns(step.command.note)) die();
      if (concerns(step.command.note)) performed = true;
      return written;
    },
    async read(ticket, since, signal, after) {
      const reading = await helpdesk.read(ticket, since, signal, after);
      if (point === 'read-back' && performed) die();
      if (point === 'observed' && reading.kind === 'ticket' && reading.actions.some((one) => concerns(one.note))) die();
      return reading;
    },
  };
}

/**
 * Points on the way to another gateway, where the request's path or body contains `text`. `sending`: the write is
 * promised, and nothing has left yet. `answered`: the whole answer has arrived, and nobody has looked at it.
 */
function dieOn(channel: string): void {
  subscribe(channel, (message) => {
    const { request } = message as {
      request: { readonly method: string; readonly path: string; readonly body: unknown };
    };
    if (request.method === 'POST' && `${request.path} ${String(request.body)}`.includes(text)) die();
  });
}

if (point === 'sending') dieOn('undici:request:create');
// Frozen when undici has the request and the socket has not.
if (point === 'freeze-sending') {
  subscribe('undici:request:create', (message) => {
    const { request } = message as { request: { readonly method: string; readonly body: unknown } };
    if (request.method === 'POST' && String(request.body).includes(text)) freeze();
  });
}
if (point === 'answered') dieOn('undici:request:trailers');

const bundle = process.env['FERRY_TEST_BUNDLE'];
const version = process.env['FERRY_TEST_VERSION'];
const asked = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => asked.abort());
const config = loadConfig();
const log = makeLog({ level: config.log, name: 'worker' });
surviveDriverFault(log);
await runWorker(config, log, asked.signal, {
  createHelpdesk: (_type, context) => Promise.resolve(crashing(context)),
  limits: JSON.parse(process.env['FERRY_TEST_LIMITS'] ?? '{}') as Partial<Limits>,
  sweepMs: 1_000,
  ...(bundle === undefined ? {} : { bundle }),
  ...(version === undefined ? {} : { version }),
}).catch((error: unknown) => {
  if (!asked.signal.aborted) throw error;
});
