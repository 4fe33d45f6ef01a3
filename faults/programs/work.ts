/** The worker's work, loaded once names and the clock can be made to fail; see worker.ts. */
import { createLightHelpdesk } from '#bench/light-connector.ts';
import { loadConfig } from '#config/env.ts';
import { makeLog } from '#config/log.ts';
import type { ConnectorContext, Helpdesk } from '#connectors/contract/helpdesk.ts';
import { surviveDriverFault } from '#db/base/driver-fault.ts';
import type { Limits } from '#activities/deps.ts';
import { runWorker } from '#worker/run-worker.ts';

export async function run(): Promise<void> {
  const asked = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => asked.abort());
  const config = loadConfig();
  const log = makeLog({ level: config.log, name: 'worker' });
  surviveDriverFault(log);
  const bundle = process.env['FERRY_TEST_BUNDLE'];
  await runWorker(config, log, asked.signal, {
    createHelpdesk: (_type, context) => Promise.resolve(withPoint(context)),
    limits: JSON.parse(process.env['FERRY_TEST_LIMITS'] ?? '{}') as Partial<Limits>,
    ...(bundle === undefined ? {} : { bundle }),
  }).catch((error: unknown) => {
    if (!asked.signal.aborted) throw error;
  });
}

/**
 * Adds the test point to the helpdesk: `freeze` or `die`, `before` or `after` the request, as in `die-after-send:TEXT`.
 */
function withPoint(context: ConnectorContext): Helpdesk {
  const helpdesk = createLightHelpdesk(context);
  const [point = '', text = ''] = (process.env['FERRY_TEST_POINT'] ?? '').split(':');
  if (text === '') return helpdesk;
  let struck = false;
  const strike = (when: string, note: string | null | undefined): void => {
    if (struck || !point.endsWith(when) || !(note ?? '').includes(text)) return;
    struck = true;
    process.stdout.write(`${JSON.stringify({ struck: point })}\n`);
    process.kill(process.pid, point.startsWith('freeze') ? 'SIGSTOP' : 'SIGKILL');
  };
  return {
    ...helpdesk,
    async perform(step, options) {
      strike('before-send', step.command.note);
      const written = await helpdesk.perform(step, options);
      strike('after-send', step.command.note);
      return written;
    },
  };
}
